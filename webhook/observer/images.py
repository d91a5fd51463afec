"""Containers by the image that they ran, and what is said of each image in the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from webhook.model.image import ImageReference
from webhook.observer.running import Run


@dataclass(frozen=True, slots=True)
class Watched:
    """An image that ran in an environment.

    Attributes:
        environment: The environment.
        image: Repository and digest.
        named: Other digests that the authors of its pods have written for it.
        runs: Its containers, by namespace, pod and container.
    """

    environment: str
    image: ImageReference
    named: frozenset[str]
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        """`REPOSITORY@DIGEST`."""
        return f"{self.image.repository}@{self.image.digest}"


class Outcome(StrEnum):
    """What became of an image."""

    ATTESTED = "attested"
    WOULD_ATTEST = "would attest"
    FRESH = "fresh"
    """There is evidence that suffices, and is young."""
    EXEMPT = "exempt"
    """The gate wants none."""
    BELOW = "below"
    """What was seen does not suffice yet."""
    LEFT_OUT = "left out"
    """It cannot be said of what, or whose, the profiles are."""
    REFUSED = "refused"
    """The gate would not accept the evidence."""
    UNKNOWN = "unknown"
    """Something could not be found out, or done."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of an image.

    Attributes:
        watched: The image.
        outcome: What became of it.
        detail: Why, or where the evidence lies; one clause, perhaps empty.
        digests: The digests that are attested, sorted.
        containers: How many of its containers the server has profiles of.
        counted: What counts of those, in the unit of the profiles.
        hot_symbols: By the signed rule.
        call_paths: By the signed rule.
    """

    watched: Watched
    outcome: Outcome
    detail: str = ""
    digests: tuple[str, ...] = ()
    containers: int = 0
    counted: int = 0
    hot_symbols: int = 0
    call_paths: int = 0


def by_image(runs: Iterable[Run]) -> list[Watched]:
    """Groups containers by environment and image.

    Args:
        runs: In any order.

    Returns:
        The images by environment, repository and digest; the same for the same runs, however they came.
    """
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        key = (run.place.environment, run.image.repository, run.image.digest or "")
        groups.setdefault(key, []).append(run)
    return [_watched(groups[key]) for key in sorted(groups)]


def _watched(runs: list[Run]) -> Watched:
    first = runs[0]
    named = {run.named for run in runs if run.named is not None and run.named != run.image.digest}
    ordered = tuple(sorted(runs, key=lambda run: (run.place.namespace, run.pod, run.container)))
    return Watched(first.place.environment, first.image, frozenset(named), ordered)
