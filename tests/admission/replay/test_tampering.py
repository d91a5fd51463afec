"""A record in which anything was changed does not replay, but for what the request, the clock and the stores said."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.admission.replay.scenes import ENVELOPES, RICH
from webhook.admission.replay.again import Replayer
from webhook.admission.replay.compare import compare
from webhook.admission.replay.recorded import RecordError, read_record
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


# What a replay takes as it is, since nothing else in the record says it again.
INPUTS = {
    "$.request.dryRun",
    "$.request.group",
    "$.request.kind",
    "$.request.name",
    "$.request.namespace",
    "$.request.operation",
    "$.request.subResource",
    "$.request.uid",
    "$.request.user",
    "$.request.version",
    "$.decision.triggerTime.value",
    "$.images[].place.fields[]",
    "$.images[].place.image",
    "$.images[].rulings[].evidence.content_type",
    "$.images[].rulings[].basis.candidates[].uri",
    "$.images[].rulings[].basis.platforms[].digest",
    "$.images[].rulings[].basis.platforms[].name",
    "$.images[].rulings[].basis.remark",
}
# And where the rules are taken from the record, and the envelopes are not at hand.
RULES = {"$.decision.settings", "$.decision.trust", "$.images[].rulings[].basis.candidates[].digest"}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from leaves(member, (*path, index))
    else:
        yield path


def other(value: Any) -> Any:
    """Another value of the same kind, where there is one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value is None:
        return "x"
    if DIGEST.fullmatch(value):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    words = {"Pass": "Warn", "Warn": "Fail", "Fail": "Pass", "CREATE": "UPDATE"}
    return words.get(value, value + "x")


def named(path: tuple[str | int, ...]) -> str:
    return "$" + "".join("[]" if isinstance(part, int) else f".{part}" for part in path)


def changed(document: Any, path: tuple[str | int, ...]) -> Any:
    copy = deepcopy(document)
    holder = copy
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = other(holder[path[-1]])
    return copy


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return RICH.settings(tmp_path_factory.mktemp("tampering"))


async def survivors(document: Any, replayer: Replayer) -> set[str]:
    """Names the leaves that can be changed without a word."""
    found = set()
    for path in leaves(document):
        try:
            recorded = read_record(changed(document, path))
        except RecordError:
            continue
        if (await compare(recorded, replayer)).identical:
            found.add(named(path))
    return found


async def test_a_record_with_another_leaf_does_not_replay_from_its_envelopes(rules: Settings) -> None:
    document = json.loads((await RICH.record(rules)).content)
    replayer = Replayer(rules, ENVELOPES, build_providers)
    assert (await compare(read_record(document), replayer)).identical
    assert await survivors(document, replayer) <= INPUTS


async def test_from_recorded_answers_no_leaf_of_an_answer_a_ruling_or_the_verdict_can_be_changed(
    rules: Settings,
) -> None:
    document = json.loads((await RICH.record(rules)).content)
    replayer = Replayer(None, None, build_providers)
    assert (await compare(read_record(document), replayer)).identical
    unnoticed = await survivors(document, replayer) - INPUTS - RULES
    assert {path for path in unnoticed if not path.startswith(("$.policy.", "$.conditions["))} == set()
