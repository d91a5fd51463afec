"""The registry store: evidence that lies beside the images, fetched when it is asked for and kept for a while.

Asked are the image's repository (or the one repository that holds everybody's evidence) and its mirrors, all at once.
That a mirror has nothing proves nothing, so absence is known only if each of them has said so.
"""

import asyncio
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.evidence import PullIdentity
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.cache import FetchCache, Fetched, Kind
from webhook.stores.protocol import Found, ImageSubject
from webhook.stores.registry.auth.credentials import Keyring, KeyringSource
from webhook.stores.registry.discovery.discovery import Discoverer
from webhook.stores.registry.discovery.look_up import Answer, AnswerShrinker, Target, look_up, wait_seconds
from webhook.stores.registry.discovery.place import Allowance, Place, RegistryReader
from webhook.stores.registry.discovery.routes import Route, Routes
from webhook.stores.registry.discovery.search import without_history
from webhook.stores.registry.guidance import NOT_ALLOWED
from webhook.stores.registry.transport.failure import NotThereError, Outcome, RegistryError

FOUND_SECONDS = 3600.0
"""How long evidence is kept. It stays signed; when it does not suffice, newer evidence is asked for at once."""
ERROR_SECONDS = 5.0
"""How long a failure is kept, unless the registry asks to wait longer."""
TAG_SECONDS = 5.0
"""How long a tag is believed to point where it pointed: enough for reviews that come together."""

_TAGS = 4096
_TAG_WEIGHT = 512
_LOOK_UP_WEIGHT = 1024

