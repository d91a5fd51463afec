"""Verification summaries: what SLSA asks for, and nothing that nobody has verified."""

import base64
import json
from typing import Any

import pytest
import rfc8785

from tests.admission.providers import UNAVAILABLE, always
from tests.admission.requests import ALSO_SEEN, SEEN, TAGGED, UNSEEN, deployment, review
from tests.admission.world import NOW, World, question
from tests.harness.evidence import digest_of
from tests.records.making import AT, KEY, PUBLIC, STRANGER, digest, parsed
from tests.records.test_verify import verified
from tests.records.test_writer import Shelf
from tests.support.envelopes import pae
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.records.chain import Chain
from webhook.records.entry import Decided
from webhook.records.summary import SummaryWriter
from webhook.records.writer import RecordWriter
from webhook.settings.loading import Settings

VERIFIER = "https://gate.example.com/cluster-1"
WRITER = SummaryWriter(VERIFIER, KEY)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("world"))


def envelopes(record: DecisionRecord) -> list[dict[str, Any]]:
    decided = Decided(AT, "u", "", "", 0.0, record.digest, record.content)
    entries = list(WRITER.of(decided))
    for entry in entries:
        assert json.loads(b"{" + entry.head + b"}")["summary"] == digest(entry.content)
        assert entry.content == rfc8785.dumps(json.loads(entry.content))
    return [json.loads(entry.content) for entry in entries]


def statements(record: DecisionRecord) -> list[dict[str, Any]]:
    return [json.loads(base64.standard_b64decode(envelope["payload"])) for envelope in envelopes(record)]


async def summed_up(
    world: World, *images: str, settings: Settings | None = None, environment: str = "production"
) -> Any:
    return statements(await world.record(review(deployment(*images)), environment, settings))


async def test_a_summary_has_the_members_that_slsa_requires(world: World) -> None:
    settings = world.settings()
    record = await world.record(review(deployment(SEEN)), "Production", settings)
    [statement] = statements(record)
    hexadecimal = digest_of("seen").removeprefix("sha256:")
    [candidate] = json.loads(record.content)["images"][0]["rulings"][0]["basis"]["candidates"]
    assert statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example.com/shop/cart", "digest": {"sha256": hexadecimal}}],
        "predicateType": "https://slsa.dev/verification_summary/v1",
        "predicate": {
            "verifier": {"id": VERIFIER, "version": {"execution-evidence-gate": "0.1.0"}},
            "timeVerified": "2026-11-24T12:00:00Z",
            "resourceUri": (
                f"pkg:oci/cart@sha256%3A{hexadecimal}"
                "?environment=production&repository_url=registry.example.com/shop/cart"
            ),
            "policy": {
                "uri": f"{VERIFIER}/policies/production",
                "digest": {"sha256": settings.digest.removeprefix("sha256:")},
            },
            "inputAttestations": [
                {"uri": "directory:seen.json", "digest": {"sha256": candidate["digest"].removeprefix("sha256:")}}
            ],
            "verificationResult": "PASSED",
            "verifiedLevels": ["STELLA_OPS_EXECUTION_EVIDENCE"],
            "slsaVersion": "1.1",
        },
    }


async def test_the_envelope_is_signed_as_dsse_says(world: World) -> None:
    [envelope] = envelopes(await world.record(review(deployment(SEEN))))
    [signature] = envelope["signatures"]
    payload = base64.standard_b64decode(envelope["payload"])
    value = base64.standard_b64decode(signature["sig"])
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert signature["keyid"] == ""
    assert PUBLIC.verifies(value, pae("application/vnd.in-toto+json", payload))
    assert not STRANGER.verifies(value, pae("application/vnd.in-toto+json", payload))


def results(found: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(one["predicate"]["verificationResult"], one["predicate"]["verifiedLevels"]) for one in found]


FAILED = ("FAILED", ["FAILED"])
PASSED = ("PASSED", ["STELLA_OPS_EXECUTION_EVIDENCE"])


async def test_each_image_has_its_own_summary(world: World) -> None:
    assert results(await summed_up(world, SEEN, UNSEEN, ALSO_SEEN)) == [PASSED, FAILED, PASSED]


async def test_a_warning_is_no_pass(world: World) -> None:
    settings = world.settings({"MissingEvidenceAction": "Warn"})
    assert results(await summed_up(world, UNSEEN, settings=settings)) == [FAILED]


async def test_what_nobody_knows_is_no_pass(world: World) -> None:
    settings = world.settings({"UnavailableEvidenceAction": "Warn"})
    body = review(deployment(SEEN))
    decision = await world.decider(settings, always(UNAVAILABLE)).decide(question(body))
    record = record_decision(decision, decode_review(body), settings, NOW)
    assert results(statements(record)) == [FAILED]


