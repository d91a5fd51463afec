"""The configuration, the keys and the evidence change while the webhook serves."""

import copy
from typing import Any

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.integration.conftest import GateStarter

UNTIL_SEEN = 5.0


def changed(gate: Gate, **options: Any) -> dict[str, Any]:
    """Gives the gate's configuration with other options in its policy."""
    configuration = copy.deepcopy(gate.configuration)
    configuration["PolicyGates"]["ExecutionEvidence"] |= options
    return configuration


def admitted_soon(namespace: Namespace, name: str) -> None:
    poll(lambda: namespace.admits(image_of(name)), UNTIL_SEEN, f"{name} is admitted")


def denied_soon(namespace: Namespace, name: str) -> None:
    poll(lambda: not namespace.admits(image_of(name)), UNTIL_SEEN, f"{name} is denied")


def test_evidence_that_arrives_admits(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("arriving")
    namespace = Namespace.new(control_plane, "arriving")
    assert not namespace.admits(image_of("cart"))
    gate.publish(digest_of("cart"))
    admitted_soon(namespace, "cart")


def test_a_changed_threshold_takes_effect(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("thresholds")
    namespace = Namespace.new(control_plane, "thresholds")
    gate.publish(digest_of("cart"), hotSymbolCount=42)
    admitted_soon(namespace, "cart")
    gate.configure(changed(gate, MinHotSymbolCount=43))
    denied_soon(namespace, "cart")
    gate.configure(changed(gate, MinHotSymbolCount=42))
    admitted_soon(namespace, "cart")


def test_a_broken_file_keeps_the_old_verdicts_and_says_so(
    start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("breaking")
    namespace = Namespace.new(control_plane, "breaking")
    gate.publish(digest_of("cart"))
    admitted_soon(namespace, "cart")
    gate.configure(changed(gate, Enabled=False, MinHotSymbolCuont=0))
    poll(lambda: "MinHotSymbolCuont" in gate.program.log.read_text(), UNTIL_SEEN, "the log names the wrong key")
    assert gate.metric("execution_evidence_gate_configuration_reload_failures_total") == 1
    assert gate.metric("execution_evidence_gate_configuration_ok") == 0
    assert gate.probe("/readyz") == 200
    assert namespace.admits(image_of("cart"))
    assert not namespace.admits(image_of("nobody-ran-it"))


def test_a_mended_file_is_taken_after_a_broken_one(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("mending")
    namespace = Namespace.new(control_plane, "mending")
    gate.configure({"PolicyGates": "no mapping"})
    poll(lambda: gate.metric("execution_evidence_gate_configuration_ok") == 0, UNTIL_SEEN, "the broken file is seen")
    gate.configure(changed(gate, Enabled=False))
    admitted_soon(namespace, "nobody-ran-it")
    assert gate.metric("execution_evidence_gate_configuration_ok") == 1


def test_a_key_that_is_removed_stops_counting(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("removing")
    namespace = Namespace.new(control_plane, "removing")
    gate.publish(digest_of("cart"))
    admitted_soon(namespace, "cart")
    gate.configure(gate.configuration | {"trust": {"keys": []}})
    denied_soon(namespace, "cart")


def test_a_key_file_that_is_replaced_is_read_anew(start_gate: GateStarter, control_plane: ControlPlane) -> None:
    gate = start_gate("rotating")
    namespace = Namespace.new(control_plane, "rotating")
    successor = Signer.new()
    gate.publish(digest_of("old"))
    gate.publish(digest_of("new"), signer=successor)
    admitted_soon(namespace, "old")
    assert not namespace.admits(image_of("new"))
    gate.trust(successor)
    admitted_soon(namespace, "new")
    assert not namespace.admits(image_of("old"))
