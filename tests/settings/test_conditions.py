import json
from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, written
from webhook.gates.comparators import Comparator
from webhook.gates.conditions import Condition, Fact
from webhook.gates.policy import Action, MinLane
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceQuery
from webhook.settings.conditions import ConditionSettings
from webhook.settings.loading import Settings, load_settings

QUERY = {"provider": "execution-evidence", "check": "has_evidence"}
CONDITION: dict[str, Any] = {
    "name": "seen",
    "environments": ["production"],
    "query": QUERY,
    "comparator": "equals",
    "expected": True,
}
PLACE = "gates.conditions[0]"
FACTS = "'imageDigest', 'repository', 'environment', 'namespace', 'kind' or 'name'"
BOUND = {"query": QUERY | {"params": {"a": 1}}, "bind": {"a": "name"}}


def document(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"gates": {"conditions": list(conditions)}}


def changed(**changes: Any) -> dict[str, Any]:
    """The condition with some members changed; those that are `...` left out."""
    return {name: value for name, value in (CONDITION | changes).items() if value is not ...}


def load(folder: Path, *conditions: dict[str, Any]) -> Settings:
    return load_settings(written(folder, document(*conditions)))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


NOTHING_TO_CONTAIN: list[Any] = ["", [], 1, True, None, {"a": 1}]
NO_SETS: list[Any] = [[], "a", 1, None, {"a": 1}]

# Changes to the condition, the place that is named, a part of what is said about it.
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    *(({"name": name}, f"{PLACE}.name", "pattern") for name in ("", "a b", "a\n", "x" * 64, "a/b", "\x1b[31m")),
    ({"name": ...}, f"{PLACE}.name", "required"),
    ({"environments": []}, f"{PLACE}.environments", "name at least one"),
    ({"environments": ["a b"]}, f"{PLACE}.environments[0]", "1 to 63 of the characters"),
    ({"environments": ...}, f"{PLACE}.environments", "required"),
    ({"query": ...}, f"{PLACE}.query", "required"),
    ({"query": {"check": "x"}}, f"{PLACE}.query.provider", "required"),
    ({"query": {"provider": "x"}}, f"{PLACE}.query.check", "required"),
    *(
        ({"query": QUERY | {"check": text}}, f"{PLACE}.query.check", "pattern")
        for text in ("", "a b", "\x1b", "\u00e9")
    ),
    ({"query": QUERY | {"check": "x" * 129}}, f"{PLACE}.query.check", "pattern"),
    ({"query": QUERY | {"param": {}}}, f"{PLACE}.query.param", "did you mean 'params'?"),
    ({"comparator": "equal"}, f"{PLACE}.comparator", "'equals', 'not_equals'"),
    ({"comparator": "Equals"}, f"{PLACE}.comparator", "'equals', 'not_equals'"),
    ({"comparator": ...}, f"{PLACE}.comparator", "required"),
    ({"minLane": "verified"}, f"{PLACE}.minLane", "'Verified' or 'Asserted'"),
    ({"action": "Deny"}, f"{PLACE}.action", "'Warn' or 'Block'"),
    ({"expect": 1}, f"{PLACE}.expect", "did you mean 'expected'?"),
    *(
        ({"comparator": comparator.value, "expected": ...}, PLACE, f"`{comparator.value}` needs `expected`")
        for comparator in Comparator
        if comparator not in {Comparator.EXISTS, Comparator.NOT_EXISTS}
    ),
    *(
        ({"comparator": name, "expected": value}, PLACE, f"`{name}` compares nothing; leave `expected` out")
        for name in ("exists", "not_exists")
        for value in (True, None)
    ),
    *(
        ({"comparator": name, "expected": value}, PLACE, "write a number as `expected`, without quotes")
        for name in ("greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal")
        for value in ("3", True, None, [3])
    ),
    *(
        (
            {"comparator": "contains", "expected": value},
            PLACE,
            "needs a text, or a list of elements, that is not empty",
        )
        for value in NOTHING_TO_CONTAIN
    ),
    *(({"comparator": "in_set", "expected": value}, PLACE, "needs a list that is not empty") for value in NO_SETS),
    ({"expected": 2**64}, f"{PLACE}.expected", "integers lie in -2^63 … 2^64-1"),
    ({"expected": [-(2**63) - 1]}, f"{PLACE}.expected", "integers lie in -2^63 … 2^64-1"),
    ({"expected": nested(LIMITS.condition_depth + 1)}, f"{PLACE}.expected", "nested 16 levels deep"),
    ({"expected": [1] * LIMITS.condition_values}, f"{PLACE}.expected", "may hold 256 values"),
    ({"query": QUERY | {"params": [1] * LIMITS.condition_values}}, f"{PLACE}.query.params", "may hold 256 values"),
    ({"bind": {"a": "image"}}, f"{PLACE}.bind.a", FACTS),
    ({"bind": {"a": "{namespace}"}}, f"{PLACE}.bind.a", FACTS),
    ({"bind": {"": "name"}}, f"{PLACE}.bind.", "at least 1 character"),
    ({"bind": {str(n): "name" for n in range(257)}}, f"{PLACE}.bind", "at most 256"),
    *(
        ({"query": QUERY | {"params": params}, "bind": {"a": "name"}}, PLACE, "make that an object, or leave it out")
        for params in ("a", 1, [1], True)
    ),
    (BOUND, PLACE, "'a' stands in `bind` and in `query.params`; take it out of one"),
]


