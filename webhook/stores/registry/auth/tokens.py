"""Tokens from token services (distribution's token and OAuth2 specifications), kept until they end."""

import asyncio
import base64
import re
import time
from dataclasses import replace
from typing import Any

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json
from webhook.stores.cache import FetchCache, Fetched
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.auth.realm import TokenService, may_have_credential
from webhook.stores.registry.transport.failure import Outcome, RegistryError, StrangerError, status_error
from webhook.stores.registry.transport.messages import Patience, Request
from webhook.stores.registry.transport.transport import Transport

_OK = 200
_REFUSALS = frozenset({400, 401, 403})
"""400 is OAuth2's answer to a refresh token that does not count (RFC 6749, section 5.2)."""
_CLIENT_ID = "execution-evidence-gate"
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_LIFETIME_SECONDS = 60.0
"""Of a token that names none, by the specification."""
_LIFETIME_MAXIMUM = 3600.0
_MARGIN_SECONDS = 10.0
"""A token must outlive the request that it goes with."""
_CACHE_BYTES = 16 * 1024 * 1024


class Tokens:
    """The tokens of one client."""

    def __init__(self, transport: Transport, patience: Patience) -> None:
        """Has none yet.

        Args:
            transport: Makes the requests.
            patience: How long a token service is waited for.
        """
        self._transport = transport
        self._patience = patience
        # A token is bound to the registry that it was asked for, whatever token service and scope that one names.
        self._cache: FetchCache[tuple[str, TokenService, Credential | None], str] = FetchCache(
            LIMITS.registry_tokens, _CACHE_BYTES
        )

    async def close(self) -> None:
        """Ends what is under way, and forgets all tokens."""
        await self._cache.close()

    async def get(
        self, request: Request, service: TokenService, credential: Credential | None, since: float | None
    ) -> str:
        """Gets a token.

        Args:
            request: What it is for.
            service: Where it is to be had.
            credential: For whom, or None.
            since: A moment of the monotonic clock; a token that was fetched before then was refused.

        Returns:
            The token, fit for a header.

        Raises:
            RegistryError: There is none; the outcome is `unauthorized` if it is the credential's fault.
        """
        if credential is not None and not may_have_credential(request.url, service.realm):
            place = service.realm.raw_host
            detail = f"{request.who} names a token service at {place}, which may not get its credential"
            raise RegistryError(detail, Outcome.UNAUTHORIZED)
        key = (request.host, service, credential)
        max_age = None if since is None else time.monotonic() - since
        return await self._cache.get(key, lambda: self._fetch(request, service, credential), max_age)

    async def _fetch(self, request: Request, service: TokenService, credential: Credential | None) -> Fetched[str]:
        """Asks for a token; this goes on when who asked first has gone, so it has a time limit of its own."""
        asked = _token_request(request, service, credential)
        who = f"the token service of {request.who}"
        try:
            async with asyncio.timeout(self._patience.whole):
                # Not followed anywhere: a redirect is an error like any other status.
                answer = await self._transport.exchange(asked)
        except TimeoutError:
            raise RegistryError(f"{who} took more than {self._patience.whole:g} s", Outcome.TIMEOUT) from None
        if answer.status in _REFUSALS:
            raise StrangerError(f"{who} does not accept who asks ({answer.status})")
        if answer.status != _OK:
            raise status_error(who, answer.status, answer.headers.get("Retry-After"))
        token, seconds = _read_token(answer.body)
        if not can_be_sent(token):
            raise RegistryError(f"{who} gave no usable token")
        return Fetched(token, "found", len(token), seconds)


def basic(credential: Credential) -> str:
    """Writes a Basic credential (RFC 7617).

    Args:
        credential: Name and password.

    Returns:
        The `Authorization` header.
    """
    pair = f"{credential.username}:{credential.password}".encode("utf-8", "surrogatepass")
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def can_be_sent(token: str) -> bool:
    """Tells whether a token is fit for a header.

    Args:
        token: A bearer token.

    Returns:
        True for visible ASCII characters, at least one.
    """
    return _SENDABLE.fullmatch(token) is not None


def _token_request(request: Request, service: TokenService, credential: Credential | None) -> Request:
    """Writes the question: POST for an identity token, which is an OAuth2 refresh token; else GET."""
    url = service.realm
    elsewhere = url.raw_host != request.url.raw_host
    asked = Request(request.host, "token", url, LIMITS.registry_token_bytes, elsewhere=elsewhere)
    if credential is not None and credential.identity_token:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": credential.identity_token,
            "client_id": _CLIENT_ID,
            "service": service.service,
            "scope": " ".join(service.scopes),
        }
        return replace(asked, form=form)
    parameters = [("scope", scope) for scope in service.scopes]
    if service.service:
        parameters.insert(0, ("service", service.service))
    headers = {} if credential is None else {"Authorization": basic(credential)}
    return replace(asked, url=url.extend_query(parameters), headers=headers)


def _read_token(body: bytes) -> tuple[str, float]:
    """Reads a token, empty if there is none, and for how many seconds from now it may be used."""
    try:
        document = parse_json(body, "token")
    except MalformedError:
        document = None
    content: dict[str, Any] = document if isinstance(document, dict) else {}
    token = content.get("token") or content.get("access_token")
    lifetime = content.get("expires_in")
    if type(lifetime) not in (int, float):
        lifetime = _LIFETIME_SECONDS
    seconds = min(float(lifetime or 0), _LIFETIME_MAXIMUM) - _MARGIN_SECONDS
    return token if isinstance(token, str) else "", max(seconds, 0.0)
