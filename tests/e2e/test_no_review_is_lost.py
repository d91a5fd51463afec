"""While the gate's pods come and go, every review is answered, and rightly."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.release import OPERATOR, SECONDS, WEBHOOK, Release, Shop
from tests.harness.cluster import Namespace
from tests.harness.creations import Creations
from tests.harness.polling import poll


@contextmanager
def load(namespace: Namespace, shop: Shop) -> Iterator[Creations]:
    """Asks without a pause; no answer may be anything but an admission."""
    with Creations(namespace.control_plane, namespace.name, shop.image("cart")) as creations:
        poll(lambda: creations.admitted > 20, SECONDS, "answers before anything happens")
        yield creations
        enough = creations.admitted + 50
        poll(lambda: creations.admitted > enough, SECONDS, "answers after everything has happened")
    assert creations.failures == []


def names(release: Release, component: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in release.pods(component)}


def test_a_rolling_update_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    before = names(release, "webhook")
    with load(production, shop):
        release.kubectl("rollout", "restart", f"deployment/{WEBHOOK}")
        release.wait_until_rolled_out(WEBHOOK)
        poll(lambda: not before & names(release, "webhook"), SECONDS, "the old pods are gone")


def test_a_deleted_pod_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    before = names(release, "webhook")
    with load(production, shop):
        for name in sorted(before):
            release.kubectl("delete", "pod", name)
            release.wait_until_rolled_out(WEBHOOK)
    assert not before & names(release, "webhook")


def test_an_absent_operator_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    with load(production, shop):
        release.scale(OPERATOR, 0)
        denied = production.create(shop.deployment("unseen"), "--dry-run=server")
        release.scale(OPERATOR, 1)
    assert "EvidenceMissing" in denied.stderr


@pytest.mark.parametrize("signal", ["KILL"])
def test_a_killed_process_is_started_again_and_the_others_answer(
    release: Release, production: Namespace, shop: Shop, signal: str
) -> None:
    pod = release.pods("webhook")[0]["metadata"]["name"]
    with Creations(production.control_plane, production.name, shop.image("cart")) as creations:
        poll(lambda: creations.admitted > 20, SECONDS, "answers before anything happens")
        release.kubectl("exec", pod, "--", "python3", "-c", f"import os, signal; os.kill(1, signal.SIG{signal})")
