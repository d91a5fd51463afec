"""`admission.clientAuthentication`, and an API server that has a certificate for the release's Service."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.charts.chart import NAMESPACE, Helm
from tests.charts.installation import Installation, installed
from tests.charts.processes import HOST
from tests.harness.clients import API_SERVER, ClientAuthority, admission_config
from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.harness.workloads import deployment

SECONDS = 30.0
AUTHORITY = ClientAuthority()


@pytest.fixture(scope="module")
def installation(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    port, ops_port = free_ports(2)
    folder = tmp_path_factory.mktemp("certified")
    config = admission_config(folder, f"{HOST}:{port}", AUTHORITY.identity(folder))
    values = {"clientAuthentication": {"caBundle": AUTHORITY.pem.decode(), "names": [API_SERVER]}}
    with ControlPlane(admission_config=config) as running:
        apply(running, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        cluster_helm = Helm(helm.program, helm.home, running.kubeconfig)
        with installed(running, cluster_helm, folder, (port, ops_port), admission=values) as installation:
            yield installation


def test_the_api_server_is_answered(installation: Installation) -> None:
    installation.publish("seen")
    production = Namespace.new(installation.control_plane, "production")
    poll(lambda: production.admits(image_of("seen")), SECONDS, "the evidence is seen")
    denied = production.create(deployment("unseen", image_of("unseen")))
    assert "No execution evidence found for this artifact in required environment" in denied.stderr


def test_nobody_without_a_certificate_is(installation: Installation) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", installation.port, timeout=5, context=trusting)

    def ask() -> http.client.HTTPResponse:
        connection.request("GET", "/")
        return connection.getresponse()

    with closing(connection), pytest.raises((ssl.SSLError, ConnectionError)):
        ask()


def test_helm_test_needs_no_certificate(installation: Installation, helm: Helm) -> None:
    assert installation.answers_helm_test(helm)
