"""What a GitOps controller meets: server-side apply, status codes that it can tell apart, and no drift."""

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.polling import poll
from tests.harness.workloads import deployment
from tests.integration.conftest import GateStarter

MANAGER = "a-gitops-controller"
UNTIL_SEEN = 5.0
READABLE_CHARACTERS = 2048
"""A screenful; controllers show a message in a condition, and some cut it."""


class Said(NamedTuple):
    """What the API server answers."""

    code: int
    status: dict[str, Any]


def server_side_apply(namespace: Namespace, image: str, *, dry_run: bool = False) -> Said:
    """Applies as Argo CD and Flux do (application/apply-patch+yaml), and gives the answer off the wire."""
    plane = namespace.control_plane
    address = urlsplit(plane.url)
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, timeout=30, context=plane.tls)
    path = f"/apis/apps/v1/namespaces/{namespace.name}/deployments/cart?fieldManager={MANAGER}&force=true"
    body = yaml.safe_dump(deployment("cart", image))
    headers = {"Content-Type": "application/apply-patch+yaml"}
    try:
        connection.request("PATCH", path + ("&dryRun=All" if dry_run else ""), body, headers)
        answer = connection.getresponse()
        return Said(answer.status, json.loads(answer.read()))
    finally:
        connection.close()


def test_a_denial_is_a_decision_and_nothing_to_retry(production: Namespace) -> None:
    code, status = server_side_apply(production, image_of("nobody-ran-it"))
    assert (code, status["code"], status["reason"]) == (403, 403, "Forbidden")


def test_what_could_not_be_looked_up_is_a_failure_to_retry(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    # A loopback address that nothing listens on: the registry is away.
    hosts = {"127.0.0.1:9": {"insecure": True, "addresses": ["127.0.0.0/8"]}}
    start_gate("away", stores={"registry": {"allow": ["127.0.0.1:9/*"], "hosts": hosts}})
    namespace = Namespace.new(control_plane, "away")
    code, status = server_side_apply(namespace, f"127.0.0.1:9/shop/cart@{digest_of('cart')}")
    assert (code, status["code"], status["reason"]) == (503, 503, "ServiceUnavailable")


def test_a_dry_run_tells_beforehand_what_the_apply_will_meet(production: Namespace) -> None:
    for name, expected in {"nobody-ran-it": 403, "sufficient": 201}.items():
        rehearsed = server_side_apply(production, image_of(name), dry_run=True)
        assert (rehearsed.code, server_side_apply(production, image_of(name)).code) == (expected, expected)


def test_the_message_names_image_reason_and_next_step_on_a_screenful(production: Namespace) -> None:
    message = server_side_apply(production, image_of("nobody-ran-it")).status["message"]
    assert len(message) < READABLE_CHARACTERS
    for part in (image_of("nobody-ran-it"), "(EvidenceMissing)", "next:  run it in staging with profiling on"):
        assert part in message


def test_the_same_refusal_reads_the_same_each_time(production: Namespace) -> None:
    # Controllers count equal messages as one Event and notify once.
    first, second = (server_side_apply(production, image_of("nobody-ran-it")).status for _ in range(2))
    assert first == second


def test_nothing_drifts(production: Namespace) -> None:
    def applied() -> dict[str, Any]:
        said = server_side_apply(production, image_of("sufficient"))
        assert said.code in {200, 201}
        return said.status

    created = applied()
    again = applied()
    assert {entry["manager"] for entry in again["metadata"]["managedFields"]} == {MANAGER}
    assert (again["metadata"]["generation"], again["metadata"]["resourceVersion"]) == (
        created["metadata"]["generation"],
        created["metadata"]["resourceVersion"],
    )
    container = again["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == image_of("sufficient")


def test_after_evidence_has_arrived_the_next_attempt_goes_through(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("soaking")
    namespace = Namespace.new(control_plane, "soaking")
    assert server_side_apply(namespace, image_of("soaked")).code == 403
    gate.publish(digest_of("soaked"))
    poll(lambda: server_side_apply(namespace, image_of("soaked")).code == 201, UNTIL_SEEN, "it is admitted")


def test_a_webhook_that_is_away_is_the_api_servers_failure(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("gone")
    namespace = Namespace.new(control_plane, "gone")
    gate.program.kill()
    code, status = server_side_apply(namespace, image_of("nobody-ran-it"))
    assert (code, status["reason"]) == (500, "InternalError")
