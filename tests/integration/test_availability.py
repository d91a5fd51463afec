"""What happens while one of the two servers is away."""

import http.client

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.load import Load
from tests.harness.polling import poll
from tests.harness.workloads import admission_review, deployment
from tests.integration.conftest import GateStarter


def test_without_the_webhook_nothing_is_admitted_until_it_is_back(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("outage")
    namespace = Namespace.new(control_plane, "outage")
    gate.publish(digest_of("cart"))
    poll(lambda: namespace.admits(image_of("cart")), 5, "the image is admitted")
    gate.program.kill()
    refused = namespace.create(deployment("cart", image_of("cart")))
    assert 'failed calling webhook "outage.execution-evidence.stella.ops"' in refused.stderr
    gate.start()
    poll(lambda: namespace.create(deployment("cart", image_of("cart"))).returncode == 0, 10, "it is admitted again")


def test_a_workload_that_runs_can_be_scaled_while_the_webhook_is_away(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("scaling")
    namespace = Namespace.new(control_plane, "scaling")
    gate.publish(digest_of("cart"))
    manifest = deployment("cart", image_of("cart"))
    poll(lambda: namespace.create(manifest).returncode == 0, 5, "the image is admitted")
    gate.program.kill()
    assert namespace.kubectl("scale", "deployment", "cart", "--replicas=4").stdout == "deployment.apps/cart scaled\n"
    assert namespace.kubectl("label", "deployment", "cart", "tier=web").stdout == "deployment.apps/cart labeled\n"


def test_without_the_api_server_reviews_are_answered_and_later_events_are_posted(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("headless")
    namespace = Namespace.new(control_plane, "headless")
    review = admission_review(deployment("during", image_of("nobody-ran-it")), "headless", namespace.name)
    control_plane.stop_api_server()
    try:
        with Load(f"{gate.url}/admit/headless?timeout=10s", gate.ca_pem, review) as load:
            poll(lambda: load.answered >= 100, 20, "a hundred reviews are answered")
        assert load.failures == []
        assert gate.probe("/readyz") == http.client.OK
    finally:
        control_plane.start_api_server()
    namespace.create(deployment("after", image_of("nobody-ran-it")))
    poll(lambda: "after" in str(namespace.events()), 30, "an Event is posted again")
