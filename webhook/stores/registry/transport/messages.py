"""What is asked of a registry and what comes of it, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDictProxy
from yarl import URL


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a registry is waited for, in seconds; below the API server's own ten, so that the reason is known."""

    connect: float = 3.0
    """Until a connection stands, TLS included."""
    silence: float = 5.0
    """Between two pieces of an answer."""
    whole: float = 8.0
    """For everything that one operation takes: token, redirects and a second attempt included."""


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP exchange, for the metrics.

    Attributes:
        host: The registry on whose behalf it was made, as it stands in references.
        operation: `manifest`, `blob`, `referrers` or `token`.
        outcome: A value of `Outcome`.
        seconds: From the wish to the end.
        received: Bytes of the body.
    """

    host: str
    operation: str
    outcome: str
    seconds: float
    received: int


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        host: The registry on whose behalf, as it stands in references.
        operation: As in `Call`.
        url: Where.
        cap: The most bytes that a body may have.
        headers: Added to those that each request has; never kept across a redirect, but for `Accept`.
        form: Posted, if there is one.
        elsewhere: Whether the registry has sent us there.
    """

    host: str
    operation: str
    url: URL
    cap: int
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    elsewhere: bool = False

    @property
    def who(self) -> str:
        """Whom an error is about: the registry, or where it has sent us."""
        # Not `host`, which fails for a name that is no IDNA (`xn--a`).
        return (
            f"{self.url.raw_host}, where registry {self.host} leads," if self.elsewhere else f"registry {self.host}"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came.

    Attributes:
        status: The HTTP status.
        headers: The HTTP headers.
        body: Whole for status 200; else only as much as was there at once.
        request: What it answers: the last one, if there were redirects.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    request: Request

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def can_be_asked(url: URL) -> bool:
    """Tells whether a URL that somebody sent us to is one of HTTP, with a host, and without a credential in it.

    Args:
        url: Any URL.

    Returns:
        True if it may be asked as far as its form goes; its address is another question.
    """
    plain = url.user is None and url.password is None
    return url.scheme in ("http", "https") and bool(url.raw_host and url.port) and plain
