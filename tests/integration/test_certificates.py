"""The webhook's certificate is replaced while clients keep their connections."""

import ssl
from urllib.parse import urlsplit

import trustme

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.load import Load
from tests.harness.polling import poll
from tests.harness.workloads import admission_review, deployment
from tests.integration.conftest import GateStarter


def served_certificate(gate: Gate) -> str:
    address = urlsplit(gate.url)
    return ssl.get_server_certificate((str(address.hostname), address.port or 0))


def load_on(gate: Gate, environment: str) -> Load:
    review = admission_review(deployment("cart", image_of("cart")), "load", "shop")
    return Load(f"{gate.url}/admit/{environment}?timeout=10s", gate.ca_pem, review)


def test_a_new_certificate_is_served_and_no_request_is_lost(start_gate: GateStarter) -> None:
    gate = start_gate("renewal", events={"enabled": False})
    with load_on(gate, "renewal") as load:
        poll(lambda: load.answered >= 50, 20, "the load runs")
        fresh = gate.issue_certificate()
        poll(lambda: served_certificate(gate) == fresh, 10, "the new certificate is served")
        after = load.answered
        poll(lambda: load.answered >= after + 50, 20, "the load goes on")
    assert load.failures == []


def test_a_certificate_that_does_not_fit_its_key_leaves_the_old_one(start_gate: GateStarter) -> None:
    gate = start_gate("misfit")
    before = served_certificate(gate)
    lines = len(gate.log())
    foreign = trustme.CA().issue_cert("127.0.0.1")
    foreign.cert_chain_pems[0].write_to_path(str(gate.folder / "tls.crt"))
    poll(lambda: any("tls.crt" in str(line) for line in gate.log()[lines:]), 10, "the log names the file")
    assert served_certificate(gate) == before


def test_the_api_server_goes_on_asking_after_a_renewal(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("asking")
    namespace = Namespace.new(control_plane, "asking")
    gate.publish(digest_of("cart"))
    poll(lambda: namespace.admits(image_of("cart")), 5, "the image is admitted")
    fresh = gate.issue_certificate()
    poll(lambda: served_certificate(gate) == fresh, 10, "the new certificate is served")
    assert namespace.admits(image_of("cart"))
