"""What the gate asks of a registry: the OCI distribution specification 1.1, read-only, in four questions.

Nothing that a registry says about its bytes is believed: not their length, not their encoding, and not their digest,
which is computed here (CVE-2022-47633, CVE-2023-47630, CVE-2023-33959).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from yarl import URL

from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.image import is_digest
from webhook.settings.stores import RegistryHostSettings, RegistryStoreSettings
from webhook.stores.registry.auth.authenticator import Authenticator
from webhook.stores.registry.auth.credentials import Keyring
from webhook.stores.registry.auth.realm import PULL
from webhook.stores.registry.client.listing import INDEX_TYPE, Listing
from webhook.stores.registry.descriptor import Descriptor
from webhook.stores.registry.guidance import guidance
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import (
    NotThereError,
    Outcome,
    RegistryError,
    StrangerError,
    status_error,
)
from webhook.stores.registry.transport.messages import PATIENCE, Answer, Call, Patience, Request
from webhook.stores.registry.transport.transport import Transport

__all__ = ["Call", "Descriptor", "Manifest", "NotThereError", "Patience", "RegistryClient", "RegistryError"]

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_OK, _BAD_REQUEST, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 400, 404, 429, 500
_RETRY_SECONDS = 0.1
_ORDINARY = RegistryHostSettings()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index.

    Attributes:
        raw: Its bytes.
        digest: `sha256:` and 64 hexadecimal digits, computed from the bytes.
        media_type: As the registry calls it, without parameters; empty if it does not.
    """

    raw: bytes
    digest: str
    media_type: str


