"""What goes wrong between the gate and a registry: each failure has a text of its own.

Rate limits shown as something else, and a certificate shown as a time-out, cost people days (flux2 #4055). The texts
are ours: a registry's own words, and those of the libraries below, never reach a user.
"""

import ssl
import time
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple

import aiohttp

from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.stores.registry.descriptor import Descriptor

_SUCCESSES = range(200, 400)
_SERVER_ERRORS = range(500, 600)
_WORTH_A_RETRY = frozenset({500, 502, 503, 504})
_CERTIFICATE_PROBLEMS = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed and not trusted",
    62: "is for another name",
    64: "is for another address",
}
"""Codes of X509_verify_cert_error_string(3)."""


class Outcome(StrEnum):
    """How a request ended, for the metric."""

    OK = "ok"
    NOT_FOUND = "not_found"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    TLS = "tls"
    DNS = "dns"
    ADDRESS = "address"
    CONNECTION = "connection"
    INVALID = "invalid"
    ABANDONED = "abandoned"
    """Nobody waits any more: whoever asked has gone, or the time for the whole operation was up."""


class _Failure(NamedTuple):
    clause: str
    outcome: Outcome
    worth_a_retry: bool = False


_FAILURES: tuple[tuple[type[Exception], _Failure], ...] = (
    (aiohttp.ClientConnectorDNSError, _Failure("the name of {} cannot be resolved", Outcome.DNS)),
    (aiohttp.ClientSSLError, _Failure("{} does not speak TLS as it should", Outcome.TLS)),
    (aiohttp.ConnectionTimeoutError, _Failure("{} does not take the connection in time", Outcome.TIMEOUT)),
    (TimeoutError, _Failure("{} hangs: nothing has come for too long", Outcome.TIMEOUT)),
    (aiohttp.ClientConnectorError, _Failure("{} takes no connection", Outcome.CONNECTION, worth_a_retry=True)),
    (aiohttp.ClientResponseError, _Failure("{} sends something that is no HTTP", Outcome.INVALID)),
)
"""What aiohttp raises, the most specific first."""


_REFUSALS = {401: Outcome.UNAUTHORIZED, 403: Outcome.FORBIDDEN, 404: Outcome.NOT_FOUND, 429: Outcome.RATE_LIMITED}


class NotThereError(Exception):
    """The registry says that there is no such thing (404)."""


class RegistryError(UnavailableError):
    """A registry could not be asked, or its answer cannot be used.

    Attributes:
        outcome: The kind of failure.
        retry_after: Seconds that the registry asks to wait, at most `LIMITS.registry_retry_after`, or None.
        worth_a_retry: Whether the very same request may succeed a moment later.
        content: Whether it lies in what was pushed, not in the registry: too large, too many, unreadable. Whoever may
            push can bring that about, and must not be able to choose "unavailable" where "missing" would be.
        found: Of a list that broke off: what was read before, since one bad page must not hide good evidence.
    """

    def __init__(
        self,
        detail: str,
        outcome: Outcome = Outcome.INVALID,
        *,
        retry_after: float | None = None,
        worth_a_retry: bool = False,
        content: bool = False,
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.retry_after = retry_after
        self.worth_a_retry = worth_a_retry
        self.content = content
        self.found: tuple[Descriptor, ...] = ()


class StrangerError(RegistryError):
    """Whoever asks is nobody to the registry (401), so that another login may help."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, Outcome.UNAUTHORIZED)


def outcome_of_status(status: int) -> Outcome:
    """Classifies an HTTP status.

    Args:
        status: The status.

    Returns:
        Its outcome; a redirect is part of an answer that succeeds.
    """
    if status in _SUCCESSES:
        return Outcome.OK
    return Outcome.SERVER_ERROR if status in _SERVER_ERRORS else _REFUSALS.get(status, Outcome.INVALID)


def status_error(who: str, status: int, retry_after: str | None) -> RegistryError:
    """Describes an answer that is neither success nor 401, 403 or 404.

    Args:
        who: The registry, as it stands in the text.
        status: The HTTP status.
        retry_after: The header of this name.

    Returns:
        The error.
    """
    outcome = outcome_of_status(status)
    wait = parse_retry_after(retry_after)
    if outcome is Outcome.RATE_LIMITED:
        soon = "" if wait is None else f" and asks to wait for {wait:.0f} s"
        return RegistryError(f"{who} limits the rate of requests (429){soon}", outcome, retry_after=wait)
    if outcome is Outcome.SERVER_ERROR:
        again = status in _WORTH_A_RETRY and wait is None
        detail = f"{who} has a failure of its own ({status})"
        return RegistryError(detail, outcome, retry_after=wait, worth_a_retry=again)
    return RegistryError(f"{who} gave an answer that no registry gives ({status})")


def parse_retry_after(text: str | None) -> float | None:
    """Reads a `Retry-After` header (RFC 9110, section 10.2.3).

    Args:
        text: Seconds, or an HTTP date.

    Returns:
        Seconds from now, between 0 and `LIMITS.registry_retry_after`, or None if there is no such text.
    """
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LIMITS.registry_retry_after)


def connection_error(who: str, error: Exception) -> RegistryError:
    """Describes why no whole answer came.

    Args:
        who: The registry, as it stands in the text.
        error: What aiohttp raised.

    Returns:
        The error.
    """
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate_error(who, error.certificate_error)
    for kind, failure in _FAILURES:
        if isinstance(error, kind):
            return RegistryError(failure.clause.format(who), failure.outcome, worth_a_retry=failure.worth_a_retry)
    return RegistryError(f"{who} broke the connection off", Outcome.CONNECTION, worth_a_retry=True)


def _certificate_error(who: str, error: Exception) -> RegistryError:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    problem = _CERTIFICATE_PROBLEMS.get(code or 0, "is signed by an authority that is not trusted")
    return RegistryError(f"the certificate of {who} {problem}", Outcome.TLS)
