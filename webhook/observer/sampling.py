"""The profiles of an image's containers, added up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from webhook.attest.counted import Counted, count_execution
from webhook.attest.counting import distinct_paths, leaf_share
from webhook.attest.profile import Profile, ProfileError
from webhook.attest.tally import merge
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.observer.running import Run, Window
from webhook.observer.sources.protocol import ContainerRun, ProfileSource, ProfileUnusableError

_AT_ONCE = 4
_QUESTIONS = 1024
"""Containers that are asked for; most of them may have no profiles."""

_Answer = Profile | UnavailableError | TimeoutError | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the server has of an image.

    Attributes:
        counted: What counts; None if nothing was found.
        runs: Containers whose profiles were read.
        trouble: What could not be read of the others, in one clause, or None.
        answered: Whether the server has answered at all, whatever it said.
    """

    counted: Counted | None
    runs: tuple[Run, ...]
    trouble: str | None
    answered: bool

    @property
    def window(self) -> Window:
        """From the first container's begin to the last one's end."""
        return Window(min(run.window.start for run in self.runs), max(run.window.end for run in self.runs))


async def sample(
    source: ProfileSource, runs: Sequence[Run], until: float, suffices: Callable[[int, int], bool]
) -> Sampled:
    """Asks for the profiles of an image's containers, and adds them up.

    Asking ends when `LIMITS.profile_sources` containers have given some, since a predicate names no more; when
    nothing that the others could say would make what was read too little; when time is up; or when the server fails
    for several at once.

    Args:
        source: The server.
        runs: The containers, in the order in which they are asked for.
        until: When to stop, by the loop's clock.
        suffices: Tells of hot symbols and call paths whether no more are needed.

    Returns:
        The sum. What one container lacks makes it smaller, and never wrong.
    """
    found = _Sum(len(runs))
    rest = iter(runs[:_QUESTIONS])
    while part := list(islice(rest, min(_AT_ONCE, LIMITS.profile_sources - len(found.runs)))):
        answers = await asyncio.gather(*(_ask(source, run, until) for run in part))
        await asyncio.to_thread(found.add, part, answers)
        # A server that hangs costs its timeout each time.
        if found.late or not any(map(_is_answer, answers)) or suffices(*await asyncio.to_thread(found.least)):
            break
    return found.result()


async def _ask(source: ProfileSource, run: Run, until: float) -> _Answer:
    container = ContainerRun(run.place.namespace, run.pod, run.container)
    try:
        async with asyncio.timeout_at(until):
            return await source.profile(container, run.window.start, run.window.end)
    except (UnavailableError, TimeoutError) as error:
        return error


def _is_answer(answer: _Answer) -> bool:
    """Tells what the server said from what says that it fails."""
    return not isinstance(answer, (UnavailableError, TimeoutError)) or isinstance(answer, ProfileUnusableError)


class _Sum:
    """What was found so far.

    Attributes:
        runs: Containers whose profiles are in it.
        late: Whether time was up.
    """

    def __init__(self, containers: int) -> None:
        self.runs: list[Run] = []
        self.late = False
        self._containers = containers
        self._asked = 0
        self._busiest = 0
        self._answered = False
        self._faults: list[UnavailableError] = []
        self._whole: Profile | None = None
        self._counted: Counted | None = None

    def add(self, runs: Sequence[Run], answers: Sequence[_Answer]) -> None:
        """Adds the answers about some containers."""
        timely = [answer for answer in answers if not isinstance(answer, TimeoutError)]
        self.late = len(timely) < len(answers)
        self._asked += len(timely)
        self._answered = self._answered or any(map(_is_answer, answers))
        self._faults += [answer for answer in timely if isinstance(answer, UnavailableError)]
        found = [(run, answer) for run, answer in zip(runs, answers, strict=True) if isinstance(answer, Profile)]
        if found:
            # Both at once would be too much where there are a million stacks.
            self._counted = None
            self._merge(found)
            self._counted = None if self._whole is None else count_execution(self._whole)

    def _merge(self, found: Sequence[tuple[Run, Profile]]) -> None:
        profiles = [profile for _, profile in found]
        try:
            self._whole = merge(profiles if self._whole is None else [self._whole, *profiles])
        except ProfileError as error:
            if len(found) == 1:
                self._faults.append(ProfileUnusableError(f"the profiles cannot be added up: {error}"))
                return
            for one in found:
                self._merge([one])
            return
        self._busiest = max(self._busiest, *(profile.total for profile in profiles))
        self.runs += [run for run, _ in found]

    def least(self) -> tuple[int, int]:
        """Counts what will be left, if all others are no busier than the busiest, and do nothing of the same.

        A hot symbol has a share of the whole. Ending as soon as there are enough of them, by the share of what was
        read, would choose the containers in which there happen to be more than in all.
        """
        if self._counted is None:
            return 0, 0
        others = min(self._containers - self._asked, LIMITS.profile_sources - len(self.runs))
        whole = replace(self._counted, total=self._counted.total + others * self._busiest)
        return len(leaf_share(whole)), distinct_paths(whole)

    def result(self) -> Sampled:
        """Sums up."""
        troubles = []
        if self._faults:
            count = f"{len(self._faults)} of {self._containers} containers"
            troubles.append(f"{count} could not be read: {self._faults[0].detail}")
        if self.late:
            troubles.append(f"the time for asking was up after {self._asked} of {self._containers} containers")
        elif self._counted is None and self._asked < self._containers:
            troubles.append(f"only {self._asked} of {self._containers} containers were asked for")
        return Sampled(self._counted, tuple(self.runs), "; ".join(troubles) or None, self._answered)
