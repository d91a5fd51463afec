from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.statements import predicate
from webhook.errors import EvidenceError
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.limits import LIMITS
from webhook.model.evidence import Lane
from webhook.model.statement import ExecutionEvidence
from webhook.providers.judgement import Finding, holds_until, judge
from webhook.reasons import ReasonCode
from webhook.trust.verify import VerifiedStatement

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
SKEW = timedelta(seconds=LIMITS.clock_skew)
FOREVER = datetime.max.replace(tzinfo=UTC)
STALE, OTHER = ReasonCode.EVIDENCE_STALE, ReasonCode.EVIDENCE_FROM_OTHER_ENVIRONMENT
UNTRUSTED, MALFORMED = ReasonCode.EVIDENCE_UNTRUSTED, ReasonCode.EVIDENCE_MALFORMED
MISSING, SUFFICIENT = ReasonCode.EVIDENCE_MISSING, ReasonCode.EVIDENCE_SUFFICIENT
INSUFFICIENT = ReasonCode.EVIDENCE_INSUFFICIENT


def policy(**options: Any) -> ExecutionEvidencePolicy:
    return ExecutionEvidencePolicy.model_validate({"Enabled": True, **options})


def finding(number: int, until: datetime = NOW, **changes: Any) -> Finding:
    """A verified statement; the number makes its digest and place."""
    text = until.isoformat().replace("+00:00", "Z")
    evidence = ExecutionEvidence.model_validate(predicate(observedFrom=None, observedUntil=text, **changes))
    digest = f"sha256:{number:064x}"
    return Finding(f"shelf:{number}", VerifiedStatement(evidence, ("staging",), digest, Lane.VERIFIED))


def refused(number: int, reason: ReasonCode) -> Finding:
    return Finding(f"shelf:{number}", EvidenceError(reason, f"refused {number}"))


