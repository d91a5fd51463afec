"""One observation: from what runs to evidence about it, image by image.

Nothing is kept between two of them. What was attested before is known from where the gate finds it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from webhook.attest.counting import distinct_paths, leaf_share
from webhook.errors import EvidenceError, UnavailableError
from webhook.model.timestamp import unix_millis
from webhook.observer.asking import attributable, in_turn
from webhook.observer.evidence import Attestor
from webhook.observer.images import Outcome, Report, Watched
from webhook.observer.running import Run
from webhook.observer.sampling import Sampled, sample
from webhook.observer.settings import ObserverSettings
from webhook.observer.sources.protocol import ProfileSource
from webhook.observer.standing import Lacking, Standing
from webhook.observer.subjects import SubjectFinder

IMAGE_SECONDS = 300.0
"""What one image may take; a push may take two minutes."""
_ASKING = 1 / 3
"""The part of it in which the server is asked; what it has given by then is judged."""
_FAILURES = 3
"""Images in a row about which the server has said nothing: it is down, and not asked about the others."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Who takes part in an observation.

    Attributes:
        source: Has the profiles.
        standing: Knows what evidence there is, and what suffices.
        subjects: Finds the manifests that an image is.
        attestor: Makes evidence; None only looks.
    """

    source: ProfileSource
    standing: Standing
    subjects: SubjectFinder
    attestor: Attestor | None


class Observer:
    """Observes images."""

    def __init__(self, settings: ObserverSettings, parts: Parts, now: datetime) -> None:
        """Prepares an observation.

        Args:
            settings: What it works with.
            parts: Who takes part.
            now: The time; there is one for all images.
        """
        self._settings = settings
        self._parts = parts
        self._now = now
        self._failures = 0

    async def observe(
        self, images: Sequence[Watched], deadline: float, tell: Callable[[Report], None]
    ) -> list[Report]:
        """Looks at images one after the other, and attests those whose time has come.

        Args:
            images: The images, in whatever order they are to be reported.
            deadline: When to stop, by the loop's clock.
            tell: Told of each image as soon as it has been looked at.

        Returns:
            A report on each image, in the same order. No failure of one keeps the others from being attested.
        """
        reports: dict[int, Report] = {}
        # Begun elsewhere each time: those that use the time of a run up are not always before the same others.
        first = unix_millis(self._now) % max(1, len(images))
        for place in (*range(first, len(images)), *range(first)):
            reports[place] = await self._bounded(images[place], deadline)
            tell(reports[place])
        return [reports[place] for place in range(len(images))]

    async def _bounded(self, watched: Watched, deadline: float) -> Report:
        now = asyncio.get_running_loop().time()
        if now >= deadline:
            return Report(watched, Outcome.UNKNOWN, "the run's time was over; see timeoutSeconds")
        end = min(deadline, now + IMAGE_SECONDS)
        try:
            async with asyncio.timeout_at(end):
                return await self._observe(watched, end)
        except TimeoutError:
            return Report(watched, Outcome.UNKNOWN, "it took too long")
        except UnavailableError as error:
            return Report(watched, Outcome.UNKNOWN, error.detail)

    async def _observe(self, watched: Watched, end: float) -> Report:
        settings, parts = self._settings, self._parts
        if settings.gate.is_exempt(watched.image.repository):
            return Report(watched, Outcome.EXEMPT)
        runs = attributable(watched.runs, tells_containers=parts.source.tells_containers)
        if not runs:
            return Report(watched, Outcome.LEFT_OUT, "the server cannot tell the containers of its pods apart")
        digests, remark = await parts.subjects.find(watched.image, watched.named)
        report = Report(watched, Outcome.LEFT_OUT, remark or "", digests)
        if not digests:
            return report
        targets = settings.targets(watched.environment)
        lacking = await parts.standing.lacking(targets, watched.image.repository, digests, self._now)
        if not lacking.environments:
            return replace(report, outcome=Outcome.FRESH)
        sampled = await self._sample(runs, lacking.environments, end)
        return await self._judge(_with_counts(report, sampled), sampled, lacking)

    async def _sample(self, runs: Sequence[Run], lacking: Sequence[str], end: float) -> Sampled:
        if self._failures >= _FAILURES:
            raise UnavailableError(f"the profile server gave no answer about {_FAILURES} images before")
        now = asyncio.get_running_loop().time()
        suffices = partial(self._parts.standing.suffices, lacking)
        sampled = await sample(self._parts.source, in_turn(runs, self._now), now + (end - now) * _ASKING, suffices)
        self._failures = 0 if sampled.answered else self._failures + 1
        if sampled.counted is None and sampled.trouble is not None:
            raise UnavailableError(sampled.trouble)
        return sampled

    async def _judge(self, report: Report, sampled: Sampled, lacking: Lacking) -> Report:
        """Attests what helps: evidence that does not suffice is denied by the gate, more strictly than none."""
        remarks = [remark for remark in (report.detail, sampled.trouble) if remark]
        if sampled.counted is None:
            return replace(report, outcome=Outcome.BELOW, detail="; ".join(["the server has no profiles", *remarks]))
        objection = self._parts.standing.objection(lacking.environments, report.hot_symbols, report.call_paths)
        if objection is not None:
            return replace(report, outcome=Outcome.BELOW, detail="; ".join([objection, *remarks]))
        if self._parts.attestor is None:
            return replace(report, outcome=Outcome.WOULD_ATTEST, detail="; ".join(remarks))
        try:
            places = await self._parts.attestor.attest(report, sampled.counted, sampled.window, lacking.digests)
        except EvidenceError as error:
            return replace(report, outcome=Outcome.REFUSED, detail=f"the gate would not count it: {error.detail}")
        return replace(report, outcome=Outcome.ATTESTED, detail="; ".join([places, *remarks]))


def _with_counts(report: Report, sampled: Sampled) -> Report:
    if sampled.counted is None:
        return report
    return replace(
        report,
        containers=len(sampled.runs),
        counted=sampled.counted.total,
        hot_symbols=len(leaf_share(sampled.counted)),
        call_paths=distinct_paths(sampled.counted),
    )
