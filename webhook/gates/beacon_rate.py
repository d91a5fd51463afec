"""The gate `beacon-rate`: of the beacons that an artifact should have sent elsewhere, were enough verified?

A pure function of policy and context. The seed names this gate and leaves out its text: the messages follow the
style of `execution-evidence`, and the contract is this project's own.
"""

from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.counts import read_count
from webhook.gates.policy import Action
from webhook.model.gate import BEACONS_EXPECTED, BEACONS_VERIFIED, HAS_BEACONS, GateContext, GateResult, Verdict
from webhook.reasons import ReasonCode

GATE_ID = "beacon-rate"

_DECIMALS = 2
"""A message shows at least so many, and as many as `MinBeaconRate` has."""


def evaluate(policy: BeaconRatePolicy, context: GateContext) -> GateResult:
    """Decides whether enough of an artifact's beacons were verified.

    The order is the first gate's: disabled, environment not required, no data, below the minimum, pass.

    Args:
        policy: The section as configured.
        context: Target environment and the three metadata keys.

    Returns:
        The result. Counts that cannot be read, that expect nothing, or that verify more than was expected, are no
        data.
    """
    policy = policy.for_environment(context.environment)
    if not policy.enabled:
        return _pass("Beacon rate gate is disabled", ReasonCode.GATE_DISABLED)
    if not policy.requires(context.environment):
        message = f"Beacon data not required for environment '{context.environment}'"
        return _pass(message, ReasonCode.ENVIRONMENT_NOT_REQUIRED)
    expected = read_count(context.metadata.get(BEACONS_EXPECTED))
    verified = read_count(context.metadata.get(BEACONS_VERIFIED))
    if context.metadata.get(HAS_BEACONS) != "true" or not expected or verified > expected:
        return _missing(policy.missing_beacon_action)
    return _judge_rate(policy, verified, expected)


def _missing(action: Action) -> GateResult:
    if action is Action.WARN:
        message = "No beacon data found for this artifact (warn mode)"
        return GateResult(GATE_ID, Verdict.WARN, message, ReasonCode.BEACON_DATA_MISSING)
    message = "No beacon data found for this artifact in required environment"
    return GateResult(GATE_ID, Verdict.FAIL, message, ReasonCode.BEACON_DATA_MISSING)


def _judge_rate(policy: BeaconRatePolicy, verified: int, expected: int) -> GateResult:
    decimals = max(_DECIMALS, len(policy.minimum_text.partition(".")[2]))
    scale = 10**decimals
    # Rounded down, to no fewer decimals than the minimum has: so the shown rate never looks better than it is, and
    # what lies below the minimum also looks so.
    rate = _decimal(verified * scale // expected, decimals)
    minimum = _decimal(int(policy.minimum * scale), decimals)
    counts = f"verified {verified} of {expected}"
    if not policy.meets(verified, expected):
        message = f"Beacon verification rate is insufficient: {rate} < {minimum} ({counts})"
        return GateResult(GATE_ID, Verdict.FAIL, message, ReasonCode.BEACON_RATE_INSUFFICIENT)
    message = f"Beacon verification rate meets the minimum: {rate} >= {minimum} ({counts})"
    return _pass(message, ReasonCode.BEACON_RATE_SUFFICIENT)


def _decimal(scaled: int, decimals: int) -> str:
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole}.{part:0{decimals}}"


def _pass(message: str, reason: ReasonCode) -> GateResult:
    return GateResult(GATE_ID, Verdict.PASS, message, reason)