_Key = tuple[str, str | None, str]
"""A digest, the image's repository, and the fingerprint of the keys that are used."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """One question about an image, for the metrics.

    Attributes:
        host: The registry of the image, as it stands in references.
        kind: What is known of it.
        cached: Whether no request was made for it.
    """

    host: str
    kind: Kind
    cached: bool


class RegistryStore:
    """OCI registries as a store (`stores.protocol.EvidenceStore`), and as what resolves tags (`TagResolver`).

    Attributes:
        name: `registry`.
        remote: True.
    """

    name = "registry"
    remote = True

    def __init__(
        self,
        section: RegistryStoreSettings,
        reader: RegistryReader,
        keyrings: KeyringSource,
        predicate_types: frozenset[str],
        observe: Callable[[LookUp], None],
    ) -> None:
        """Prepares the store; nothing is connected to before it is asked.

        Args:
            section: The section `stores.registry`.
            reader: Asks the registries; closed with the store.
            keyrings: Where credentials come from.
            predicate_types: Those of our statements.
            observe: Told of each question about an image.
        """
        self._section = section
        self._reader = reader
        self._keyrings = keyrings
        self._observe = observe
        self._discoverer = Discoverer(predicate_types)
        self._heavy = asyncio.Semaphore(LIMITS.registry_heavy_look_ups)
        # The same few repositories are asked about all day.
        self._route = lru_cache(maxsize=LIMITS.registry_habits)(Routes(section).find)
        self._answers: FetchCache[_Key, Answer] = FetchCache(
            LIMITS.registry_cache_entries, LIMITS.registry_cache_bytes, shrinker=AnswerShrinker()
        )
        self._tags: FetchCache[tuple[str, str, str], str | UnavailableError | None] = FetchCache(
            _TAGS, _TAGS * _TAG_WEIGHT
        )

    async def start(self) -> None:
        """Does nothing: there is nothing to follow."""

    async def stop(self) -> None:
        """Ends requests and connections, and frees what is kept."""
        await self._answers.close()
        await self._tags.close()
        await self._reader.close()

    def gap(self) -> UnavailableError | None:
        """Says nothing of the store as a whole: each image has its own gaps."""
        return None

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        """Finds what claims to be evidence about an image.

        Args:
            subject: The image.
            max_age: Seconds; nothing that was fetched longer ago is used.

        Returns:
            The candidates; a failure is a gap.
        """
        route = self._route(subject.repository)
        if not route.asked:
            return _not_asked(subject.repository, route)
        try:
            keyring = await self._keyrings.keyring(subject.pull)
        except UnavailableError as error:
            return Found((), error)
        # With platforms or mirrors there is no one place whose first statement might do.
        hasty = max_age is None and self._section.platforms is None and len(route.asked) == 1
        fetched = False

        async def fetch() -> Fetched[Answer]:
            """Looks the image up."""
            nonlocal fetched
            fetched = True
            return await self._fetch(subject.digest, route, keyring, hasty=hasty)

        key = (subject.digest, subject.repository, keyring.fingerprint)
        answer = await self._answers.get(key, fetch, max_age)
        while max_age is not None and not answer.whole:
            # Who asks so has judged the first statement, and wants all.
            answer = await self._answers.get(key, fetch, -1.0)
        self._observe(LookUp(route.asked[0].host, _kind(answer.found), cached=not fetched))
        return answer.found

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:
        """Resolves a tag, in the very registry that the reference names.

        Args:
            repository: Host and path.
            tag: The tag.
            pull: Whose pull secrets may be used; None for nobody's.

        Returns:
            `sha256:` and 64 hexadecimal digits over the manifest's bytes; None if there is no such tag, or if the
            repository may not be asked.

        Raises:
            UnavailableError: The registry cannot be asked.
        """
        own = self._route(repository).image
        if own is None:
            return None
        keyring = await self._keyrings.keyring(pull)

        async def fetch() -> Fetched[str | UnavailableError | None]:
            """Asks the registry."""
            try:
                digest = await self._reader.resolve(own, tag, keyring)
            except NotThereError:
                return Fetched(None, "absent", _TAG_WEIGHT, TAG_SECONDS)
            except UnavailableError as error:
                return Fetched(without_history(error), "error", _TAG_WEIGHT, _keep_seconds(error))
            return Fetched(digest, "found", _TAG_WEIGHT, TAG_SECONDS)

        answer = await self._tags.get((repository, tag, keyring.fingerprint), fetch)
        if isinstance(answer, UnavailableError):
            # A copy: what is raised takes note of everybody through whom it goes.
            raise copy(answer)
        return answer

    async def _fetch(self, digest: str, route: Route, keyring: Keyring, *, hasty: bool) -> Fetched[Answer]:
        try:
            async with asyncio.timeout(LIMITS.registry_look_up_seconds), Allowance(self._heavy) as allowance:
                places = [Place(self._reader, repository, keyring, allowance) for repository in route.asked]
                image = None if route.image is None else Place(self._reader, route.image, keyring, allowance)
                target = Target(digest, places, image, self._section.platforms, hasty)
                answer = await look_up(self._discoverer, target)
        except TimeoutError:
            answer = Answer(Found((), _too_slow(route)), about_the_image=False, whole=True)
        found = answer.found
        weight = _LOOK_UP_WEIGHT + sum(len(candidate.raw) for candidate in found.candidates)
        if found.gap is not None:
            return Fetched(answer, "error", weight, _keep_seconds(found.gap))
        seconds = FOUND_SECONDS if answer.about_the_image else self._section.absent_seconds
        return Fetched(answer, _kind(found), weight, seconds)


def _not_asked(name: str | None, route: Route) -> Found:
    if route.own is None:
        return Found((), UnavailableError("store registry: the image's repository is not known"))
    return Found((), remark=f"{name} {NOT_ALLOWED}")


def _too_slow(route: Route) -> RegistryError:
    hosts = ", ".join(dict.fromkeys(repository.host for repository in route.asked))
    detail = f"the look-up in {hosts} took more than {LIMITS.registry_look_up_seconds:g} s"
    return RegistryError(detail, Outcome.TIMEOUT)


def _keep_seconds(failure: UnavailableError) -> float:
    return max(ERROR_SECONDS, wait_seconds(failure))


def _kind(found: Found) -> Kind:
    if found.gap is not None:
        return "error"
    return "found" if found.candidates or found.fingerprint is not None else "absent"
