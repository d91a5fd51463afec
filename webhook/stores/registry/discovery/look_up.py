"""One look-up: a digest, everywhere it may be attested, with the platforms of an index if they count."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from webhook.errors import MalformedError, UnavailableError
from webhook.limits import LIMITS
from webhook.model.basis import Platform
from webhook.stores.fingerprint import FoundShrinker
from webhook.stores.protocol import Candidate, Found
from webhook.stores.registry.discovery.content import Relevance
from webhook.stores.registry.discovery.discovery import Discoverer
from webhook.stores.registry.discovery.place import Place
from webhook.stores.registry.discovery.platforms import Choice, chosen, runnable
from webhook.stores.registry.discovery.reading import read_aside
from webhook.stores.registry.discovery.search import Discovery, without_history
from webhook.stores.registry.transport.failure import NotThereError, RegistryError

_WHOLE, _PART = b"w", b"p"
"""The end of an answer's outline."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked for, and where.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits.
        places: Where attestations may lie; all are asked.
        image: Where the image itself lies, or None if it may not be read.
        platforms: Whose evidence counts for an index besides its own; None for nobody's.
        hasty: Whether the first statement about the image is enough.
    """

    digest: str
    places: Sequence[Place]
    image: Place | None
    platforms: Choice | None
    hasty: bool


class Answer(NamedTuple):
    """What a look-up brought.

    Attributes:
        found: As the store gives it.
        about_the_image: Whether a statement of our type about the image, or about one of its platforms, is among it.
        whole: False if there may be more, which was not asked for.
    """

    found: Found
    about_the_image: bool
    whole: bool


class AnswerShrinker:
    """Makes answers small, for a `FetchCache`."""

    def __init__(self) -> None:
        self._of_found = FoundShrinker()

    def shrink(self, answer: Answer) -> bytes | None:
        """Makes an outline.

        Args:
            answer: The answer.

        Returns:
            The outline, or None if there is none of what was found.
        """
        outline = self._of_found.shrink(answer.found)
        return None if outline is None else outline + (_WHOLE if answer.whole else _PART)

    def restore(self, outline: bytes) -> Answer:
        """Gives what is left of an answer.

        Args:
            outline: What `shrink` gave.

        Returns:
            The answer, without candidates.
        """
        found = self._of_found.restore(outline[:-1])
        return Answer(found, about_the_image=True, whole=outline.endswith(_WHOLE))


@dataclass(frozen=True, slots=True)
class _Part:
    """What was found about the digest itself, or about one of its platforms."""

    platform: Platform | None
    discoveries: Sequence[Discovery]

    def ranked(self) -> Iterator[tuple[Relevance, Candidate]]:
        for discovery in self.discoveries:
            for one in discovery.sightings:
                yield one.relevance, Candidate(one.raw, one.digest, one.uri, self.platform)


@dataclass(frozen=True, slots=True)
class _Platforms:
    """What was found about an index's platforms."""

    parts: list[_Part] = field(default_factory=list)
    gaps: list[UnavailableError] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)


async def look_up(discoverer: Discoverer, target: Target) -> Answer:
    """Looks for evidence.

    Args:
        discoverer: Knows the layouts.
        target: What and where.

    Returns:
        What was found.
    """
    async with asyncio.TaskGroup() as tasks:
        own = tasks.create_task(_everywhere(discoverer, target, target.digest))
        platforms = await _platforms(discoverer, target)
    parts = [_Part(None, own.result()), *platforms.parts]
    # Of equal relevance, what is about the digest itself stays first, then the platforms in the index's order.
    ranked = sorted((entry for part in parts for entry in part.ranked()), key=lambda entry: entry[0])
    kept: dict[tuple[str, Platform | None], Candidate] = {}
    for _, candidate in ranked:
        # The same envelope may lie in a mirror as well; one is enough.
        kept.setdefault((candidate.digest, candidate.platform), candidate)
    discoveries = [discovery for part in parts for discovery in part.discoveries]
    gaps = [gap for discovery in discoveries for gap in discovery.gaps] + platforms.gaps
    oddities = [oddity for discovery in discoveries for oddity in discovery.oddities]
    if len(kept) > LIMITS.candidates:
        oddities.append(f"registries hold more than {LIMITS.candidates} statements about this image")
    required = () if target.platforms == "any" else tuple(part.platform for part in platforms.parts if part.platform)
    found = Found(
        tuple(kept.values())[: LIMITS.candidates], _worst(gaps), required, _remark(oddities + platforms.oddities)
    )
    about = any(discovery.about_the_image for discovery in discoveries)
    return Answer(found, about, all(discovery.whole for discovery in discoveries))


def wait_seconds(gap: UnavailableError) -> float:
    """Tells how long a registry asks to be left alone.

    Args:
        gap: A failure.

    Returns:
        Seconds; 0 if it does not ask.
    """
    return (gap.retry_after or 0.0) if isinstance(gap, RegistryError) else 0.0


async def _everywhere(discoverer: Discoverer, target: Target, digest: str) -> list[Discovery]:
    return list(
        await asyncio.gather(*(discoverer.discover(place, digest, hasty=target.hasty) for place in target.places))
    )


async def _platforms(discoverer: Discoverer, target: Target) -> _Platforms:
    """Reads the index, and looks for evidence about its platforms' manifests."""
    if target.platforms is None or target.image is None:
        return _Platforms()
    try:
        platforms = await _chosen(target.image, target.digest, target.platforms)
    except NotThereError:
        # Nobody can run it from there either.
        return _Platforms()
    except (MalformedError, UnavailableError) as error:
        if isinstance(error, MalformedError) or (isinstance(error, RegistryError) and error.content):
            # These bytes are the image author's: what he has broken is no failure of ours.
            return _Platforms(oddities=[f"nothing is known of its platforms: {error.detail}"])
        return _Platforms(gaps=[without_history(error)])
    found = await asyncio.gather(*(_everywhere(discoverer, target, platform.digest) for platform in platforms))
    return _Platforms([_Part(platform, parts) for platform, parts in zip(platforms, found, strict=True)])


async def _chosen(image: Place, digest: str, choice: Choice) -> Sequence[Platform]:
    async with image.manifest(digest) as manifest:
        return chosen(await read_aside(manifest.raw, runnable), choice)


def _remark(oddities: list[str]) -> str | None:
    """Says what is wrong with what lies there; always the same of several."""
    return f"no statement about this digest; {min(oddities)}" if oddities else None


def _worst(gaps: list[UnavailableError]) -> UnavailableError | None:
    """Picks the failure that is told: the one to be waited for longest; of several, always the same."""
    return min(gaps, key=lambda gap: (-wait_seconds(gap), gap.detail), default=None)