async def test_an_image_without_digest_has_none(world: World) -> None:
    assert await summed_up(world, TAGGED, "A B") == []


async def test_what_passed_without_evidence_has_none(world: World) -> None:
    exempt = world.settings(exemptImages=["docker.io/library/redis"])
    assert await summed_up(world, f"redis@{digest_of('redis')}", settings=exempt) == []
    assert await summed_up(world, SEEN, environment="development") == []
    assert await summed_up(world, SEEN, settings=world.settings({"Enabled": False})) == []


async def test_a_review_without_new_images_has_none(world: World) -> None:
    assert statements(await world.record(review(deployment(SEEN), deployment(SEEN)))) == []


@pytest.fixture
async def image(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record and its one image, to be changed."""
    record = json.loads((await world.record(review(deployment(SEEN)))).content)
    return record, record["images"][0]


def predicate(record: dict[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    statement = WRITER.statement(record, image)
    assert statement is not None
    found: dict[str, Any] = statement["predicate"]
    return found


Image = tuple[dict[str, Any], dict[str, Any]]


def test_an_assertion_that_the_policy_let_count_verifies_nothing(image: Image) -> None:
    image[1]["rulings"][0]["evidence"]["lane"] = "asserted"
    found = predicate(*image)
    assert (found["verificationResult"], found["verifiedLevels"]) == ("PASSED", [])


def test_every_ruling_must_pass(image: Image) -> None:
    record, entry = image
    for result in ("Warn", "Fail"):
        entry["rulings"] = [entry["rulings"][0], {**entry["rulings"][0], "result": {"result": result}}]
        assert predicate(record, entry)["verificationResult"] == "FAILED"


def test_no_ruling_is_no_pass(image: Image) -> None:
    image[1]["rulings"] = []
    assert predicate(*image)["verificationResult"] == "FAILED"


def test_two_gates_give_two_levels(image: Image) -> None:
    record, entry = image
    [ruling] = entry["rulings"][:1]
    beacon = {**ruling, "result": {"gate": "beacon-rate", "reason": "BeaconRateSufficient", "result": "Pass"}}
    entry["rulings"] = [ruling, beacon]
    assert predicate(record, entry)["verifiedLevels"] == ["STELLA_OPS_BEACON_RATE", "STELLA_OPS_EXECUTION_EVIDENCE"]


def test_inputs_are_listed_all_or_not_at_all(image: Image) -> None:
    record, entry = image
    [ruling] = entry["rulings"][:1]
    entry["rulings"] = [ruling, {**ruling, "basis": None}]
    assert "inputAttestations" not in predicate(record, entry)


def test_redacted_evidence_is_evidence(image: Image) -> None:
    image[1]["rulings"][0]["evidence"] |= {"value": None, "content_type": None}
    assert predicate(*image)["verificationResult"] == "PASSED"


def test_a_tag_that_was_looked_up_is_summed_up_by_its_digest(image: Image) -> None:
    record, entry = image
    entry["place"] |= {"image": "registry.example.com:5000/shop/a_b:1.0", "resolved": digest_of("resolved")}
    statement = WRITER.statement(record, entry)
    assert statement is not None
    hexadecimal = digest_of("resolved").removeprefix("sha256:")
    assert statement["subject"] == [{"name": "registry.example.com:5000/shop/a_b", "digest": {"sha256": hexadecimal}}]
    assert statement["predicate"]["resourceUri"] == (
        f"pkg:oci/a_b@sha256%3A{hexadecimal}?environment=production&repository_url=registry.example.com:5000/shop/a_b"
    )


async def test_summaries_stand_behind_their_decision_and_are_part_of_the_chain(world: World) -> None:
    shelf = Shelf()
    writer = RecordWriter("file", shelf, Chain("a-file", KEY), WRITER)
    record = await world.record(review(deployment(SEEN, UNSEEN)))
    for _ in range(2):
        writer.put(Decided(AT, "u", "Fail", "EvidenceMissing", 0.0, record.digest, record.content))
    writer.close(5)
    said = [parsed(line)["message"] for line in shelf.lines]
    assert said == [*["decision", "verification summary", "verification summary"] * 2, "end of records"]
    assert {parsed(line).get("decision") for line in shelf.lines[:-1]} == {record.digest}
    assert verified(shelf.lines, PUBLIC).whole(partial=False)
    assert not verified([*shelf.lines[:1], *shelf.lines[2:]], PUBLIC).whole(partial=False)
    changed = shelf.lines[1].replace(b'"payloadType":"', b'"payloadType":"x')
    assert not verified([shelf.lines[0], changed, *shelf.lines[2:]], PUBLIC).whole(partial=False)
