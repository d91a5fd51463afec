"""One repository as somebody who may push sees it, with patience for what passes."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from webhook.errors import MalformedError
from webhook.model.canonical import sha256_digest
from webhook.model.strict_json import parse_json
from webhook.publish.documents import SUBJECTS, Document
from webhook.publish.writer import RegistryWriter, Tagged
from webhook.stores.registry.auth.credentials import Keyring
from webhook.stores.registry.client.client import Manifest
from webhook.stores.registry.descriptor import Descriptor
from webhook.stores.registry.reference import Repository
from webhook.stores.registry.transport.failure import NotThereError, Outcome, RegistryError
from webhook.stores.registry.transport.messages import Answer

_PASSING = frozenset({Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.CONNECTION})
_ATTEMPTS = 4
_WAIT_SECONDS = 0.5
_DICE = random.SystemRandom()
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a push, in seconds."""

    whole: float = 120.0
    """For everything."""
    quiet: float = 2.0
    """For how long a list must have stood still, with our entry in it, until we go."""
    fresh: float = 0.5
    """How old what was read may be when what was made of it is sent."""
    listing: float = 20.0
    """How long a registry with the referrers API may take until it lists what was pushed."""


def jitter(seconds: float) -> float:
    """Spreads waits, so that those who met once do not meet again.

    Args:
        seconds: The longest wait.

    Returns:
        Between a half and the whole of it.
    """
    return seconds * _DICE.uniform(0.5, 1.0)


class Access:
    """A repository, who pushes to it, and until when."""

    def __init__(self, writer: RegistryWriter, repository: Repository, keyring: Keyring, until: float) -> None:
        """Asks nothing yet.

        Args:
            writer: Makes the requests.
            repository: The repository.
            keyring: Who pushes.
            until: When there is no sense in waiting any more, on the monotonic clock.
        """
        self.repository = repository
        self._writer = writer
        self._keyring = keyring
        self._until = until

    async def tagged(self, tag: str) -> Tagged | None:
        """As `RegistryWriter.tagged`."""
        return await self._patiently(lambda: self._writer.tagged(self.repository, tag, self._keyring))

    async def push_blob(self, content: bytes) -> None:
        """As `RegistryWriter.push_blob`."""
        digest = sha256_digest(content)
        await self._patiently(lambda: self._writer.push_blob(self.repository, digest, content, self._keyring))

    async def push_manifest(self, digest: str, document: Document) -> Answer:
        """As `RegistryWriter.push_manifest`."""
        return await self._patiently(
            lambda: self._writer.push_manifest(self.repository, digest, document, self._keyring)
        )

    async def push_tag(self, tag: str, document: Document) -> None:
        """As `RegistryWriter.push_manifest`, once: what was made of an old list must not be written later."""
        await self._writer.push_manifest(self.repository, tag, document, self._keyring)

    def wait_after(self, error: RegistryError, attempt: int) -> float:
        """Says when something that failed may be tried again.

        Args:
            error: How it failed.
            attempt: How often it has failed before.

        Returns:
            Seconds.

        Raises:
            RegistryError: The same, if there is no sense in it.
        """
        wait = max(error.retry_after or 0.0, jitter(_WAIT_SECONDS * 2**attempt))
        if error.outcome not in _PASSING or attempt >= _ATTEMPTS or time.monotonic() + wait >= self._until:
            raise error
        return wait

    async def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """Lists what the registry itself knows to refer to a digest; what somebody else has spoilt is left out.

        Args:
            digest: `sha256:` and 64 hexadecimal digits.

        Returns:
            The list, or None if the registry has no such API.

        Raises:
            RegistryError: It could not be read.
        """
        try:
            return await self._patiently(lambda: self._writer.referrers(self.repository, digest, self._keyring))
        except RegistryError as error:
            if not error.content:
                raise
            return error.found

    async def has_manifest(self, digest: str) -> bool:
        """Tells whether there is a manifest.

        Args:
            digest: `sha256:` and 64 hexadecimal digits.

        Returns:
            False only if the registry says so.
        """
        try:
            await self._patiently(lambda: self._writer.manifest(self.repository, digest, self._keyring))
        except NotThereError:
            return False
        return True

    async def subject(self, digest: str) -> dict[str, Any]:
        """Describes what is referred to.

        Args:
            digest: Of an image or an index.

        Returns:
            Its descriptor as a JSON object.

        Raises:
            RegistryError: It is not there, or cannot be read.
        """
        try:
            found = await self._patiently(lambda: self._writer.manifest(self.repository, digest, self._keyring))
        except NotThereError:
            repository = self.repository
            detail = f"registry {repository.host} has no image {digest} in {repository.path}: push the image first"
            raise RegistryError(detail, Outcome.NOT_FOUND) from None
        return {"mediaType": self._kind(found), "digest": digest, "size": len(found.raw)}

    def _kind(self, found: Manifest) -> str:
        """Tells what is referred to, by its own words and by those of the registry, which must not disagree."""
        try:
            document = parse_json(found.raw, "manifest")
        except MalformedError:
            document = None
        own = document.get("mediaType") if isinstance(document, dict) else None
        kinds = {kind for kind in (own, found.media_type) if kind in SUBJECTS}
        if not isinstance(document, dict) or len(kinds) != 1:
            detail = f"what registry {self.repository.host} has at {found.digest} is neither an image nor an index"
            raise RegistryError(detail, content=True)
        return str(kinds.pop())

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Asks again while that may help: what is rate limited or broken for a moment must not cost a pipeline."""
        for attempt in itertools.count():
            try:
                return await ask()
            except RegistryError as error:
                wait = self.wait_after(error, attempt)
            await asyncio.sleep(wait)
        raise AssertionError
