"""Releases in which `gate.enabled` is false: conditions, and beacon-rate, are registered and decide by themselves."""

from pathlib import Path
from typing import Any

from tests.charts.chart import Helm
from tests.charts.installation import Installation, installed
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0
OFF = {"enabled": False}


def chosen(ports: tuple[int, int], **webhook: Any) -> dict[str, Any]:
    port, ops_port = ports
    return {"gate": OFF, "webhook": {"port": port, "opsPort": ops_port, **webhook}}


def refusal(namespace: Namespace, name: str) -> str:
    return namespace.create(deployment(name, image_of(name)), "--dry-run=server").stderr


def asked(installation: Installation, namespace: Namespace) -> None:
    """Waits until the API server asks the webhook about a namespace."""

    def reviewed() -> bool:
        before = installation.reviews()
        namespace.create(deployment("asked", image_of("asked")), "--dry-run=server")
        return installation.reviews() > before

    poll(reviewed, SECONDS, "the API server asks the webhook")


def says(value: str, environment: str) -> dict[str, Any]:
    query = {"provider": "env", "check": "get", "params": {"key": "RELEASES"}}
    return {
        "name": f"releases-{value}",
        "environments": [environment],
        "query": query,
        "comparator": "equals",
        "expected": value,
    }


def test_a_condition_alone_arms_its_environment_and_decides_there(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path
) -> None:
    port, ops_port = free_ports(2)
    sections = {
        "conditions": [says("open", "production"), says("closed", "canary")],
        "providers": {"env": {"allowlist": ["RELEASES"]}},
        # Of an ExternalName the API server takes the port from the registration.
        **chosen((port, ops_port), env={"RELEASES": "open"}),
    }
    with installed(control_plane, cluster_helm, tmp_path, (port, ops_port), **sections) as installation:
        canary = Namespace.new(control_plane, "canary")
        asked(installation, canary)
        denied = canary.create(deployment("cart", image_of("cart"))).stderr
        assert 'admission webhook "canary.execution-evidence.stella.ops" denied the request' in denied
        assert "Condition 'releases-closed'" in denied
        production = Namespace.new(control_plane, "production")
        asked(installation, production)
        assert production.create(deployment("cart", image_of("cart"))).stderr == ""
        before = installation.reviews()
        assert Namespace.new(control_plane, "test").admits(image_of("cart"))
        assert installation.reviews() == before


def test_beacon_rate_alone_arms_its_environments_and_decides_there(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path: Path
) -> None:
    port, ops_port = free_ports(2)
    beacons = {"enabled": True, "missingBeaconAction": "Block", "requiredEnvironments": ["production"]}
    sections = {"beaconRate": beacons | {"minBeaconRate": 0.9}, **chosen((port, ops_port))}
    with installed(control_plane, cluster_helm, tmp_path, (port, ops_port), **sections) as installation:
        production = Namespace.new(control_plane, "production")
        asked(installation, production)
        # Evidence of another kind is no beacon data.
        installation.publish("cart")
        assert "No beacon data found for this artifact in required environment" in refusal(production, "cart")
        installation.publish_beacons("cart", 8, 10)
        low = "Beacon verification rate is insufficient: 0.80 < 0.90 (verified 8 of 10)"
        poll(lambda: low in refusal(production, "cart"), SECONDS, "the low rate is seen")
        installation.publish_beacons("cart", 9, 10)
        poll(lambda: refusal(production, "cart") == "", SECONDS, "the sufficient rate is seen")
        assert production.create(deployment("cart", image_of("cart"))).returncode == 0
