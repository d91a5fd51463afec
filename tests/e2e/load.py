"""Deployments without a pause, none of which may be refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.release import SECONDS, Shop
from tests.harness.cluster import Namespace
from tests.harness.creations import Creations
from tests.harness.polling import poll


@contextmanager
def load(namespace: Namespace, shop: Shop) -> Iterator[None]:
    """Asks before, while and after something happens.

    Args:
        namespace: Where the gate is asked.
        shop: Whose image it is.

    Raises:
        AssertionError: A review was lost, or a Deployment refused.
    """
    with Creations(namespace.control_plane, namespace.name, shop.image("cart")) as creations:
        poll(lambda: creations.admitted > 20, SECONDS, "answers before anything happens")
        yield
        enough = creations.admitted + 50
        poll(lambda: creations.admitted > enough, SECONDS, "answers after everything has happened")
    assert creations.failures == []
