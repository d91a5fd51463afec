"""The rendered registration, configuration and accounts, with the real webhook behind them."""

from collections.abc import Iterator

import pytest

from tests.charts.chart import NAMESPACE, Helm
from tests.charts.installation import Installation, installed
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0


@pytest.fixture(scope="module")
def installation(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    port, ops_port = free_ports(2)
    folder = tmp_path_factory.mktemp("webhook")
    with installed(control_plane, cluster_helm, folder, (port, ops_port)) as running:
        yield running


@pytest.fixture(scope="module")
def production(installation: Installation) -> Namespace:
    namespace = Namespace.new(installation.control_plane, "production")

    def asked() -> bool:
        return (
            "denied the request"
            in namespace.create(deployment("asked", image_of("asked")), "--dry-run=server").stderr
        )

    poll(asked, SECONDS, "the API server asks the webhook")
    return namespace


def test_an_image_without_evidence_is_denied_by_the_entry_of_its_environment(production: Namespace) -> None:
    result = production.create(deployment("unseen", image_of("unseen")))
    assert 'admission webhook "production.execution-evidence.stella.ops" denied the request' in result.stderr
    assert "No execution evidence found for this artifact in required environment" in result.stderr


def test_an_image_with_evidence_in_the_cluster_is_admitted(installation: Installation, production: Namespace) -> None:
    installation.publish("seen")
    poll(lambda: production.admits(image_of("seen")), SECONDS, "the evidence is seen")
    assert production.create(deployment("seen", image_of("seen"))).returncode == 0


@pytest.mark.usefixtures("production")
def test_an_environment_that_warns_admits_with_a_warning(installation: Installation) -> None:
    canary = Namespace.new(installation.control_plane, "canary")
    result = canary.create(deployment("unseen", image_of("unseen")))
    assert result.returncode == 0
    assert "No execution evidence found for this artifact (warn mode)" in result.stderr


@pytest.mark.usefixtures("production")
def test_a_namespace_of_no_environment_is_left_alone(installation: Installation) -> None:
    assert Namespace.new(installation.control_plane, None).admits(image_of("unseen"))


@pytest.mark.usefixtures("production")
def test_the_gate_s_own_namespace_is_left_alone_whatever_its_label(installation: Installation) -> None:
    own = Namespace(installation.control_plane, NAMESPACE)
    own.control_plane.kubectl("label", "namespace", NAMESPACE, "stella.ops/environment=production")
    try:
        assert own.admits(image_of("unseen"))
    finally:
        own.control_plane.kubectl("label", "namespace", NAMESPACE, "stella.ops/environment-")


def test_the_account_may_write_the_event_of_a_decision(production: Namespace) -> None:
    production.create(deployment("told", image_of("told")))

    def told() -> bool:
        return any(event["involvedObject"].get("name") == "told" for event in production.events())

    poll(told, SECONDS, "the Event of the denial")


def test_the_command_of_helm_test_finds_the_webhook_ready(installation: Installation, cluster_helm: Helm) -> None:
    assert installation.answers_helm_test(cluster_helm)
