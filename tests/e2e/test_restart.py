"""The worst night: nobody answers, the policy is Fail, and the API server comes back without its webhook."""

from tests.charts.chart import NAMESPACE
from tests.e2e.node.cluster import Cluster
from tests.e2e.release import WEBHOOK, Release, Shop
from tests.harness.cluster import Namespace


def test_the_gate_comes_back_by_itself_when_all_of_it_and_the_api_server_were_gone(
    cluster: Cluster, release: Release, production: Namespace, shop: Shop
) -> None:
    release.scale(WEBHOOK, 0)
    refused = production.create(shop.deployment("cart"), "--dry-run=server")
    assert "failed calling webhook" in refused.stderr
    cluster.kill_api_server()
    cluster.start_api_server()
    release.scale(WEBHOOK, 3)
    release.wait_until_asked(production, shop)


def test_all_pods_deleted_at_once_are_made_again(release: Release, production: Namespace, shop: Shop) -> None:
    release.kubectl("delete", "pods", "--all", "--force", "--grace-period=0", "--namespace", NAMESPACE)
    release.wait_until_rolled_out(WEBHOOK)
    release.wait_until_asked(production, shop)
