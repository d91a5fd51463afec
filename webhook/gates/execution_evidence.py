"""The gate `execution-evidence`: the first seed, to the letter.

A pure function of policy and context. The five messages are the seed's, character by character.
"""

from collections.abc import Mapping

from webhook.gates.counts import read_count
from webhook.gates.policy import Action, ExecutionEvidencePolicy
from webhook.model.gate import (
    HAS_EVIDENCE,
    HOT_SYMBOL_COUNT,
    UNIQUE_CALL_PATHS,
    GateContext,
    GateResult,
    Verdict,
)
from webhook.reasons import ReasonCode

GATE_ID = "execution-evidence"


def evaluate(policy: ExecutionEvidencePolicy, context: GateContext) -> GateResult:
    """Decides whether an artifact was seen running well enough.

    The order is the seed's: disabled, environment not required, no evidence, below a threshold, pass.

    Args:
        policy: The section as configured; overrides for the context's environment are applied here.
        context: Target environment and the three metadata keys of the seed.

    Returns:
        The result, with one of the seed's messages (a disabled gate, which the seed gives none, says so).
    """
    policy = policy.for_environment(context.environment)
    if not policy.enabled:
        return _pass("Execution evidence gate is disabled", ReasonCode.GATE_DISABLED)
    if not policy.requires(context.environment):
        message = f"Execution evidence not required for environment '{context.environment}'"
        return _pass(message, ReasonCode.ENVIRONMENT_NOT_REQUIRED)
    if context.metadata.get(HAS_EVIDENCE) != "true":
        return _missing(policy.missing_evidence_action)
    return _judge_quality(policy, context.metadata)


def _missing(action: Action) -> GateResult:
    if action is Action.WARN:
        message = "No execution evidence found for this artifact (warn mode)"
        return GateResult(GATE_ID, Verdict.WARN, message, ReasonCode.EVIDENCE_MISSING)
    message = "No execution evidence found for this artifact in required environment"
    return GateResult(GATE_ID, Verdict.FAIL, message, ReasonCode.EVIDENCE_MISSING)


def _judge_quality(policy: ExecutionEvidencePolicy, metadata: Mapping[str, str]) -> GateResult:
    symbols = read_count(metadata.get(HOT_SYMBOL_COUNT))
    paths = read_count(metadata.get(UNIQUE_CALL_PATHS))
    if symbols < policy.min_hot_symbol_count or paths < policy.min_unique_call_paths:
        message = (
            "Execution evidence trace quality is insufficient: "
            f"hot symbols {symbols} < {policy.min_hot_symbol_count} "
            f"or call paths {paths} < {policy.min_unique_call_paths}"
        )
        return GateResult(GATE_ID, Verdict.FAIL, message, ReasonCode.EVIDENCE_INSUFFICIENT)
    message = f"Execution evidence meets quality thresholds (hot symbols: {symbols}, call paths: {paths})"
    return _pass(message, ReasonCode.EVIDENCE_SUFFICIENT)


def _pass(message: str, reason: ReasonCode) -> GateResult:
    return GateResult(GATE_ID, Verdict.PASS, message, reason)
