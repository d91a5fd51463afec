"""Image references, read as container runtimes read them.

The grammar is that of github.com/distribution/reference, which containerd, CRI-O and the kubelet share:
what the gate looks up must be what the node pulls. Differences, each on the side of refusing: only sha256 digests
are accepted; a reference is at most `LIMITS.reference_characters` long; a port is one that can be connected to; and a
host that only its capitals tell from a path (`Foo/bar`) is refused, since in lower case it would name another
repository.
"""

import re
from dataclasses import dataclass

from webhook.errors import ImageReferenceError
from webhook.limits import LIMITS

_ALNUM = "[a-zA-Z0-9]"
_HOST_LABEL = f"(?:{_ALNUM}(?:[a-zA-Z0-9-]*{_ALNUM})?)"
_IPV6 = r"\[[a-fA-F0-9:]+\]"
_HOST = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|{_IPV6})(?::[0-9]+)?")
_SEGMENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}")
_HEX_ID = re.compile(r"[a-f0-9]{64}")
_PORT = re.compile(r"[0-9]{1,5}")
_PORTS = range(1, 65536)
_PATH_CHARACTERS = 255
_DOCKER_HUB = ("docker.io", "index.docker.io")


def is_digest(text: str) -> bool:
    """Tells whether a text is a digest that the gate works with.

    Args:
        text: Any text.

    Returns:
        True for exactly `sha256:` and 64 lower-case hexadecimal digits.
    """
    return _DIGEST.fullmatch(text) is not None


def has_valid_port(host: str) -> bool:
    """Tells whether a registry host can be connected to as far as its port goes.

    Args:
        host: Host, or host and port.

    Returns:
        False if what follows the last colon is no number from 1 to 65535 in at most five digits; True if there is
        no port.
    """
    _, colon, port = host.rpartition("]")[2].rpartition(":")
    return not colon or (_PORT.fullmatch(port) is not None and int(port) in _PORTS)


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image reference in its full form.

    Attributes:
        host: Registry host with port if one was given, lower case (`docker.io` for Docker Hub's short names).
        path: Repository path below the host (`library/redis`).
        tag: The tag, or None. A runtime ignores it when there is a digest.
        digest: `sha256:` and 64 lower-case hexadecimal digits, or None.
    """

    host: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def repository(self) -> str:
        """Host and path, without tag and digest."""
        return f"{self.host}/{self.path}"

    @classmethod
    def parse(cls, text: str) -> "ImageReference":
        """Reads a reference as it stands in a pod's `image`.

        Args:
            text: For example `redis`, `ghcr.io/team/app:1.2`, `[::1]:5000/x@sha256:…`.

        Returns:
            The full form.

        Raises:
            ImageReferenceError: No runtime would pull this, or its digest is not sha256. The text says which
                part is wrong and never repeats the input.
        """
        if not text or len(text) > LIMITS.reference_characters:
            raise ImageReferenceError("it is empty or too long")
        name, separator, digest = text.partition("@")
        if separator and not is_digest(digest):
            raise ImageReferenceError("its digest is not `sha256:` and 64 lower-case hexadecimal digits")
        name, tag = _split_tag(name)
        host, path = _split_host(name)
        if tag is not None and not _TAG.fullmatch(tag):
            raise ImageReferenceError("its tag is not valid")
        if not _HOST.fullmatch(host):
            raise ImageReferenceError("its registry host is not valid")
        if not has_valid_port(host):
            raise ImageReferenceError("its registry's port is not between 1 and 65535")
        if len(path) > _PATH_CHARACTERS or not _PATH.fullmatch(path):
            raise ImageReferenceError("its repository path is not valid")
        if _HEX_ID.fullmatch(text):
            raise ImageReferenceError("it is a bare image id")
        return cls(host, path, tag, digest or None)


def _split_tag(name: str) -> tuple[str, str | None]:
    """Cuts `:tag` off; a colon before the last slash belongs to a port."""
    colon = name.rfind(":")
    if colon > name.rfind("/"):
        return name[:colon], name[colon + 1 :]
    return name, None


def _split_host(name: str) -> tuple[str, str]:
    """Applies Docker's familiar names: a first part is a host only if it looks like one."""
    first, slash, rest = name.partition("/")
    if slash and (any(c in first for c in ".:") or first == "localhost"):
        host, path = first, rest
    else:
        # Capitals in what is then a part of the path fail its grammar.
        host, path = "docker.io", name
    # Only ASCII has one lower case: KELVIN SIGN becomes a k.
    lower = host.lower() if host.isascii() else host
    if lower != host and lower in _DOCKER_HUB:
        raise ImageReferenceError("Docker Hub's name has capitals, which runtimes take for another registry")
    host = "docker.io" if lower in _DOCKER_HUB else lower
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return host, path
