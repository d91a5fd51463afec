"""One search for the attestations of one digest in one repository; `discovery.py` says in which layouts they come.

What cannot be fetched becomes a gap, and hides nothing else. What can be fetched and is broken, or is too much, is an
oddity: whoever may push can bring it about, and must not be able to choose "unavailable" where "missing" would be
denied.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

from webhook.errors import MalformedError, UnavailableError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.stores.registry.client.client import Manifest
from webhook.stores.registry.descriptor import Descriptor, Index, parse_index
from webhook.stores.registry.discovery.content import Relevance, Sorter, is_called_evidence
from webhook.stores.registry.discovery.layers import Layers, parse_layers
from webhook.stores.registry.discovery.place import Place
from webhook.stores.registry.discovery.reading import read_aside
from webhook.stores.registry.reference import attestation_tag, fallback_tag
from webhook.stores.registry.transport.failure import NotThereError, RegistryError

_Parsed = TypeVar("_Parsed", Index, Layers)


class _Read(NamedTuple, Generic[_Parsed]):
    """A manifest without its bytes.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits.
        content: What was read of it.
    """

    digest: str
    content: _Parsed


class Layout(Enum):
    """Where attestations may lie; those come first that take fewer requests."""

    TAG = auto()
    REFERRERS = auto()
    FALLBACK = auto()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A blob that may be evidence; it becomes a candidate."""

    layout: Layout
    relevance: Relevance
    uri: str
    digest: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found of one digest in one repository.

    Attributes:
        sightings: In a stable order, the most relevant first.
        gaps: What could not be fetched.
        oddities: What is wrong with what lies there, one clause each.
        whole: False if not every layout was read, since the first had evidence.
    """

    sightings: tuple[Sighting, ...]
    gaps: tuple[UnavailableError, ...] = ()
    oddities: tuple[str, ...] = ()
    whole: bool = True

    @property
    def about_the_image(self) -> bool:
        """Whether there is a statement of our type that names the digest."""
        return any(sighting.relevance is Relevance.ABOUT_THE_IMAGE for sighting in self.sightings)


def without_history(error: UnavailableError) -> UnavailableError:
    """Makes a failure fit to be kept: what led to it would keep alive whatever its look-up has read.

    Args:
        error: The failure; it is changed.

    Returns:
        The same, without traceback, causes and the list that it broke off.
    """
    error.__cause__ = error.__context__ = None
    if isinstance(error, RegistryError):
        error.found = ()
    return error.with_traceback(None)


class Search:
    """One look-up of one digest in one repository.

    Attributes:
        listed: How many referrers the API has listed; None if there is no list.
    """

    def __init__(self, place: Place, digest: str, sorter: Sorter) -> None:
        """Begins with nothing read.

        Args:
            place: Where, and as whom.
            digest: `sha256:` and 64 hexadecimal digits.
            sorter: Tells evidence from everything else.
        """
        self._place = place
        self._digest = digest
        self._sorter = sorter
        self._opened: set[str] = set()
        self._sightings: dict[str, Sighting] = {}
        self._gaps: list[UnavailableError] = []
        self._oddities: list[str] = []
        self.listed: int | None = None

    def result(self, *, whole: bool) -> Discovery:
        """Gives what was found so far.

        Args:
            whole: Whether every layout was read.

        Returns:
            The discovery.
        """
        ordered = sorted(self._sightings.values(), key=lambda one: (one.relevance, one.uri, one.digest))
        return Discovery(tuple(ordered), tuple(self._gaps), tuple(self._oddities), whole)

    async def read(self, layout: Layout) -> None:
        """Reads what is attached in one layout.

        Args:
            layout: Which.
        """
        match layout:
            case Layout.TAG:
                await self._open(attestation_tag(self._digest), layout)
            case Layout.REFERRERS:
                await self._read_referrers()
            case Layout.FALLBACK:
                await self._read_fallback_tag()

    async def _read_fallback_tag(self) -> None:
        listed = await self._manifest(fallback_tag(self._digest), parse_index)
        if listed is not None:
            await self._open_all(listed.content.descriptors, Layout.FALLBACK)

    async def _read_referrers(self) -> None:
        try:
            entries = await self._place.referrers(self._digest)
        except RegistryError as error:
            entries = error.found or None
            self._fail(error)
        except UnavailableError as error:
            self._fail(error)
            return
        self.listed = None if entries is None else len(entries)
        await self._open_all(entries or (), Layout.REFERRERS)

    async def _open_all(self, entries: Sequence[Descriptor], layout: Layout) -> None:
        """Opens manifests that are not open yet, those first whose annotations promise evidence."""
        fresh = {entry.digest: entry for entry in entries if entry.digest not in self._opened}
        wanted = [one for one in fresh.values() if not self._sorter.is_called_other(one.annotations)]
        wanted.sort(key=lambda one: not self._sorter.is_called_ours(one.annotations))
        if len(wanted) > LIMITS.referrers:
            self._wonder(f"lists more than {LIMITS.referrers} things that may be evidence")
        affordable = await self._affordable(wanted[: LIMITS.referrers], LIMITS.referrers)
        self._opened.update(one.digest for one in affordable)
        await asyncio.gather(*(self._open(one.digest, layout, one.size) for one in affordable))

    async def _open(self, reference: str, layout: Layout, size: int | None = None) -> None:
        """Reads a manifest and those of its layers that may be evidence."""
        manifest = await self._manifest(reference, parse_layers, size)
        if manifest is None or self._sorter.is_called_other(manifest.content.annotations):
            return
        layers = [layer for layer in manifest.content.descriptors if self._sorter.may_hold_evidence(layer)]
        layers.sort(key=self._sorter.promise)
        uri = f"registry:{self._place.repository.name}@{manifest.digest}"
        affordable = await self._affordable(layers, LIMITS.candidates)
        await asyncio.gather(*(self._look_at(layer, uri, layout) for layer in affordable))

    async def _affordable(self, wanted: Sequence[Descriptor], most: int) -> list[Descriptor]:
        """Leaves out what is more than one look-up may fetch."""
        affordable = [one for one in wanted[:most] if await self._place.allowance.take(one.size)]
        if len(affordable) < len(wanted):
            self._wonder("holds more that may be evidence than is looked at")
        return affordable

    async def _look_at(self, layer: Descriptor, uri: str, layout: Layout) -> None:
        try:
            raw = await self._place.blob(layer)
        except UnavailableError as error:
            self._fail(error)
            return
        except NotThereError:
            self._wonder("lacks a part of what is attached to this image")
            return
        called = is_called_evidence(layer)
        near = await read_aside(raw, lambda raw: self._sorter.relevance(raw, self._digest, called_evidence=called))
        if near is None:
            return
        sighting = Sighting(layout, near, uri, sha256_digest(raw), raw)
        known = self._sightings.get(sighting.digest)
        # The same bytes in two manifests: the first by name, whichever came first.
        if known is None or sighting.uri < known.uri:
            self._sightings[sighting.digest] = sighting

    async def _manifest(
        self, reference: str, parse: Callable[[bytes], _Parsed], size: int | None = None
    ) -> _Read[_Parsed] | None:
        """Reads a manifest; None if there is none, or if it cannot be had or read."""
        try:
            async with self._place.manifest(reference, size) as manifest:
                parsed = await self._parse(parse, manifest)
        except NotThereError:
            # Of a digest that is listed, too: it was deleted, and the list of a fallback tag does not notice.
            return None
        except UnavailableError as error:
            self._fail(error)
            return None
        return None if parsed is None else _Read(manifest.digest, parsed)

    async def _parse(self, parse: Callable[[bytes], _Parsed], manifest: Manifest) -> _Parsed | None:
        """Reads a manifest, as far as it can be read."""
        try:
            parsed = await read_aside(manifest.raw, parse)
        except MalformedError:
            if manifest.raw.lstrip().startswith(b"{"):
                self._wonder("holds a manifest that cannot be read")
            else:
                # A page to log in, perhaps. No registry takes this for a manifest, so nobody has pushed it.
                self._fail(UnavailableError(f"{self._registry} answers with something that is no manifest"))
            return None
        if parsed.unreadable:
            self._wonder("holds a manifest that cannot be read as a whole")
        return parsed

    @property
    def _registry(self) -> str:
        return f"registry {self._place.repository.host}"

    def _fail(self, error: UnavailableError) -> None:
        if isinstance(error, RegistryError) and error.content:
            self._oddities.append(error.detail)
        else:
            self._gaps.append(without_history(error))

    def _wonder(self, what: str) -> None:
        self._oddities.append(f"{self._registry} {what}")
