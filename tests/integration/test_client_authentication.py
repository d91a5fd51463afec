"""The API server proves who it is, set up as docs/install.md says; whoever does not is refused unheard."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.harness.clients import API_SERVER, ClientAuthority, admission_config
from tests.harness.cluster import Namespace, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.workloads import deployment

AUTHORITY = ClientAuthority()
FAILED = (
    'Error from server (InternalError): error when creating "STDIN": Internal error occurred: '
    'failed calling webhook "guarded.execution-evidence.stella.ops": failed to call webhook: '
)


def host_of(gate: Gate) -> str:
    return urlsplit(gate.url).netloc


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook that wants a certificate of the authority, for the API server's name."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "client-ca.pem").write_bytes(AUTHORITY.pem)
    gate = Gate(folder, {"RequiredEnvironments": ["guarded"]})
    gate.options = {"client-ca": folder / "client-ca.pem", "client-name": API_SERVER}
    gate.publish(digest_of("cart"))
    with gate:
        yield gate


@pytest.fixture(scope="module")
def known(guarded: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that shows a certificate."""
    folder = tmp_path_factory.mktemp("admission")
    config = admission_config(folder, host_of(guarded), AUTHORITY.identity(folder))
    with ControlPlane(admission_config=config) as running, registered(running, guarded, ["guarded"]):
        yield running


def refused(control_plane: ControlPlane, gate: Gate) -> str:
    """Tries a Deployment that would pass; shows that it is refused, and that nobody decided about it."""
    before = gate.reviews()
    namespace = Namespace.new(control_plane, "guarded")
    answer = namespace.create(deployment("cart", image_of("cart")))
    assert answer.returncode == 1
    assert namespace.kubectl("get", "deployments", "-o", "name").stdout == ""
    assert gate.reviews() == before
    assert answer.stderr.startswith(FAILED)
    return answer.stderr


def test_with_the_certificate_reviews_are_answered(known: ControlPlane, guarded: Gate) -> None:
    namespace = Namespace.new(known, "guarded")
    assert namespace.create(deployment("cart", image_of("cart"))).returncode == 0
    denied = namespace.create(deployment("unknown", image_of("unknown")))
    assert "No execution evidence found for this artifact in required environment" in denied.stderr
    assert guarded.reviews() > 0


def test_without_a_certificate_nothing_is_reviewed(control_plane: ControlPlane, guarded: Gate) -> None:
    with registered(control_plane, guarded, ["guarded"]):
        refused(control_plane, guarded)
    # The API server saw a closed connection; the log has the reason.
    assert guarded.log("client certificate refused")[0]["problem"] == "there is none"
    assert guarded.probe("/readyz") == 200


def test_with_another_name_nothing_is_reviewed(known: ControlPlane, guarded: Gate, tmp_path: Path) -> None:
    before = known.admission_config
    known.admission_config = admission_config(tmp_path, host_of(guarded), AUTHORITY.identity(tmp_path, "kubelet"))
    known.restart_api_server()
    try:
        expected = f"{FAILED}the client's certificate has none of the names that may ask\n"
        assert refused(known, guarded) == expected
    finally:
        known.admission_config = before
        known.restart_api_server()
