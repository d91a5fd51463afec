"""A release that serves evidence: the chart's rights are those that it takes, and its role is the one to bind."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.chart import RELEASE, Helm
from tests.charts.installation import Installation, installed
from tests.charts.processes import HOST
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of
from tests.harness.polling import poll
from tests.harness.process import free_ports
from tests.server.query.asking import question

SECONDS = 30.0
AUDIENCE = "execution-evidence-gate"


class Asking:
    """Who asks the release's service, under the name of its Service."""

    def __init__(self, installation: Installation, port: int, trust: ssl.SSLContext) -> None:
        self.installation = installation
        self._port = port
        self._trust = trust
        self.ci = Namespace.new(installation.control_plane, None)
        for name in ("robot", "stranger"):
            self.ci.kubectl("create", "serviceaccount", name)

    def as_account(self, name: str) -> tuple[int, Any]:
        """Asks with a fresh token of an account."""
        token = self.ci.kubectl("create", "token", name, "--audience", AUDIENCE).stdout.strip()
        connection = http.client.HTTPSConnection(HOST, timeout=10)
        plain = socket.create_connection(("127.0.0.1", self._port), 10)
        with self._trust.wrap_socket(plain, server_hostname=HOST) as connection.sock:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            connection.request("POST", "/v1/evidence/query", json.dumps(question(digest_of("seen"))), headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)


@pytest.fixture(scope="module")
def asking(
    control_plane: ControlPlane, cluster_helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    port, ops_port, query_port = free_ports(3)
    folder = tmp_path_factory.mktemp("query")
    sections = {
        "query": {"enabled": True, "port": query_port, "servicePort": query_port},
        "providers": {"executionEvidence": {"allowRaw": True}},
        "disclosure": {"allowRawValues": True},
    }
    with installed(control_plane, cluster_helm, folder, (port, ops_port), **sections) as running:
        running.publish("seen")
        trust = ssl.create_default_context(cafile=folder / "given.crt")
        # Trusts the certificate itself, whoever signed it.
        trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        yield Asking(running, query_port, trust)


def test_without_the_role_nobody_is_answered(asking: Asking) -> None:
    status, document = asking.as_account("stranger")
    assert (status, document["error"]["kind"]) == (403, "unauthorized")


def test_whoever_the_role_is_bound_to_is_answered(asking: Asking) -> None:
    account = f"--serviceaccount={asking.ci.name}:robot"
    role = f"--clusterrole={RELEASE}-evidence-reader"
    asking.ci.kubectl("create", "clusterrolebinding", "ci-evidence", role, account)
    try:

        def answered() -> Any:
            status, document = asking.as_account("robot")
            value = document["result"]["value"]["value"] if status == 200 else {}
            return value.get("has_execution_evidence") == "true"

        poll(answered, SECONDS, "the role is bound and the evidence seen")
    finally:
        asking.ci.kubectl("delete", "clusterrolebinding", "ci-evidence")


def test_the_release_s_other_port_answers_as_before(asking: Asking, helm: Helm) -> None:
    assert asking.installation.answers_helm_test(helm)
