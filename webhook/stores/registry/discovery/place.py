"""A repository as somebody sees it who holds certain keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from webhook.limits import LIMITS
from webhook.stores.registry.auth.credentials import Keyring
from webhook.stores.registry.client.client import Manifest
from webhook.stores.registry.descriptor import Descriptor
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import RegistryError


class RegistryReader(Protocol):
    """What is asked of registries; `client.RegistryClient` says what each question means and raises."""

    async def manifest(
        self, repository: Repository, reference: str, keyring: Keyring, most: int = LIMITS.manifest_bytes
    ) -> Manifest:
        """Fetches a manifest by tag or digest."""

    async def blob(self, repository: Repository, descriptor: Descriptor, keyring: Keyring) -> bytes:
        """Fetches a blob."""

    async def referrers(self, repository: Repository, digest: str, keyring: Keyring) -> tuple[Descriptor, ...] | None:
        """Lists referrers; None if there is no such API."""

    async def resolve(self, repository: Repository, tag: str, keyring: Keyring) -> str:
        """Tells which digest a tag points to."""

    async def close(self) -> None:
        """Ends all connections."""


class Allowance:
    """What one look-up may fetch and have under way; an asynchronous context manager.

    What lies beside images is for anybody to make large. Look-ups that hold much therefore wait for one another, and
    those of honest evidence for nobody.

    Attributes:
        calls: Bounds how many requests are under way.
    """

    def __init__(self, heavy: asyncio.Semaphore) -> None:
        """Begins a look-up.

        Args:
            heavy: Shared by all look-ups: how many may hold more than `LIMITS.registry_light_bytes`.
        """
        self.calls = asyncio.Semaphore(LIMITS.registry_calls)
        self._heavy = heavy
        self._taken = 0
        self._is_heavy = False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Gives itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lets the next one hold much."""
        if self._is_heavy:
            self._heavy.release()

    async def take(self, size: int) -> bool:
        """Asks for leave to fetch a blob or to read a manifest.

        Args:
            size: Its bytes.

        Returns:
            False if that would be more than one look-up may fetch.
        """
        if self._taken + size > LIMITS.registry_evidence_bytes:
            return False
        self._taken += size
        if self._taken > LIMITS.registry_light_bytes:
            async with self._lock:
                if not self._is_heavy:
                    await self._heavy.acquire()
                    self._is_heavy = True
        return True


@dataclass(frozen=True, slots=True)
class Place:
    """Where is looked, and as whom.

    Attributes:
        reader: Asks the registry.
        repository: The repository.
        keyring: The credentials.
        allowance: Of the look-up.
    """

    reader: RegistryReader
    repository: Repository
    keyring: Keyring
    allowance: Allowance

    @asynccontextmanager
    async def manifest(self, reference: str, size: int | None = None) -> AsyncIterator[Manifest]:
        """Fetches a manifest, and counts as a request until it is read: those that wait for that are not many.

        Args:
            reference: A tag or a digest.
            size: Bytes that the allowance was asked for; None if nobody has said how large it is, so that it is asked
                for what came.

        Yields:
            The manifest.

        Raises:
            NotThereError: The registry says that there is none.
            UnavailableError: It cannot be had; if it is too much, a `RegistryError` of the content.
        """
        async with self.allowance.calls:
            most = LIMITS.manifest_bytes if size is None else size
            manifest = await self.reader.manifest(self.repository, reference, self.keyring, most)
            if size is None and not await self.allowance.take(len(manifest.raw)):
                detail = f"registry {self.repository.host} holds larger manifests than are looked at"
                raise RegistryError(detail, content=True)
            yield manifest

    async def blob(self, descriptor: Descriptor) -> bytes:
        """Fetches a blob.

        Args:
            descriptor: Which.

        Returns:
            Its bytes, whose digest is the descriptor's.

        Raises:
            NotThereError: The registry says that there is none.
            UnavailableError: It cannot be had.
        """
        async with self.allowance.calls:
            return await self.reader.blob(self.repository, descriptor, self.keyring)

    async def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """Lists referrers.

        Args:
            digest: Of what they refer to.

        Returns:
            Their descriptors, or None if the registry has no such API.

        Raises:
            UnavailableError: They cannot be had; a `RegistryError` holds those that were read before it.
        """
        async with self.allowance.calls:
            return await self.reader.referrers(self.repository, digest, self.keyring)
