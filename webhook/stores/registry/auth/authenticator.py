"""Logging in to registries: anonymous, Basic, and Bearer with tokens from a token service.

No registry is told who we are before it has asked: the first request goes without a credential. What it asked for and
what opened it is remembered, so that later requests take one round trip, and for its other repositories two.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from yarl import URL

from webhook.limits import LIMITS
from webhook.stores.registry.auth.credentials import Credential, Keyring
from webhook.stores.registry.auth.realm import PULL, TokenService, scope, token_service
from webhook.stores.registry.auth.tokens import Tokens, basic, can_be_sent
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import Outcome, RegistryError, StrangerError
from webhook.stores.registry.transport.headers import HeaderError, parse_challenges
from webhook.stores.registry.transport.messages import Answer, Patience, Request
from webhook.stores.registry.transport.transport import Transport

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_REFUSALS = (Outcome.UNAUTHORIZED, Outcome.FORBIDDEN)

_K = TypeVar("_K")
_V = TypeVar("_V")


class Memory(OrderedDict[_K, _V], Generic[_K, _V]):
    """What was learnt last, and no more than `LIMITS.registry_tokens` of it."""

    def learn(self, key: _K, value: _V) -> None:
        """Keeps a value; the oldest makes room.

        Args:
            key: What it is about.
            value: What was learnt.
        """
        self[key] = value
        self.move_to_end(key)
        if len(self) > LIMITS.registry_tokens:
            self.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in.

    Attributes:
        credential: Who we say that we are, or None.
        service: Where a token is to be had for it, or None if the registry takes the credential itself.
    """

    credential: Credential | None = None
    service: TokenService | None = None


_OPEN = _Way()