class RegistryClient:
    """Asks registries; one for each store, since its connections and tokens are shared by all questions."""

    _kind: type[Transport] = Transport
    _actions = PULL

    def __init__(
        self,
        section: RegistryStoreSettings,
        folder: Path,
        observe: Callable[[Call], None],
        patience: Patience = PATIENCE,
    ) -> None:
        """Reads what the configuration names; nothing is connected to yet.

        Args:
            section: How registries are reached.
            folder: What relative paths are relative to.
            observe: Told of each exchange.
            patience: How long registries are waited for.

        Raises:
            ConfigurationError: A CA bundle cannot be used.
        """
        self._hosts = section.hosts
        self._patience = patience
        self._transport = self._kind(section.hosts, folder, observe, patience)
        self._guidance = guidance(section)
        self._authenticator = Authenticator(self._transport, patience, self._actions)

    async def close(self) -> None:
        """Closes all connections; a question after this opens new ones."""
        await self._authenticator.close()
        await self._transport.close()

    async def manifest(
        self, repository: Repository, reference: str, keyring: Keyring, most: int = LIMITS.manifest_bytes
    ) -> Manifest:
        """Reads a manifest or an index.

        Args:
            repository: The repository.
            reference: A tag or a digest.
            keyring: Who asks.
            most: Bytes that it may have, as far as the limit lets it.

        Returns:
            The manifest; with a digest for a reference, it is the one that was asked for.

        Raises:
            NotThereError: The registry says that there is none.
            RegistryError: It could not be read, is larger, or is another one.
        """
        cap = min(most, LIMITS.manifest_bytes)
        request = self._request(repository, "manifest", f"manifests/{reference}", cap)
        request = replace(request, headers={"Accept": ", ".join(_MANIFEST_TYPES)})
        answer = await self._read(repository, request, keyring)
        self._succeed(answer)
        digest = sha256_digest(answer.body)
        if is_digest(reference) and digest != reference:
            raise RegistryError(f"{answer.request.who} gave other bytes than those of the digest that was asked for")
        return Manifest(answer.body, digest, answer.media_type)

    async def blob(self, repository: Repository, descriptor: Descriptor, keyring: Keyring) -> bytes:
        """Reads a blob, from the descriptor itself if it is embedded there.

        Args:
            repository: The repository.
            descriptor: Points at it.
            keyring: Who asks.

        Returns:
            The bytes; they have the descriptor's digest and size.

        Raises:
            NotThereError: The registry says that there is none.
            RegistryError: It could not be read, is larger than an envelope may be, or is another one.
        """
        data = descriptor.data
        if data is not None and len(data) == descriptor.size and sha256_digest(data) == descriptor.digest:
            return data
        if descriptor.size > LIMITS.envelope_bytes:
            detail = f"a blob in registry {repository.host} is larger than {LIMITS.envelope_bytes} bytes"
            raise RegistryError(detail, content=True)
        request = self._request(repository, "blob", f"blobs/{descriptor.digest}", descriptor.size)
        answer = await self._read(repository, request, keyring)
        self._succeed(answer)
        if sha256_digest(answer.body) != descriptor.digest:
            raise RegistryError(f"{answer.request.who} gave other bytes than those of the digest that was asked for")
        return answer.body

    async def resolve(self, repository: Repository, tag: str, keyring: Keyring) -> str:
        """Finds what a tag stands for at this moment.

        By reading it: the digest in the answer to HEAD is the registry's word, and nothing that could be hashed.

        Args:
            repository: The repository.
            tag: The tag.
            keyring: Who asks.

        Returns:
            `sha256:` and 64 hexadecimal digits.

        Raises:
            NotThereError: The registry says that there is no such tag.
            RegistryError: It could not be read.
        """
        return (await self.manifest(repository, tag, keyring)).digest

    async def referrers(self, repository: Repository, digest: str, keyring: Keyring) -> tuple[Descriptor, ...] | None:
        """Lists what says that it is about a digest (distribution specification 1.1, "Listing Referrers").

        Never with a filter: cosign and oras fill artifact types in differently.

        Args:
            repository: The repository.
            digest: `sha256:` and 64 hexadecimal digits.
            keyring: Who asks.

        Returns:
            The whole list, or None if the registry has no such API.

        Raises:
            RegistryError: The list could not be read whole; `found` holds what was read of it.
        """
        request = self._request(repository, "referrers", f"referrers/{digest}", LIMITS.manifest_bytes)
        listing = Listing(replace(request, headers={"Accept": INDEX_TYPE}))
        try:
            while listing.request is not None:
                answer = await self._read(repository, listing.request, keyring)
                if listing.is_unknown_to(answer):
                    return None
                await listing.add(answer)
            return listing.whole()
        except RegistryError as error:
            error.found = tuple(listing.found)
            raise

    def _request(self, repository: Repository, operation: str, path: str, cap: int) -> Request:
        scheme = "http" if self._settings(repository).insecure else "https"
        url = URL(f"{scheme}://{repository.api_host}/v2/{repository.path}/{path}")
        return Request(repository.host, operation, url, cap)

    def _settings(self, repository: Repository) -> RegistryHostSettings:
        return self._hosts.get(repository.host, _ORDINARY)

    async def _read(self, repository: Repository, request: Request, keyring: Keyring) -> Answer:
        """Asks, and says what may help where nobody who asks is known there; whoever writes has advice of its own."""
        try:
            return await self._answer(repository, request, keyring)
        except StrangerError as error:
            guided = self._guidance
            step = guided.https if request.url.scheme == "http" else guided.login.replace("{host}", request.host)
            raise RegistryError(f"{error.detail}: {step}", error.outcome) from None

    async def _answer(self, repository: Repository, request: Request, keyring: Keyring) -> Answer:
        """Asks, and once more if that may help, in the time that one operation has."""
        try:
            async with asyncio.timeout(self._patience.whole):
                try:
                    return await self._attempt(repository, request, keyring)
                except RegistryError as error:
                    if not error.worth_a_retry:
                        raise
                await asyncio.sleep(_RETRY_SECONDS)
                return await self._attempt(repository, request, keyring)
        except TimeoutError:
            seconds = self._patience.whole
            raise RegistryError(f"{request.who} took more than {seconds:g} s", Outcome.TIMEOUT) from None

    async def _attempt(self, repository: Repository, request: Request, keyring: Keyring) -> Answer:
        answer = await self._authenticator.ask(repository, request, keyring)
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
            raise status_error(answer.request.who, answer.status, answer.headers.get("Retry-After"))
        return answer

    def _succeed(self, answer: Answer) -> None:
        if answer.status == _NOT_FOUND:
            raise NotThereError
        if answer.status == _OK:
            return
        request = answer.request
        error = status_error(request.who, answer.status, answer.headers.get("Retry-After"))
        if answer.status == _BAD_REQUEST and request.url.scheme == "http" and not request.elsewhere:
            # What servers that speak TLS alone say to whoever does not.
            raise RegistryError(f"{error.detail}, asked over plain http: {self._guidance.https}")
        raise error