def offsets(unit: timedelta, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(-most, most).map(lambda count: count * unit)


REFUSALS = st.builds(refused, st.integers(0, 99), st.sampled_from([UNTRUSTED, MALFORMED, MISSING]))
VERIFIED = st.builds(
    lambda number, offset, environment, symbols, paths: finding(
        number, NOW + offset, environment=environment, hotSymbolCount=symbols, uniqueCallPaths=paths
    ),
    st.integers(100, 999),
    st.one_of(offsets(timedelta(seconds=1), 900), offsets(MOMENT, 900_000)),
    st.sampled_from(["staging", "Staging", "qa"]),
    st.integers(0, 5),
    st.integers(0, 3),
)
FINDINGS = st.lists(st.one_of(REFUSALS, VERIFIED), max_size=6, unique_by=lambda entry: entry.uri)
POLICIES = st.sampled_from([policy(), policy(MaxEvidenceAge="0s"), policy(MaxEvidenceAge="5m")])


@given(FINDINGS, POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_findings_decides_nothing(
    findings: list[Finding], rules: ExecutionEvidencePolicy, random: Any
) -> None:
    shuffled = random.sample(findings, len(findings))
    assert judge(shuffled, rules, NOW) == judge(findings, rules, NOW)
    assert holds_until(shuffled, rules, NOW) == holds_until(findings, rules, NOW)


@pytest.mark.parametrize("changes", [{}, {"hotSymbolCount": 1}])
def test_the_order_of_two_copies_of_one_envelope_decides_nothing(changes: dict[str, Any]) -> None:
    first = finding(1, **changes)
    copies = [first, replace(first, uri="cluster:copy")]
    assert judge(copies, policy(), NOW) == judge(copies[::-1], policy(), NOW)


@settings(max_examples=300)
@given(FINDINGS, POLICIES, offsets(MOMENT, 900_000), st.floats(0, 1))
@example([finding(100, NOW + SKEW)], policy(), timedelta(0), 1.0)
@example([finding(100, NOW + SKEW + MOMENT)], policy(), timedelta(0), 1.0)
@example([finding(100, NOW - timedelta(minutes=5))], policy(MaxEvidenceAge="5m"), timedelta(0), 1.0)
def test_a_judgement_holds_as_long_as_it_says(
    findings: list[Finding], rules: ExecutionEvidencePolicy, offset: timedelta, part: float
) -> None:
    now = NOW + offset
    until = holds_until(findings, rules, now)
    assert until >= now
    last = (min(until, now + timedelta(hours=2)) - now) // MOMENT
    for later in {0, int(last * part), last}:
        assert judge(findings, rules, now + later * MOMENT) == judge(findings, rules, now)


@pytest.mark.parametrize("microseconds", [1, 500, 999])
@pytest.mark.parametrize("before", range(-2, 3))
def test_a_judgement_holds_as_long_as_it_says_for_times_within_a_millisecond(microseconds: int, before: int) -> None:
    # The clock's step is a millisecond, an observation's is not.
    findings = [finding(1, NOW + SKEW + timedelta(microseconds=microseconds))]
    now = NOW - before * MOMENT
    until = min(holds_until(findings, policy(), now), now + timedelta(hours=1))
    last = now + (until - now) // MOMENT * MOMENT
    assert judge(findings, policy(), last) == judge(findings, policy(), now)


def test_a_judgement_holds_until_the_evidence_turns_stale() -> None:
    rules = policy(MaxEvidenceAge="5m")
    findings = [finding(1, NOW), finding(2, NOW - timedelta(minutes=1))]
    assert holds_until(findings, rules, NOW) == NOW + timedelta(minutes=4)
    assert holds_until(findings, rules, NOW + timedelta(minutes=4)) == NOW + timedelta(minutes=4)
    assert holds_until(findings, rules, NOW + timedelta(minutes=4) + MOMENT) == NOW + timedelta(minutes=5)


def test_a_judgement_holds_until_a_future_observation_counts() -> None:
    assert holds_until([finding(1, NOW + timedelta(hours=1))], policy(), NOW) == NOW + timedelta(
        hours=1
    ) - SKEW - timedelta(microseconds=1)


@pytest.mark.parametrize("findings", [[], [refused(1, UNTRUSTED)], [finding(1)]])
def test_a_judgement_that_time_cannot_change_holds_for_ever(findings: list[Finding]) -> None:
    assert holds_until(findings, policy(), NOW) == FOREVER


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_the_last_year_are_no_obstacle(year: int) -> None:
    rules = policy(MaxEvidenceAge="720h")
    edge = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    expected = STALE if year == 1 else MALFORMED
    assert judge([finding(1, edge)], rules, NOW).reason is expected
    assert holds_until([finding(1, edge)], rules, NOW) >= NOW
    assert holds_until([finding(1, edge)], rules, edge) >= edge


COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6)


@given(COUNTS)
def test_the_best_statement_speaks(counts: list[tuple[int, int]]) -> None:
    """Any sufficient one before all others; then most hot symbols, then call paths, then the envelope's digest."""
    rules = policy(MinHotSymbolCount=5, MinUniqueCallPaths=5)
    findings = [
        finding(number, hotSymbolCount=symbols, uniqueCallPaths=paths)
        for number, (symbols, paths) in enumerate(counts)
    ]
    judgement = judge(findings, rules, NOW)
    enough = [pair for pair in counts if min(pair) >= 5]
    assert judgement.reason is (SUFFICIENT if enough else INSUFFICIENT)
    assert judgement.statement is not None
    evidence = judgement.statement.evidence
    assert isinstance(evidence, ExecutionEvidence)
    assert (evidence.hot_symbol_count, evidence.unique_call_paths) == max(enough or counts)
    best = max(number for number, pair in enumerate(counts) if pair == max(enough or counts))
    assert judgement.statement.envelope_digest == f"sha256:{best:064x}"
    assert judgement.uri == f"shelf:{best}"


@given(FINDINGS, VERIFIED, POLICIES)
def test_more_evidence_never_takes_a_pass_away(
    findings: list[Finding], more: Finding, rules: ExecutionEvidencePolicy
) -> None:
    if judge(findings, rules, NOW).reason is SUFFICIENT:
        assert judge([*findings, more], rules, NOW).reason is SUFFICIENT


NEAREST_FIRST = [
    finding(1, NOW - timedelta(hours=2)),  # Stale: it did count once.
    finding(2, environment="qa"),
    refused(3, UNTRUSTED),
    refused(4, MALFORMED),
    refused(5, MISSING),
]
REASONS = [STALE, OTHER, UNTRUSTED, MALFORMED, MISSING]


@pytest.mark.parametrize("first", range(len(REASONS)))
@pytest.mark.parametrize("turn", [1, -1])
def test_of_what_does_not_count_the_nearest_gives_the_reason(first: int, turn: int) -> None:
    judgement = judge(NEAREST_FIRST[first:][::turn], policy(MaxEvidenceAge="1h"), NOW)
    assert judgement.reason is REASONS[first]
    assert judgement.statement is None
    assert judgement.uri == NEAREST_FIRST[first].uri


@pytest.mark.parametrize(
    ("findings", "reason", "parts"),
    [
        ([], MISSING, ["no statement about this digest"]),
        ([refused(1, UNTRUSTED)], UNTRUSTED, ["1 statement", "shelf:1", "refused 1"]),
        ([refused(2, UNTRUSTED), refused(1, UNTRUSTED)], UNTRUSTED, ["2 statements", "shelf:1", "refused 1"]),
    ],
)
def test_the_detail_says_how_much_was_found_and_why_it_does_not_count(
    findings: list[Finding], reason: ReasonCode, parts: list[str]
) -> None:
    judgement = judge(findings, policy(), NOW)
    assert judgement.reason is reason
    for part in parts:
        assert part in judgement.detail


@pytest.mark.parametrize("order", [1, -1], ids=["verified first", "asserted first"])
def test_between_equals_a_trusted_keys_word_speaks(order: int) -> None:
    trusted = finding(1)
    # The higher digest, which would speak if the lane did not count.
    statement = replace(finding(2).outcome, signers=(), lane=Lane.ASSERTED)  # type: ignore[type-var]  # no error here
    spoken = judge([trusted, Finding("shelf:2", statement)][::order], policy(MinLane="Asserted"), NOW).statement
    assert spoken is not None
    assert spoken.lane is Lane.VERIFIED