class Authenticator:
    """Asks registries, and answers when they ask back."""

    def __init__(self, transport: Transport, patience: Patience, actions: str = PULL) -> None:
        """Knows no way in yet.

        Args:
            transport: Makes the requests.
            patience: How long a token service is waited for.
            actions: What tokens are asked for.
        """
        self._transport = transport
        self._actions = actions
        self._tokens = Tokens(transport, patience)
        self._ways: Memory[tuple[Repository, str], _Way] = Memory()
        self._services: Memory[str, tuple[URL, str]] = Memory()

    async def close(self) -> None:
        """Ends what is under way, and forgets everything."""
        await self._tokens.close()
        self._ways.clear()
        self._services.clear()

    async def ask(self, repository: Repository, request: Request, keyring: Keyring) -> Answer:
        """Asks with whatever credential opens the door.

        Args:
            repository: Whose credentials may be used.
            request: What to ask; it carries no credential yet.
            keyring: Has the credentials.

        Returns:
            The answer; its status is neither 401 nor 403.

        Raises:
            RegistryError: There is none, or nothing that we have opens the door.
            UnavailableError: The credentials cannot be read.
        """
        key, begun = (repository, keyring.fingerprint), time.monotonic()
        way = self._ways.get(key) or await self._guess(repository, request, keyring)
        answer = await self._knock(way, request)
        if answer is None:
            way, answer = _OPEN, await self._transport.ask(request)
        if answer.status != _UNAUTHORIZED:
            answer = _let_in(request, answer)
            if way is not _OPEN:
                self._ways.learn(key, way)
            return answer
        # A token that was just refused is not tried again; one that others got meanwhile is welcome.
        since = None if way.service is None else begun
        refusal = _nobody(request)
        for entry in await self._ways_in(repository, answer, keyring):
            try:
                opened = _let_in(request, await self._try(entry, request, since))
            except RegistryError as error:
                if error.outcome not in _REFUSALS:
                    raise
                refusal = error
            else:
                self._learn(key, entry)
                return opened
        raise refusal

    async def _guess(self, repository: Repository, request: Request, keyring: Keyring) -> _Way:
        """Takes for granted that a registry asks for the same at each of its repositories, as containerd does."""
        known = self._services.get(repository.host)
        if known is None:
            return _OPEN
        realm, service = known
        credentials = await _credentials(repository, request, keyring)
        return _ways_by_token(credentials, TokenService(realm, service, (self._scope(repository),)))[0]

    async def _knock(self, way: _Way, request: Request) -> Answer | None:
        """Tries what was remembered or guessed; None if that opens no door, and does not say what would."""
        if way is _OPEN:
            return await self._transport.ask(request)
        try:
            authorized = await self._authorized(way, request, None)
        except RegistryError:
            # Its token service may be one of the past.
            return None
        answer = await self._transport.ask(authorized)
        return None if answer.status == _FORBIDDEN else answer

    async def _try(self, way: _Way, request: Request, since: float | None) -> Answer:
        return await self._transport.ask(await self._authorized(way, request, since))

    async def _authorized(self, way: _Way, request: Request, since: float | None) -> Request:
        credential = way.credential
        if way.service is not None:
            header = f"Bearer {await self._tokens.get(request, way.service, credential, since)}"
        elif credential is None or (credential.registry_token and not can_be_sent(credential.registry_token)):
            raise _nobody(request)
        else:
            header = f"Bearer {credential.registry_token}" if credential.registry_token else basic(credential)
        return replace(request, headers={**request.headers, "Authorization": header})

    def _learn(self, key: tuple[Repository, str], way: _Way) -> None:
        self._ways.learn(key, way)
        repository, service = key[0], way.service
        if service is not None and service.scopes == (self._scope(repository),):
            self._services.learn(repository.host, (service.realm, service.service))

    async def _ways_in(self, repository: Repository, answer: Answer, keyring: Keyring) -> Sequence[_Way]:
        """Reads what the registry asks for, and finds what we have of it."""
        request = answer.request
        if request.elsewhere:
            raise RegistryError(f"{request.who} asks for credentials (401), and gets none", Outcome.UNAUTHORIZED)
        try:
            values = answer.headers.getall("WWW-Authenticate", [])
            challenges = {entry.scheme: entry for entry in parse_challenges(values)}
        except HeaderError:
            challenges = {}
        if "bearer" in challenges:
            service = token_service(request, challenges["bearer"], repository.path, self._actions)
            return _ways_by_token(await _credentials(repository, request, keyring), service)
        if "basic" in challenges:
            credentials = await _credentials(repository, request, keyring)
            return [_Way(entry) for entry in credentials if entry.username and not entry.registry_token]
        detail = f"{request.who} asks for credentials (401) in a way that is not understood"
        raise RegistryError(detail, Outcome.UNAUTHORIZED)

    def _scope(self, repository: Repository) -> str:
        return scope(repository.path, self._actions)


async def _credentials(repository: Repository, request: Request, keyring: Keyring) -> Sequence[Credential]:
    if request.url.scheme != "https":
        return ()
    return (await keyring.credentials(repository))[: LIMITS.registry_credentials]


def _ways_by_token(credentials: Sequence[Credential], service: TokenService) -> Sequence[_Way]:
    """Gives a way for each credential; with none, tokens for nobody in particular."""
    ways = [_Way(entry, None if entry.registry_token else service) for entry in credentials]
    return ways or [_Way(None, service)]


def _nobody(request: Request) -> RegistryError:
    if request.url.scheme == "http":
        detail = f"{request.who} asks for credentials (401), which are never sent over plain http"
    else:
        detail = f"{request.who} asks for credentials (401), and there is none that it would take"
    return StrangerError(detail)


def _let_in(request: Request, answer: Answer) -> Answer:
    if answer.status == _UNAUTHORIZED:
        raise StrangerError(f"{request.who} does not accept who asks (401)")
    if answer.status == _FORBIDDEN:
        raise RegistryError(f"{request.who} denies access to the repository (403)", Outcome.FORBIDDEN)
    return answer
