"""A registry that is down, that is asked no more often than needed, and whose tags move."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.attaching import Publisher, cosign_bundle, oras_attach
from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll
from tests.harness.registry import Registry
from tests.harness.workloads import deployment
from tests.integration.conftest import GateStarter

ACCOUNT = "execution-evidence-gate"
"""The webhook's own user."""
UNAVAILABLE = "Error from server (ServiceUnavailable)"


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    folder = tmp_path / "publisher"
    folder.mkdir()
    return Publisher(folder)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Without the referrers API, so that it still has its content after a restart."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder, referrers=False) as running:
        yield running


def pushed(registry: Registry, path: str) -> str:
    pusher = registry.repository(path)
    return f"{pusher.repository}@{pusher.image('cart')}"


def test_while_the_registry_is_down_nobody_knows_and_afterwards_it_is_admitted(
    start_gate: GateStarter, control_plane: ControlPlane, registry: Registry, publisher: Publisher
) -> None:
    image = pushed(registry, "shop/cart")
    cosign_bundle(publisher, image)
    registry.stop()
    start_gate("down", stores={"registry": registry.settings()}, trust=publisher.trust())
    namespace = Namespace.new(control_plane, "down")
    result = namespace.create(deployment("cart", image))
    assert UNAVAILABLE in result.stderr
    assert "(EvidenceUnavailable)" in result.stderr
    assert registry.host in next(line for line in result.stderr.splitlines() if "found:" in line)
    registry.start()
    poll(lambda: namespace.admits(image), 15, "the image is admitted")


def test_what_was_seen_before_the_registry_went_down_is_still_admitted(
    start_gate: GateStarter, control_plane: ControlPlane, registry: Registry, publisher: Publisher
) -> None:
    image = pushed(registry, "shop/cart")
    cosign_bundle(publisher, image)
    start_gate("seen", stores={"registry": registry.settings()}, trust=publisher.trust())
    namespace = Namespace.new(control_plane, "seen")
    assert namespace.admits(image)
    registry.stop()
    assert namespace.create(deployment("cart", image)).returncode == 0


def test_a_second_review_asks_neither_the_registry_nor_the_api_server(
    start_gate: GateStarter, control_plane: ControlPlane, tmp_path: Path, publisher: Publisher
) -> None:
    with Registry(tmp_path, referrers=True) as registry:
        image = pushed(registry, "shop/cart")
        oras_attach(publisher, image)
        start_gate("warm", stores={"registry": registry.settings()}, trust=publisher.trust())
        namespace = Namespace.new(control_plane, "warm")
        assert namespace.admits(image)
        asked, read = registry.requests(), gate_reads(control_plane)
        assert namespace.create(deployment("cart", image)).returncode == 0
        assert registry.requests() == asked
        assert gate_reads(control_plane) == read


def gate_reads(control_plane: ControlPlane) -> int:
    """Counts what the webhook's own user has read from the API server."""
    events = control_plane.audit_events()
    return sum(event["verb"] in {"get", "list"} and event["user"]["username"] == ACCOUNT for event in events)


def test_a_tag_is_resolved_by_the_registry_and_warned_about(
    start_gate: GateStarter, control_plane: ControlPlane, registry: Registry, publisher: Publisher
) -> None:
    image = pushed(registry, "shop/cart")
    cosign_bundle(publisher, image)
    environment = "by-tag"
    policy = {"Enabled": True, "MissingEvidenceAction": "Block", "RequiredEnvironments": [environment]}
    start_gate(
        environment,
        stores={"registry": registry.settings(absentSeconds=0.5)},
        trust=publisher.trust(),
        PolicyGates={"ExecutionEvidence": policy | {"TagPolicy": "Resolve"}},
    )
    namespace = Namespace.new(control_plane, environment)
    tagged = f"{registry.host}/shop/cart:cart"
    admitted = namespace.create(deployment("cart", tagged))
    assert admitted.returncode == 0, admitted.stderr
    assert "Warning: " in admitted.stderr
    assert "tag" in admitted.stderr
    # Somebody moves the tag to an image that never ran.
    registry.repository("shop/cart").image("other", tag="cart")
    poll(lambda: not namespace.admits(tagged), 40, "the moved tag is denied")


def test_a_key_that_is_trusted_no_longer_ends_what_was_cached(
    start_gate: GateStarter, control_plane: ControlPlane, registry: Registry, publisher: Publisher
) -> None:
    image = pushed(registry, "shop/cart")
    cosign_bundle(publisher, image)
    gate = start_gate("revoked", stores={"registry": registry.settings()}, trust=publisher.trust())
    namespace = Namespace.new(control_plane, "revoked")
    assert namespace.admits(image)
    keys = [key for key in publisher.trust()["keys"] if key["name"] != "cosign"]
    gate.configure(gate.configuration | {"trust": {"keys": keys}})
    poll(lambda: not namespace.admits(image), 10, "the image is denied")
    assert "(EvidenceUntrusted)" in namespace.create(deployment("cart", image)).stderr
