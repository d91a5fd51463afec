"""The profiles of an image's containers, added up."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Profile, ProfileError
from webhook.attest.tally import merge
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.observer.running import Run, Window
from webhook.observer.sources.protocol import ContainerRun, ProfileSource

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the server has of an image.

    Attributes:
        counted: What counts; None if it has nothing.
        runs: Containers of which it has something.
        trouble: What could not be read of the others, in one clause, or None.
    """

    counted: Counted | None
    runs: tuple[Run, ...]
    trouble: str | None

    @property
    def window(self) -> Window:
        """From the first container's begin to the last one's end."""
        return Window(min(run.window.start for run in self.runs), max(run.window.end for run in self.runs))


async def sample(source: ProfileSource, runs: Sequence[Run]) -> Sampled:
    """Asks for the profiles of an image's containers, and adds them up.

    Args:
        source: The server.
        runs: The containers; the first `LIMITS.profile_sources` are asked for, since a predicate names no more.

    Returns:
        The sum. What one container lacks makes it smaller, and never wrong.

    Raises:
        UnavailableError: No container's profiles could be read, or they cannot be added up.
    """
    asked = runs[: LIMITS.profile_sources]
    whole: Profile | None = None
    found: list[Run] = []
    troubles: list[str] = []
    for first in range(0, len(asked), _AT_ONCE):
        part = asked[first : first + _AT_ONCE]
        answers = await asyncio.gather(*(_profile(source, run) for run in part))
        profiles = [answer for answer in answers if isinstance(answer, Profile)]
        troubles += [answer.detail for answer in answers if isinstance(answer, UnavailableError)]
        found += [run for run, answer in zip(part, answers, strict=True) if isinstance(answer, Profile)]
        if not found and troubles:
            # A server that hangs costs its timeout each time.
            raise UnavailableError(troubles[0])
        if profiles:
            whole = await asyncio.to_thread(_added, [*([] if whole is None else [whole]), *profiles])
    if whole is None:
        return Sampled(None, (), None)
    counted = await asyncio.to_thread(count_execution, whole)
    trouble = (
        f"{len(troubles)} of {len(asked)} containers could not be asked for: {troubles[0]}" if troubles else None
    )
    return Sampled(counted, tuple(found), trouble)


def attributable(runs: Iterable[Run], *, tells_containers: bool) -> list[Run]:
    """Leaves out containers whose profiles would be mixed with those of others.

    Args:
        runs: Containers.
        tells_containers: Whether the server tells the containers of a pod apart.

    Returns:
        Those whose profiles are theirs alone.
    """
    return [run for run in runs if tells_containers or run.alone]


async def _profile(source: ProfileSource, run: Run) -> Profile | UnavailableError | None:
    container = ContainerRun(run.place.namespace, run.pod, run.container)
    try:
        return await source.profile(container, run.window.start, run.window.end)
    except UnavailableError as error:
        return error


def _added(profiles: Sequence[Profile]) -> Profile:
    try:
        return merge(profiles)
    except ProfileError as error:
        raise UnavailableError(f"the profiles cannot be added up: {error}") from None
