"""What other rules would decide: never guessed, and told wherever it follows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.admission.replay.scenes import (
    BEACONS,
    BIND,
    CONDITIONS,
    ENVELOPES,
    POLICIES,
    POOL,
    RICH,
    SCENES,
    Scene,
    candidate,
)
from tests.admission.requests import ALSO_SEEN, SEEN, TAGGED, UNSEEN, deployment, review
from tests.harness.evidence import digest_of
from webhook.admission.replay.recorded import read_record
from webhook.admission.replay.what_if import Forecast, Forecaster
from webhook.errors import UnavailableError
from webhook.model.gate import Verdict
from webhook.model.strict_json import parse_json
from webhook.server.providers import build_providers
from webhook.stores.protocol import Found

OPEN = {"allowRawValues": True, "requireProviderOptIn": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("what-if")


async def forecast(folder: Path, scene: Scene, other: Scene, *, judged: bool) -> Forecast:
    record = await scene.record(scene.settings(folder))
    recorded = read_record(parse_json(record.content, "record"))
    forecaster = Forecaster(other.settings(folder), ENVELOPES if judged else None, build_providers)
    return await forecaster.forecast(recorded)


OTHER_RULES = st.fixed_dictionaries(
    {},
    optional={
        "policy": POLICIES,
        "beacon": BEACONS,
        "conditions": CONDITIONS,
        "exempt": st.sampled_from([[], ["ghcr.io/vendor/*"], ["registry.example.com/*"]]),
    },
)


@given(scene=SCENES, changes=OTHER_RULES, judged=st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_what_is_told_is_what_the_other_rules_decide(
    folder: Path, scene: Scene, changes: dict[str, Any], *, judged: bool
) -> None:
    other = replace(scene, **changes)
    told = await forecast(folder, scene, other, judged=judged)
    decided = json.loads((await other.record(other.settings(folder))).content)["decision"]
    if told.verdict is None:
        assert told.unknown
        return
    assert told.verdict.value == decided["verdict"]
    # Where a store had failed unseen, the verdict is the same, but for that reason.
    assert set(told.reasons) <= set(decided["reasons"]) or "EvidenceUnavailable" in decided["reasons"]


@given(scene=SCENES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_the_same_rules_change_nothing(folder: Path, scene: Scene) -> None:
    for judged in (False, True):
        told = await forecast(folder, scene, scene, judged=judged)
        record = json.loads((await scene.record(scene.settings(folder))).content)
        assert told.verdict is not None, told.unknown
        assert (told.verdict.value, list(told.reasons)) == (
            record["decision"]["verdict"],
            record["decision"]["reasons"],
        )


BASE = replace(RICH, conditions=[], beacon={}, policy={"MissingEvidenceAction": "Block"}, exempt=[])
FEW = {digest_of("also seen"): RICH.found[digest_of("seen")]._replace(platforms=())}
PLAIN = replace(BASE, body=review(deployment(ALSO_SEEN)), found=FEW)
"""One image with one statement: 42 hot symbols, 17 call paths; and one about beacons."""
EXEMPT = ["registry.example.com/*"]


def of_several(*indices: int) -> Scene:
    """One image with several statements of the pool: 0 has 42 and 17, 1 has 1 and 9, 2 has 60 and 0."""
    candidates = tuple([candidate(POOL[index], f"shelf:{index}") for index in indices])
    return replace(PLAIN, found={digest_of("also seen"): Found(candidates)})


def least(hot_symbols: int, call_paths: int) -> dict[str, Any]:
    """Thresholds."""
    return {"policy": BASE.policy | {"MinHotSymbolCount": hot_symbols, "MinUniqueCallPaths": call_paths}}


async def test_hidden_answers_of_conditions_that_asked_the_same_are_told_apart(folder: Path) -> None:
    asking = {"query": {"provider": "execution-evidence", "check": "hot_symbol_count"}, "bind": BIND}
    conditions = [
        asking | {"name": "many", "environments": ["production"], "comparator": "greater_than", "expected": 50},
        asking | {"name": "some", "environments": ["production"], "comparator": "greater_than", "expected": 5},
    ]
    scene = replace(PLAIN, disclosure={}, conditions=conditions)
    only = replace(scene, conditions=[conditions[1] | {"name": "called-otherwise"}])
    told = await forecast(folder, scene, only, judged=False)
    assert told.verdict is Verdict.PASS
    another = replace(scene, conditions=[conditions[1] | {"expected": 6}])
    assert (await forecast(folder, scene, another, judged=False)).verdict is None
    assert (await forecast(folder, scene, another, judged=True)).verdict is Verdict.PASS


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize(("action", "expected"), [("Block", "Fail"), ("Warn", None)])
async def test_what_a_store_may_have_missed_beside_evidence_that_sufficed_is_not_taken_for_absence(
    folder: Path, *, judged: bool, action: str, expected: str | None
) -> None:
    (found,) = FEW.values()
    gap = {digest_of("also seen"): found._replace(gap=UnavailableError("store shelf: it answers 429"))}
    scene = replace(PLAIN, found=gap, policy={"MissingEvidenceAction": action})
    told = await forecast(
        folder, scene, replace(scene, policy=scene.policy | {"MinHotSymbolCount": 43}), judged=judged
    )
    assert told.verdict == expected
    assert expected or "if a store could not be read then" in str(told.unknown)


READY = {"name": "ready", "environments": ["production"], "query": {"provider": "env", "check": "get"}} | {
    "comparator": "equals",
    "expected": "yes",
    "bind": {"ns": "namespace"},
}
"""A condition that binds no digest, so that it is asked about tags, too."""
BUSY = (
    READY
    | {"name": "busy", "query": {"provider": "execution-evidence", "check": "hot_symbol_count"}}
    | {
        "bind": BIND,
        "comparator": "greater_than",
        "expected": 50,
    }
)

CASES: dict[str, tuple[Scene, dict[str, Any], str]] = {
    "lower thresholds": (PLAIN, {"policy": BASE.policy | {"MinHotSymbolCount": 1}}, "Pass"),
    "still reached": (PLAIN, {"policy": BASE.policy | {"MinHotSymbolCount": 42}}, "Pass"),
    "reached no more": (PLAIN, {"policy": BASE.policy | {"MinHotSymbolCount": 43}}, "Fail"),
    "paths reached no more, by another perhaps": (PLAIN, {"policy": BASE.policy | {"MinUniqueCallPaths": 18}}, "?"),
    "other environments": (PLAIN, {"policy": BASE.policy | {"EvidenceEnvironments": ["qa"]}}, "?"),
    "an age": (PLAIN, {"policy": BASE.policy | {"MaxEvidenceAge": "1h"}}, "?"),
    "another lane": (PLAIN, {"policy": BASE.policy | {"MinLane": "Asserted"}}, "?"),
    "only warn": (
        replace(BASE, body=review(deployment(UNSEEN))),
        {"policy": {"MissingEvidenceAction": "Warn"}},
        "Warn",
    ),
    "other environments without any evidence": (
        replace(BASE, body=review(deployment(UNSEEN))),
        {"policy": BASE.policy | {"EvidenceEnvironments": ["qa"]}},
        "Fail",
    ),
    "the other one may suffice": (of_several(1, 2), least(1, 1), "?"),
    "what failed both fails more": (of_several(1, 2), least(4, 1), "Fail"),
    "nobody has so many": (of_several(1, 2), least(61, 0), "Fail"),
    "one that did not suffice may": (of_several(0, 2), least(50, 0), "?"),
    "one that did not suffice cannot": (of_several(0, 2), least(50, 1), "Fail"),
    "one suffices whatever the other does": (of_several(0, 2), least(42, 17), "Pass"),
    "exempt now": (PLAIN, {"exempt": EXEMPT}, "Pass"),
    "exempt no more": (replace(PLAIN, exempt=EXEMPT), {"exempt": []}, "?"),
    "required nowhere now": (PLAIN, {"policy": BASE.policy | {"RequiredEnvironments": ["qa"]}}, "Pass"),
    "required now": (
        replace(PLAIN, environment="canary"),
        {"policy": BASE.policy | {"RequiredEnvironments": ["canary"]}},
        "?",
    ),
    "a gate more": (PLAIN, {"beacon": {"Enabled": True}}, "?"),
    "a gate more, of no weight": (
        replace(BASE, body=review(deployment(UNSEEN, SEEN))),
        {"beacon": {"Enabled": True}},
        "Fail",
    ),
    "a tag is resolved now": (
        replace(BASE, body=review(deployment(TAGGED))),
        {"policy": BASE.policy | {"TagPolicy": "Resolve"}},
        "?",
    ),
    "a tag is resolved no more": (
        replace(BASE, body=review(deployment(TAGGED)), policy=BASE.policy | {"TagPolicy": "Resolve"}),
        {"policy": BASE.policy},
        "Fail",
    ),
    "exempt now, beside a condition that was not met": (
        replace(PLAIN, conditions=[BUSY]),
        {"exempt": EXEMPT},
        "Pass",
    ),
    "a tag that nobody could resolve, beside a condition that needs no digest": (
        replace(
            BASE,
            body=review(deployment(TAGGED)),
            policy={"MissingEvidenceAction": "Warn", "TagPolicy": "Resolve"},
            conditions=[READY],
            tag=UnavailableError("registry.example.com answers 429"),
        ),
        {"policy": {"MissingEvidenceAction": "Warn"}},
        "?",
    ),
    "time was up, and the same are asked": (
        replace(PLAIN, hangs=digest_of("also seen")),
        {"policy": BASE.policy | {"MinHotSymbolCount": 1}},
        "Fail",
    ),
    "time was up, and others are asked": (
        replace(PLAIN, hangs=digest_of("also seen")),
        {"policy": {"Enabled": False}, "conditions": [READY]},
        "?",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shown", [True, False])
async def test_without_envelopes_only_what_follows_is_told(folder: Path, case: str, *, shown: bool) -> None:
    scene, changes, expected = CASES[case]
    scene = replace(scene, disclosure=OPEN if shown else {})
    told = await forecast(folder, scene, replace(scene, **changes), judged=False)
    needs_counts = {"still reached", "reached no more", "nobody has so many", "one that did not suffice cannot"}
    hidden = set() if shown else needs_counts | {"one suffices whatever the other does"}
    assert (told.verdict.value if told.verdict else "?") == ("?" if case in hidden else expected)
    assert (told.unknown is None) is (told.verdict is not None)
