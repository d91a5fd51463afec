"""Decisions that a workload's history or an emergency has changed replay like any other."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.admission.glass import ACCESS, Glass, annotated, emergency
from tests.admission.history import BACK, FRESH, OBSERVED, Shop, replica_set, rolled_back
from tests.admission.requests import OLD, SEEN, THIN, UNSEEN, review
from tests.admission.world import NOW
from tests.simulators.caller_reviews import answers, hangs
from webhook.admission.decision import Decision
from webhook.admission.record import record_decision
from webhook.admission.replay.again import Replayer
from webhook.admission.replay.compare import Outcome, compare
from webhook.admission.replay.recorded import read_record
from webhook.admission.replay.what_if import Forecast, Forecaster
from webhook.admission.review import decode_review
from webhook.model.canonical import sha256_digest
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings


def envelopes(folder: Path) -> dict[str, bytes]:
    contents = [path.read_bytes() for path in (folder / "evidence").iterdir()]
    return {sha256_digest(raw): raw for raw in contents}


async def outcomes(decision: Decision, body: bytes, settings: Settings) -> list[Outcome]:
    """Replays from the record alone, and from envelopes."""
    record = record_decision(decision, decode_review(body), settings, NOW)
    recorded = read_record(json.loads(record.content))
    replayers = [
        Replayer(None, None, build_providers),
        Replayer(settings, envelopes(settings.path.parent), build_providers),
    ]
    return [await compare(recorded, replayer, record.digest) for replayer in replayers]


HISTORIES: dict[str, tuple[bytes, list[Any]]] = {
    "it ran while its evidence was fresh": (BACK, [replica_set(OLD)]),
    "a newer one was too late": (BACK, [replica_set(OLD), replica_set(OLD, created="2026-06-01T00:00:00Z")]),
    "never while it was fresh": (BACK, [replica_set(OLD, created="2026-06-01T00:00:00Z")]),
    "never": (BACK, []),
    "beside one that passes": (rolled_back(OLD, SEEN), [replica_set(OLD)]),
}


@pytest.mark.parametrize("case", HISTORIES)
async def test_a_return_by_history_replays(shop: Shop, case: str) -> None:
    body, shop.api.items = HISTORIES[case]
    decision = await shop.decide(body)
    assert decision.images[0].rollback is not None
    for outcome in await outcomes(decision, body, shop.world.settings(shop.policy)):
        assert (outcome.missing, outcome.difference) == ((), None)
        assert outcome.identical


async def test_a_history_is_not_believed_where_the_policy_asks_for_none(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD, created=FRESH)]
    decision = await shop.decide(BACK)
    settings = shop.world.settings({**shop.policy, "Rollback": "Gate"})
    for outcome in await outcomes(decision, BACK, settings):
        assert outcome.difference is not None
        assert outcome.difference.cause == "a workload's history was asked where it had nothing to say"


async def test_a_history_at_another_time_is_judged_by_that_time(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD, created=OBSERVED)]
    settings = shop.world.settings(shop.policy)
    record = record_decision(await shop.decide(BACK), decode_review(BACK), settings, NOW)
    document = json.loads(record.content)
    document["images"][0]["rollback"]["revision"]["created"] = NOW.value
    replayer = Replayer(settings, envelopes(settings.path.parent), build_providers)
    outcome = await compare(read_record(document), replayer)
    assert outcome.difference is not None


CLAIMS: dict[str, Any] = {
    "allowed": {"allowed": True},
    "denied": {"allowed": False},
    "broken": answers(500),
    "late": hangs,
}


@pytest.mark.parametrize("case", CLAIMS)
async def test_a_claim_in_an_emergency_replays(glass: Glass, case: str) -> None:
    glass.api.faults[ACCESS] = CLAIMS[case]
    body = emergency(UNSEEN, THIN)
    decision = await glass.decide(body, seconds=0.3 if case == "late" else 10.0)
    assert decision.break_glass is not None
    await assert_replays(glass, decision, body)


@pytest.mark.parametrize("case", ["off", "nobody to ask", "no reason", "expired", "not needed"])
async def test_a_claim_that_cannot_count_replays(glass: Glass, case: str) -> None:
    notes = {"stella.ops/break-glass": ""} if case == "no reason" else {}
    notes |= {"stella.ops/break-glass-expires": "2020-01-01T00:00:00Z"} if case == "expired" else {}
    body = review(annotated(SEEN if case == "not needed" else UNSEEN, notes=notes))
    glass.section = {"enabled": case != "off"}
    if case == "nobody to ask":
        glass.objects = None
    decision = await glass.decide(body)
    assert (decision.break_glass is None) is (case == "not needed")
    await assert_replays(glass, decision, body)


async def assert_replays(glass: Glass, decision: Decision, body: bytes) -> None:
    settings = glass.world.settings(breakGlass=glass.section, workloads=["Deployment", "Pod", "Rollout"])
    for outcome in await outcomes(decision, body, settings):
        assert (outcome.missing, outcome.difference) == ((), None)
        assert outcome.identical


async def forecast(decision: Decision, body: bytes, then: Settings, now: Settings) -> Forecast:
    record = record_decision(decision, decode_review(body), then, NOW)
    forecaster = Forecaster(now, envelopes(now.path.parent), build_providers)
    return await forecaster.forecast(read_record(json.loads(record.content)))


async def test_what_if_knows_of_a_claim_that_was_asked_about(glass: Glass) -> None:
    glass.api.faults[ACCESS] = {"allowed": True}
    body = emergency(UNSEEN)
    decision = await glass.decide(body)
    assert decision.verdict.value == "Warn"
    then = glass.world.settings(breakGlass={"enabled": True})
    told = await forecast(decision, body, then, glass.world.settings({"MissingEvidenceAction": "Warn"}))
    assert [str(told.verdict), *told.reasons] == ["Warn", "EvidenceMissing"]
    told = await forecast(decision, body, then, glass.world.settings(breakGlass={"enabled": False}))
    assert [str(told.verdict), *told.reasons] == ["Fail", "EvidenceMissing"]
    told = await forecast(
        decision, body, then, glass.world.settings({"MinHotSymbolCount": 9}, breakGlass=glass.section)
    )
    assert [str(told.verdict), *told.reasons] == ["Warn", "BreakGlass"]


async def test_what_if_does_not_guess_what_nobody_asked(glass: Glass, shop: Shop) -> None:
    glass.section = {"enabled": False}
    body = emergency(UNSEEN)
    decision = await glass.decide(body)
    then = glass.world.settings(breakGlass=glass.section)
    told = await forecast(decision, body, then, glass.world.settings(breakGlass={"enabled": True}))
    assert (told.verdict, told.unknown) == (None, "whether the user may bypass the gate, which nobody asked then")
    shop.policy = {"MaxEvidenceAge": "720h"}
    decision = await shop.decide(BACK)
    then = shop.world.settings(shop.policy)
    now = shop.world.settings({**shop.policy, "Rollback": "AllowPreviouslyAdmitted"})
    told = await forecast(decision, BACK, then, now)
    assert (told.verdict, told.unknown) == (None, "the workload's history would be asked, and is not recorded")
