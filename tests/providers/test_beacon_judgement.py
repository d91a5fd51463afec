"""Which beacon attestation speaks for an image, and that provider and gate agree about it."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.providers.test_judgement import NOW, policy
from tests.providers.test_judgement import finding as seen_running
from tests.support.statements import OTHER_IMAGE, beacons
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.registry import BEACON_RATE
from webhook.model.basis import Platform
from webhook.model.beacon import BeaconAttestation
from webhook.model.evidence import Lane
from webhook.model.gate import GateContext, Verdict
from webhook.providers.judgement import Finding, Judgement, judge
from webhook.providers.kinds import beacon_attestation
from webhook.reasons import ReasonCode
from webhook.trust.verify import VerifiedStatement

RULES = BeaconRatePolicy.model_validate({"Enabled": True, "MissingBeaconAction": "Block"})
KIND = beacon_attestation(RULES)


def observed(number: int, verified: int, expected: int) -> Finding:
    members = beacons(beaconsExpected=expected, beaconsVerified=verified)
    evidence = BeaconAttestation.model_validate(members)
    digest = f"sha256:{number:064x}"
    return Finding(f"shelf:{number}", VerifiedStatement(evidence, ("staging",), digest, Lane.VERIFIED))


def weigh(findings: list[Finding], *platforms: Platform) -> Judgement:
    return judge(findings, policy(), NOW, platforms, KIND)


PAIRS = st.lists(
    st.one_of(st.integers(0, 12), st.integers(0, 2**63 - 1)).flatmap(
        lambda expected: st.tuples(st.integers(0, expected), st.just(expected))
    ),
    min_size=1,
    max_size=6,
)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_best_rate_speaks_whatever_the_order(pairs: list[tuple[int, int]], random: Any) -> None:
    """The highest rate; then most beacons; then the envelope's digest. What expects nothing says nothing."""
    findings = [observed(number, *pair) for number, pair in enumerate(pairs)]
    judgement = weigh(random.sample(findings, len(findings)))
    telling = [(Fraction(*pair), pair[0], number) for number, pair in enumerate(pairs) if pair[1]]
    if not telling:
        assert (judgement.statement, judgement.reason) == (None, ReasonCode.EVIDENCE_MISSING)
        return
    rate, _, number = max(telling)
    assert judgement.uri == f"shelf:{number}"
    enough = rate >= Fraction(8, 10)
    assert judgement.reason is (ReasonCode.EVIDENCE_SUFFICIENT if enough else ReasonCode.EVIDENCE_INSUFFICIENT)


@given(PAIRS, PAIRS)
def test_more_data_never_takes_a_pass_away(pairs: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    findings = [observed(number, *pair) for number, pair in enumerate(pairs)]
    others = [observed(100 + number, *pair) for number, pair in enumerate(more)]
    if weigh(findings).reason is ReasonCode.EVIDENCE_SUFFICIENT:
        assert weigh([*findings, *others]).reason is ReasonCode.EVIDENCE_SUFFICIENT


@given(PAIRS)
def test_provider_and_gate_agree(pairs: list[tuple[int, int]]) -> None:
    judgement = weigh([observed(number, *pair) for number, pair in enumerate(pairs)])
    metadata = {"has_beacon_data": "false"}
    if judgement.statement is not None:
        metadata = {"has_beacon_data": "true", **KIND.counts(judgement.statement.evidence)}  # type: ignore[arg-type]  # of its kind
    result = BEACON_RATE.evaluate(RULES, GateContext("production", metadata))
    assert (result.result is Verdict.PASS) is (judgement.reason is ReasonCode.EVIDENCE_SUFFICIENT)
    assert result.reason is KIND.reasons[judgement.reason]


def test_beacons_are_never_added_up() -> None:
    assert weigh([observed(1, 5, 10), observed(2, 3, 4)]).reason is ReasonCode.EVIDENCE_INSUFFICIENT


def test_the_weakest_platform_speaks_for_all() -> None:
    arm, amd = Platform("linux/arm64", OTHER_IMAGE), Platform("linux/amd64", "sha256:" + "1" * 64)
    findings = [
        Finding("shelf:a", observed(1, 9, 10).outcome, arm),
        Finding("shelf:b", observed(2, 5, 10).outcome, amd),
    ]
    judgement = weigh(findings, arm, amd)
    assert (judgement.uri, judgement.reason) == ("shelf:b", ReasonCode.EVIDENCE_INSUFFICIENT)
    own = Finding("shelf:own", observed(3, 10, 10).outcome)
    assert weigh([*findings, own], arm, amd).uri == "shelf:own"


def test_the_first_kind_is_judged_as_before_if_none_is_named() -> None:
    assert judge([seen_running(1)], policy(), NOW).reason is ReasonCode.EVIDENCE_SUFFICIENT
