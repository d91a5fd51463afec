"""Patterns for repositories: `registry.example.com/shop/*`.

Host and path are compared apart. A single glob over the whole text let `*.trusted/x` match `evil/x.trusted/x`
(portieris d305814).
"""

import re
from dataclasses import dataclass

from webhook.model.image import has_valid_port

_HOST_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9\[\]:.-]+")
_SUB_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_SEGMENT_PATTERN = re.compile(r"[a-z0-9._*-]+")


@dataclass(frozen=True, slots=True)
class RepositoryPattern:
    """One pattern, ready to match.

    Attributes:
        text: The pattern as it was written.
    """

    text: str
    _host: str
    _segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "RepositoryPattern":
        """Reads a pattern.

        Args:
            text: `HOST/PATH`. HOST is exact, or `*.` and a domain for its sub-domains. In PATH, `*` stands for
                any characters of one segment; a last segment that is just `*` stands for one or more segments.

        Returns:
            The pattern.

        Raises:
            ValueError: The text is no such pattern; the message says what to write instead.
        """
        host, slash, path = text.partition("/")
        if not slash or not path:
            raise ValueError(f"{text!r} has no path; write `docker.io/library/redis` or `ghcr.io/team/*`")
        if not _HOST_PATTERN.fullmatch(host):
            raise ValueError(f"{text!r} must begin with a host in lower case, or `*.` and a domain")
        if not has_valid_port(host):
            raise ValueError(f"{text!r} has a port that is not between 1 and 65535")
        if "." not in host and ":" not in host and host != "localhost":
            raise ValueError(f"{text!r} names no registry; write `docker.io/{text}`")
        if host == "index.docker.io" or (host == "docker.io" and "/" not in path and path != "*"):
            raise ValueError(
                f"{text!r} matches nothing; Docker Hub's images are `docker.io/library/NAME` or `docker.io/…/…`"
            )
        segments = tuple(path.split("/"))
        if not all(_SEGMENT_PATTERN.fullmatch(segment) for segment in segments):
            raise ValueError(f"{text!r} has a path that no repository can have")
        return cls(text, host, segments)

    def matches(self, repository: str) -> bool:
        """Tells whether a repository falls under the pattern.

        Args:
            repository: Host and path, as `ImageReference.repository` gives them.

        Returns:
            True if both host and path match.
        """
        host, _, path = repository.partition("/")
        return self._host_matches(host) and self._path_matches(path.split("/"))

    def _host_matches(self, host: str) -> bool:
        if not self._host.startswith("*."):
            return host == self._host
        domain = self._host[1:]
        return host.endswith(domain) and _SUB_DOMAIN.fullmatch(host.removesuffix(domain)) is not None

    def _path_matches(self, segments: list[str]) -> bool:
        fixed = self._segments
        if fixed[-1] == "*" and len(segments) > len(fixed):
            segments = segments[: len(fixed)]
        return len(segments) == len(fixed) and all(map(segment_matches, fixed, segments))


def segment_matches(pattern: str, segment: str) -> bool:
    """Matches stars without backtracking: a regular expression's work would multiply with each star.

    Args:
        pattern: Text in which `*` stands for any characters.
        segment: One segment of a path, or one label of a host.

    Returns:
        True if it matches; `*` alone does not match the empty text.
    """
    head, *middle = pattern.split("*")
    if not middle:
        return segment == pattern
    tail = middle.pop()
    if not segment.startswith(head) or len(segment) < len(head) + len(tail) or not segment.endswith(tail):
        return False
    position, end = len(head), len(segment) - len(tail)
    for part in middle:
        found = segment.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return segment != ""
