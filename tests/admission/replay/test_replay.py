"""Whatever the decider decides, its record leads to the same bytes: from envelopes, and from recorded answers."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.admission.replay.scenes import ENVELOPES, SCENES, Scene
from webhook.admission.record import DecisionRecord
from webhook.admission.replay.again import Replayer
from webhook.admission.replay.compare import Outcome, compare
from webhook.admission.replay.recorded import Recorded, read_record
from webhook.model.strict_json import parse_json
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings


def read(record: DecisionRecord) -> Recorded:
    return read_record(parse_json(record.content, "record"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay")


async def replayed(record: DecisionRecord, rules: Settings | None, *, judged: bool = False) -> Outcome:
    replayer = Replayer(rules, ENVELOPES if judged else None, build_providers)
    return await compare(read(record), replayer, record.digest)


@given(scene=SCENES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_every_decision_is_made_again_from_the_envelopes(folder: Path, scene: Scene) -> None:
    rules = scene.settings(folder)
    record = await scene.record(rules)
    outcome = await replayed(record, rules, judged=True)
    assert (outcome.missing, outcome.difference) == ((), None)
    assert outcome.recomputed == record.digest


@given(scene=SCENES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_every_decision_is_made_again_from_the_record_alone_where_it_shows_all(
    folder: Path, scene: Scene
) -> None:
    scene.disclosure = {"allowRawValues": True, "requireProviderOptIn": False}
    rules = scene.settings(folder)
    record = await scene.record(rules)
    for given_rules in (None, rules):
        outcome = await replayed(record, given_rules)
        assert (outcome.missing, outcome.difference) == ((), None)
        assert outcome.recomputed == record.digest


@given(scene=SCENES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_a_record_that_hides_values_is_never_said_to_be_different(folder: Path, scene: Scene) -> None:
    rules = scene.settings(folder)
    record = await scene.record(rules)
    for given_rules in (None, rules):
        outcome = await replayed(record, given_rules)
        assert outcome.difference is None
        assert outcome.identical is not bool(outcome.missing)
        hidden = b'"value":null}' in record.content
        assert hidden or outcome.identical or not json.loads(record.content)["images"]
