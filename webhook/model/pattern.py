"""Patterns for repositories: `registry.example.com/shop/*`.

Host and path are compared apart. A single glob over the whole text let `*.trusted/x` match `evil/x.trusted/x`
(portieris d305814).
"""

import re
from dataclasses import dataclass

_HOST_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9\[\]:.-]+")
_SEGMENT_PATTERN = re.compile(r"[a-z0-9._*-]+")


@dataclass(frozen=True, slots=True)
class RepositoryPattern:
    """One pattern, ready to match.

    Attributes:
        text: The pattern as it was written.
    """

    text: str
    _host: re.Pattern[str]
    _path: re.Pattern[str]

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
        segments = path.split("/")
        if not all(_SEGMENT_PATTERN.fullmatch(segment) for segment in segments):
            raise ValueError(f"{text!r} has a path that no repository can have")
        return cls(text, _host_regex(host), _path_regex(segments))

    def matches(self, repository: str) -> bool:
        """Tells whether a repository falls under the pattern.

        Args:
            repository: Host and path, as `ImageReference.repository` gives them.

        Returns:
            True if both host and path match.
        """
        host, _, path = repository.partition("/")
        return self._host.fullmatch(host) is not None and self._path.fullmatch(path) is not None


def _host_regex(host: str) -> re.Pattern[str]:
    if host.startswith("*."):
        return re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*" + re.escape(host[1:]))
    return re.compile(re.escape(host))


def _path_regex(segments: list[str]) -> re.Pattern[str]:
    parts = [re.escape(segment).replace(r"\*", "[^/]*") for segment in segments]
    if segments[-1] == "*":
        parts[-1] = ".+"
    return re.compile("/".join(parts))
