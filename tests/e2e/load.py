"""Deployments without a pause, none of which may be refused."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.release import SECONDS, Shop
from tests.harness.cluster import Namespace
from tests.harness.creations import Creations
from tests.harness.polling import poll

NOTES: list[str] = []
"""What was measured, one line each; told at the end of the run."""


@contextmanager
def load(what: str, namespace: Namespace, shop: Shop, spared: int = 0) -> Iterator[None]:
    """Asks before, while and after something happens.

    Args:
        what: What happens, for the report.
        namespace: Where the gate is asked.
        shop: Whose image it is.
        spared: Reviews that may be lost.

    Raises:
        AssertionError: More reviews were lost, or a Deployment was refused.
    """
    started = time.monotonic()
    with Creations(namespace.control_plane, namespace.name, shop.image("cart")) as creations:
        poll(lambda: creations.admitted > 20, SECONDS, "answers before anything happens")
        yield
        enough = creations.admitted + 50
        poll(lambda: creations.admitted > enough, SECONDS, "answers after everything has happened")
    lost, seconds = len(creations.failures), time.monotonic() - started
    NOTES.append(f"{what}: {creations.admitted} reviews answered, {lost} lost, in {seconds:.0f} s")
    assert lost <= spared, creations.failures