@pytest.mark.parametrize(("changes", "place", "problem"), MISTAKES, ids=lambda value: str(value)[:70])
def test_a_mistake_is_refused_at_its_place_with_what_to_change(
    changes: dict[str, Any], place: str, problem: str, tmp_path: Path
) -> None:
    # YAML, since JSON's reader has bounds of its own.
    lines = refusal(written(tmp_path, "# YAML\n" + json.dumps(document(changed(**changes)))))
    assert len(lines) == 1
    assert lines[0].startswith(f"{place}: ")
    assert problem in lines[0]
    assert "Value error" not in lines[0]


def test_a_provider_that_is_not_there_is_refused(tmp_path: Path) -> None:
    asked = [changed(name=name, query={"provider": name, "check": "get"}) for name in ("env", "elsewhere")]
    there = "name one of beacon-rate, execution-evidence, or configure it under `providers`"
    assert refusal(written(tmp_path, document(CONDITION, *asked))) == [
        f"gates.conditions[1].query.provider: there is no provider 'env'; {there}",
        f"gates.conditions[2].query.provider: there is no provider 'elsewhere'; {there}",
    ]
    configured = {"providers": {"env": {"allowlist": ["DEPLOY_ENV"]}}}
    settings = load_settings(written(tmp_path, document(CONDITION, asked[0]) | configured))
    assert [condition.query.provider_id for condition in settings.conditions] == ["execution-evidence", "env"]


def test_a_name_stands_once(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, document(CONDITION, changed(name="other"), CONDITION)))
    assert lines == ["gates.conditions: the name 'seen' stands twice; give each condition its own"]


def test_there_are_at_most_64_conditions(tmp_path: Path) -> None:
    conditions = [changed(name=str(number)) for number in range(LIMITS.conditions + 1)]
    assert len(load(tmp_path, *conditions[1:]).conditions) == 64
    (line,) = refusal(written(tmp_path, document(*conditions)))
    assert line.startswith("gates.conditions: ")
    assert "at most 64" in line


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    assert load(tmp_path, CONDITION).conditions == (
        Condition(
            name="seen",
            environments=("production",),
            query=EvidenceQuery("execution-evidence", "has_evidence", None),
            comparator=Comparator.EQUALS,
            expected=True,
            bind={},
            min_lane=MinLane.VERIFIED,
            action=Action.BLOCK,
        ),
    )


def test_everything_that_is_written_arrives(tmp_path: Path) -> None:
    text = """
gates:
  conditions:
    - name: hot.enough_1
      environments: [Production, canary]
      query: {provider: execution-evidence, check: hot_symbol_count, params: {scope: [1.5, null, "ü"]}}
      bind: {image_digest: imageDigest, where: namespace}
      comparator: in_set
      expected: [1, two, {three: 3.5}]
      minLane: Asserted
      action: Warn
"""
    assert load_settings(written(tmp_path, text)).conditions == (
        Condition(
            name="hot.enough_1",
            environments=("Production", "canary"),
            query=EvidenceQuery("execution-evidence", "hot_symbol_count", {"scope": [1.5, None, "ü"]}),
            comparator=Comparator.IN_SET,
            expected=[1, "two", {"three": 3.5}],
            bind={"image_digest": Fact.IMAGE_DIGEST, "where": Fact.NAMESPACE},
            min_lane=MinLane.ASSERTED,
            action=Action.WARN,
        ),
    )


def test_null_can_be_expected(tmp_path: Path) -> None:
    assert load(tmp_path, changed(expected=None)).conditions[0].expected is None


def test_without_the_section_there_are_no_conditions(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, {})).conditions == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"comparator": "exists", "expected": ...},
        {"expected": None},
        {"expected": {"a": [1, 2.5, "x"]}},
        {"query": QUERY | {"params": {"x": None}}, "bind": {"a": "kind"}, "minLane": "Asserted", "action": "Warn"},
    ],
)
def test_the_content_is_a_condition_that_reads_back(changes: dict[str, Any]) -> None:
    section = ConditionSettings.model_validate(changed(**changes))
    assert ConditionSettings.model_validate(section.content).condition == section.condition


WHAT_DECIDES: list[dict[str, Any]] = [
    {"name": "other"},
    {"environments": ["canary"]},
    {"query": QUERY | {"provider": "beacon-rate"}},
    {"query": QUERY | {"check": "metadata"}},
    {"query": QUERY | {"params": {"a": 1}}},
    {"query": QUERY | {"params": {"a": 1.5}}},
    {"bind": {"a": "name"}},
    {"bind": {"a": "kind"}},
    {"comparator": "not_equals"},
    {"comparator": "exists", "expected": ...},
    {"expected": False},
    {"expected": None},
    {"minLane": "Asserted"},
    {"action": "Warn"},
]


def test_whatever_decides_changes_the_digest(tmp_path: Path) -> None:
    digests = [load(tmp_path).digest, load(tmp_path, CONDITION).digest]
    digests += [load(tmp_path, changed(**changes)).digest for changes in WHAT_DECIDES]
    digests.append(load(tmp_path, CONDITION, changed(name="other")).digest)
    assert len(set(digests)) == len(digests)


def test_writing_a_default_out_leaves_the_digest(tmp_path: Path) -> None:
    written_out = changed(minLane="Verified", action="Block", bind={}, query=QUERY | {"params": None})
    assert load(tmp_path, written_out).digest == load(tmp_path, CONDITION).digest


def test_with_conditions_a_gate_that_is_off_does_not_admit_every_image(tmp_path: Path) -> None:
    admitting = [
        "PolicyGates.ExecutionEvidence.Enabled is false: every image is admitted.",
        "RequiredEnvironments is empty: every image is admitted.",
    ]
    nobody: dict[str, Any] = {"PolicyGates": {"ExecutionEvidence": {"RequiredEnvironments": []}}}
    assert set(admitting) <= set(load_settings(written(tmp_path, nobody)).remarks())
    assert not set(admitting) & set(load_settings(written(tmp_path, nobody | document(CONDITION))).remarks())
