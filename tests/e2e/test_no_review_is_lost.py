"""While the gate's pods come and go, every review is answered, and rightly."""

from tests.e2e.load import load
from tests.e2e.release import OPERATOR, SECONDS, WEBHOOK, Release, Shop
from tests.harness.cluster import Namespace
from tests.harness.polling import poll


def names(release: Release, component: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in release.pods(component)}


def test_a_rolling_update_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    before = names(release, "webhook")
    with load("rolling update", production, shop):
        release.kubectl("rollout", "restart", f"deployment/{WEBHOOK}")
        release.wait_until_rolled_out(WEBHOOK)
        poll(lambda: not before & names(release, "webhook"), SECONDS, "the old pods are gone")


def test_a_deleted_pod_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    before = names(release, "webhook")
    with load("three pods deleted, one after the other", production, shop):
        for name in sorted(before):
            release.kubectl("delete", "pod", name)
            release.wait_until_rolled_out(WEBHOOK)
    assert not before & names(release, "webhook")


def test_an_absent_operator_loses_no_review(release: Release, production: Namespace, shop: Shop) -> None:
    with load("no operator", production, shop):
        release.scale(OPERATOR, 0)
        denied = production.create(shop.deployment("unseen"), "--dry-run=server")
        release.scale(OPERATOR, 1)
    assert "EvidenceMissing" in denied.stderr


def restarts(release: Release) -> int:
    return sum(pod["status"]["containerStatuses"][0]["restartCount"] for pod in release.pods("webhook"))


def test_a_process_that_the_kernel_kills_is_replaced_and_the_others_answer(
    release: Release, production: Namespace, shop: Shop
) -> None:
    pod = release.pods("webhook")[0]["metadata"]["name"]
    before = restarts(release)
    # Nobody can answer what lay in the dead process's hands; what matters is that it ends there.
    with load("a process killed with SIGKILL", production, shop, spared=5):
        # From outside: within its process namespace, number 1 is deaf to signals that it does not handle.
        release.cluster.kill_process(pod, "evidence-gate")
        poll(lambda: restarts(release) > before, SECONDS, "the kubelet starts it again")
        release.wait_until_rolled_out(WEBHOOK)
