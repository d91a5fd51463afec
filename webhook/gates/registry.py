"""All gates, by gate id."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from webhook.gates import execution_evidence
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.gate import GateContext, GateResult

Gate = Callable[[ExecutionEvidencePolicy, GateContext], GateResult]

GATES: Mapping[str, Gate] = MappingProxyType({execution_evidence.GATE_ID: execution_evidence.evaluate})
"""Gate id to the function that decides."""
