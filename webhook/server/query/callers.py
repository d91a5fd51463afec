"""Who may query: bearers of a token from a file, or whoever the API server vouches for.

Nobody is let in by default, and what cannot be found out lets nobody in.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from webhook.errors import ConfigurationError
from webhook.files import Watch, fingerprint, read_capped
from webhook.limits import LIMITS
from webhook.server.query.faults import UNAUTHENTICATED, FaultError

_LOG = logging.getLogger(__name__)

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
"""RFC 6750 §2.1, and a scheme in any case (RFC 9110 §11.1)."""
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]{32,4094}=*")
"""Shorter ones could be guessed."""


class CallerRule(Protocol):
    """Decides who may query."""

    async def start(self) -> None:
        """Begins to follow what the rule depends on."""

    async def stop(self) -> None:
        """Stops following."""

    async def admit(self, token: str) -> str:
        """Lets a caller in.

        Args:
            token: What the caller shows.

        Returns:
            The caller's name, for limits and the log.

        Raises:
            FaultError: The caller may not query, or that could not be found out.
        """


def bearer_token(headers: Sequence[str]) -> str:
    """Reads the token of a request.

    Args:
        headers: All its `Authorization` headers.

    Returns:
        The token.

    Raises:
        FaultError: There is not exactly one, or it is no bearer token.
    """
    match = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if match is None or len(match[1]) > LIMITS.bearer_token_bytes:
        raise FaultError(UNAUTHENTICATED, "a bearer token is needed")
    return match[1]


class TokenFile:
    """Tokens from a file, one a line; the file is followed.

    Kept are their SHA-256, and each one that is shown is compared with all of them in constant time. A file that
    cannot be used later on lets nobody in: whoever empties it to shut somebody out must not be too late.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file for the first time.

        Args:
            path: ASCII, one token of at least 32 characters a line; empty lines do not count.

        Raises:
            ConfigurationError: It cannot be read, holds no token, too many, or one that is none.
        """
        self._path = path
        self._digests = self._load()
        self._watch = Watch(lambda: fingerprint([path]), self._reload)

    async def start(self) -> None:
        """Begins to follow the file."""
        await self._watch.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._watch.stop()

    async def admit(self, token: str) -> str:
        """As `CallerRule.admit`; the name is the token's line among the tokens."""
        shown = _digest(token.encode("ascii"))
        matches = [hmac.compare_digest(shown, digest) for digest in self._digests]
        if not any(matches):
            raise FaultError(UNAUTHENTICATED, "the token is not valid")
        return f"token-{matches.index(True) + 1}"

    def _load(self) -> tuple[bytes, ...]:
        try:
            content = read_capped(self._path, LIMITS.bearer_tokens * LIMITS.bearer_token_bytes)
        except (OSError, ValueError):
            raise ConfigurationError(f"token file {self._path} cannot be read, or is too large") from None
        tokens = [line for line in (line.strip() for line in content.splitlines()) if line]
        if not tokens or len(tokens) > LIMITS.bearer_tokens:
            raise ConfigurationError(f"token file {self._path} must hold 1 to {LIMITS.bearer_tokens} tokens")
        if not all(_TOKEN.fullmatch(token) for token in tokens):
            raise ConfigurationError(
                f"token file {self._path} holds a line that is no token of 32 characters or more (RFC 6750)"
            )
        return tuple(_digest(token) for token in tokens)

    async def _reload(self) -> bool:
        try:
            self._digests = self._load()
        except ConfigurationError as error:
            if self._digests:
                _LOG.error("query tokens cannot be used, nobody is let in", extra={"problem": str(error)})
            self._digests = ()
            return False
        _LOG.info("query tokens read")
        return True


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
