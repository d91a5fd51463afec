"""What `helm install` gives: ready, hardened pods that decide, and leave the traces that they promise."""

import json

from tests.charts.chart import NAMESPACE, RELEASE
from tests.e2e.node.cluster import Cluster
from tests.e2e.release import SECONDS, Release, Shop
from tests.harness.cluster import Namespace
from tests.harness.polling import poll

STATUS = """\
import re
text = open("/proc/1/status").read()
print(*(" ".join(found) for found in re.findall(r"^(Uid|CapEff|NoNewPrivs|Seccomp):\\t(\\w+)", text, re.M)), sep=",")
"""


def test_all_pods_are_ready_under_restricted_pod_security(release: Release) -> None:
    found = {component: release.pods(component) for component in ("webhook", "operator")}
    assert {component: len(pods) for component, pods in found.items()} == {"webhook": 3, "operator": 1}
    statuses = [pod["status"]["containerStatuses"][0] for pods in found.values() for pod in pods]
    assert all(status["ready"] and status["restartCount"] == 0 for status in statuses)


def test_helm_test_passes(release: Release) -> None:
    release.helm.run("test", RELEASE, "--namespace", NAMESPACE, "--timeout", "60s")


def test_the_process_has_no_capability_and_no_way_to_get_one(release: Release) -> None:
    pod = release.pods("webhook")[0]["metadata"]["name"]
    answer = release.kubectl("exec", pod, "--", "python3", "-c", STATUS).stdout.strip()
    # Seccomp 2 is a filter: RuntimeDefault.
    assert answer == "Uid 65532,CapEff 0000000000000000,NoNewPrivs 1,Seccomp 2"


def test_nothing_can_be_written_but_what_is_mounted(release: Release) -> None:
    pod = release.pods("webhook")[0]["metadata"]["name"]
    for place in ("/opt/evidence-gate/lib/x", "/etc/evidence-gate/x", "/x"):
        refused = release.kubectl("exec", pod, "--", "python3", "-c", f"open({place!r}, 'w')", check=False)
        assert "Read-only file system" in refused.stderr


def test_what_staging_has_seen_runs(production: Namespace, shop: Shop) -> None:
    assert production.create(shop.deployment("cart")).returncode == 0
    production.kubectl("wait", "--for=condition=Available", "deployment/cart", "--timeout=60s", stdin=None)


def test_what_nobody_has_seen_is_denied_with_what_to_do(production: Namespace, shop: Shop) -> None:
    refused = production.create(shop.deployment("unseen"))
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert lines[0].startswith("Error from server (Forbidden)")
    assert '"production.execution-evidence.stella.ops" denied the request' in lines[0]
    assert f"  image: {shop.image('unseen')} (container cart)" in lines
    assert "  found: no statement about this digest (EvidenceMissing)" in lines


def test_a_decision_leaves_an_event(production: Namespace, shop: Shop) -> None:
    production.create(shop.deployment("unseen"))

    def found() -> bool:
        return any("EvidenceMissing" in json.dumps(event) for event in production.events())

    poll(found, SECONDS, "an Event about the denial")


def test_the_operator_tells_what_it_makes_of_the_evidence(cluster: Cluster, production: Namespace) -> None:  # noqa: ARG001 - applies the evidence
    cluster.kubectl("wait", "--for=condition=Verified", "executionevidence/cart-staging", "--timeout=60s")
    status = json.loads(cluster.kubectl("get", "executionevidence", "cart-staging", "-o", "json").stdout)["status"]
    assert (status["signer"], status["environment"]) == ("staging", "staging")


def test_a_broken_configuration_leaves_an_event_about_the_pod_and_the_old_rules(
    release: Release, production: Namespace, shop: Shop
) -> None:
    before = release.read("configmap", RELEASE)["data"]
    broken = {name: text.replace("missingEvidenceAction", "missingEvidenceActoin") for name, text in before.items()}
    assert broken != before
    release.kubectl("patch", "configmap", RELEASE, "--type=merge", "-p", json.dumps({"data": broken}))

    def told() -> bool:
        return "ConfigurationBroken" in release.kubectl("get", "events", "-o", "json").stdout

    # The kubelet brings a changed ConfigMap within about a minute.
    poll(told, SECONDS, "an Event about the configuration")
    assert not production.admits(shop.image("unseen"))
    release.kubectl("patch", "configmap", RELEASE, "--type=merge", "-p", json.dumps({"data": before}))
