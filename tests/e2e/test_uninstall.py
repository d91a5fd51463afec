"""`helm uninstall` never stops a deployment, and leaves the definition of the resource and nothing else."""

from tests.charts.chart import NAMESPACE, RELEASE
from tests.charts.leftovers import present
from tests.e2e.load import load
from tests.e2e.node.cluster import Cluster
from tests.e2e.release import SECONDS, Release, Shop
from tests.harness.cluster import Namespace
from tests.harness.polling import poll

KEPT = {"CustomResourceDefinition/executionevidences.stella.ops"}


def test_uninstall_loses_no_review_and_leaves_nothing_behind(
    cluster: Cluster, release: Release, production: Namespace, shop: Shop
) -> None:
    with load("uninstall", production, shop):
        release.helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "100s")
    poll(lambda: present(cluster) == KEPT, SECONDS, "everything but the definition is gone")
    assert production.admits(shop.image("unseen"))
