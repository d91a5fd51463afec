"""SIGTERM: not ready at once, in service through the drain time, then a clean end."""

import ssl
import time
from http.client import OK, SERVICE_UNAVAILABLE, HTTPSConnection
from urllib.parse import urlsplit

from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.load import Load
from tests.harness.polling import poll
from tests.harness.workloads import admission_review, deployment
from tests.integration.conftest import GateStarter

DRAIN = 3.0
REVIEW = admission_review(deployment("cart", image_of("cart")), "load", "shop")


def start_draining_gate(start_gate: GateStarter, environment: str, seconds: float = DRAIN) -> Gate:
    gate = start_gate(environment, server={"drainSeconds": seconds}, events={"enabled": False})
    gate.publish(digest_of("cart"))
    return gate


def connect(gate: Gate) -> HTTPSConnection:
    address = urlsplit(gate.url)
    context = ssl.create_default_context(cadata=gate.ca_pem.decode())
    return HTTPSConnection(str(address.hostname), address.port, timeout=10, context=context)


def not_ready(gate: Gate) -> None:
    poll(lambda: gate.probe("/readyz") == SERVICE_UNAVAILABLE, DRAIN, "it says that it is not ready")


def test_no_request_is_lost_while_it_drains(start_gate: GateStarter) -> None:
    gate = start_draining_gate(start_gate, "draining")
    with Load(f"{gate.url}/admit/draining?timeout=10s", gate.ca_pem, REVIEW) as load:
        poll(lambda: load.answered >= 50, 20, "the load runs")
        gate.program.terminate()
        not_ready(gate)
        after = load.answered
        poll(lambda: load.answered >= after + 50, DRAIN, "it still answers")
        # The clients leave here, as API servers do once the endpoint is gone.
    assert load.failures == []
    assert gate.program.wait(DRAIN + 10) == 0


def test_a_draining_server_sends_kept_connections_elsewhere(start_gate: GateStarter) -> None:
    gate = start_draining_gate(start_gate, "closing")
    with Load(f"{gate.url}/admit/closing?timeout=10s", gate.ca_pem, REVIEW) as load:
        poll(lambda: load.answered >= 50, 20, "the load runs")
        assert load.closing == 0
        gate.program.terminate()
        poll(lambda: load.closing >= 4, DRAIN, "each connection is told to close")
    assert load.failures == []


def test_a_request_that_was_half_sent_is_answered(start_gate: GateStarter) -> None:
    gate = start_draining_gate(start_gate, "halfway")
    connection = connect(gate)
    connection.putrequest("POST", "/admit/halfway?timeout=10s")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(REVIEW)))
    connection.endheaders(REVIEW[:100])
    gate.program.terminate()
    not_ready(gate)
    connection.send(REVIEW[100:])
    answer = connection.getresponse()
    assert answer.status == OK
    assert b'"uid": "load"' in answer.read()
    connection.close()


def test_it_ends_cleanly_after_the_drain_time_though_a_connection_is_kept(start_gate: GateStarter) -> None:
    gate = start_draining_gate(start_gate, "idle", seconds=1)
    connection = connect(gate)
    connection.request("POST", "/admit/idle?timeout=10s", REVIEW, {"Content-Type": "application/json"})
    assert connection.getresponse().read()
    begun = time.monotonic()
    gate.program.terminate()
    assert gate.program.wait(15) == 0
    assert 1 <= time.monotonic() - begun < 5
    connection.close()
