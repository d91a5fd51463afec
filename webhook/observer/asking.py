"""For which of an image's containers the profile server is asked, and in which order."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from webhook.model.timestamp import unix_millis
from webhook.observer.running import Run


def in_turn(runs: Iterable[Run], now: datetime) -> list[Run]:
    """Orders containers anew for each run, so that nobody comes before others for ever because of his name.

    Args:
        runs: Containers.
        now: The time of the run.

    Returns:
        The same, in an order that depends on nothing but their names and the time.
    """

    def _place(run: Run) -> bytes:
        name = f"{unix_millis(now)}/{run.place.namespace}/{run.pod}/{run.container}"
        return hashlib.sha256(name.encode()).digest()

    return sorted(runs, key=_place)


def attributable(runs: Iterable[Run], *, tells_containers: bool) -> list[Run]:
    """Leaves out containers whose profiles would be mixed with those of others.

    Args:
        runs: Containers.
        tells_containers: Whether the server tells the containers of a pod apart.

    Returns:
        Those whose profiles are theirs alone.
    """
    return [run for run in runs if tells_containers or run.alone]
