"""The decision record: its digest can be computed by anybody, and everything that the verdict rests on is in it."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.admission.providers import GOOD, UNAVAILABLE, ScriptedProvider, metadata
from tests.admission.requests import ALSO_UNSEEN, SEEN, STRANGER, THIN, UNSEEN, deployment, pod, review, workload
from tests.admission.world import INSTANT, NOW, World, question
from tests.harness.evidence import digest_of
from tests.support.statements import ABSENT
from webhook.admission.break_glass import Access, BreakGlass, Claim, Requester
from webhook.admission.decision import Decision, ImageDecision, Revision, Rollback, Ruling
from webhook.admission.images import WorkloadImage
from webhook.admission.pods import ContainerUse
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.model.basis import EvidenceBasis, Origin, Platform
from webhook.model.evidence import EvidenceProblem, EvidenceResult, EvidenceValue, Lane, TriggerTime
from webhook.model.gate import GateResult, Verdict
from webhook.providers.answers import metadata_result
from webhook.reasons import ReasonCode
from webhook.stores.directory import DirectoryStore


def read(record: DecisionRecord) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(record.content)
    return content


def assert_reproducible(record: DecisionRecord) -> None:
    """Another implementation gives the same bytes and the same digest from what the record says."""
    again = rfc8785.dumps(json.loads(record.content))
    assert record.content == again
    assert record.digest == "sha256:" + hashlib.sha256(again).hexdigest()


BODIES = {
    "sufficient": review(deployment(SEEN)),
    "denied": review(deployment(UNSEEN, THIN, STRANGER, "redis", "A B\n\u20ac\u202e")),
    "unchanged": review(deployment(UNSEEN), deployment(UNSEEN)),
    "unreadable": review(deployment(7)),
    "another kind": review(deployment(SEEN), kind={"group": "", "version": "v1", "kind": "Gr\u00fc\u00dfe\u2028"}),
    "user with every letter": review(deployment(SEEN), userInfo={"username": '\u00e4"\\\u0001\u007f\U0001f600'}),
}


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("environment", ["production", "staging"])
async def test_the_digest_is_that_of_the_canonical_record(world: World, case: str, environment: str) -> None:
    assert_reproducible(await world.record(BODIES[case], environment))


async def test_the_record_tells_the_request(world: World) -> None:
    assert read(await world.record(review(deployment(SEEN), uid="a-uid", dryRun=True)))["request"] == {
        "uid": "a-uid",
        "operation": "CREATE",
        "kind": "Deployment",
        "group": "apps",
        "version": "v1",
        "namespace": "shop",
        "name": "cart",
        "subResource": "",
        "user": "ada@example.com",
        "dryRun": True,
    }


NAMES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"name": "cart"}, {}, "cart"),
    ({"generateName": "cart-"}, {"name": ABSENT}, "cart-"),
    ({"generateName": "cart-"}, {"name": ""}, "cart-"),
    ({"generateName": "cart-"}, {"name": "cart-x7k2p"}, "cart-x7k2p"),
]


@pytest.mark.parametrize(("member", "request_changes", "expected"), NAMES)
async def test_an_object_with_a_generated_name_is_called_by_its_stem(
    world: World, member: dict[str, Any], request_changes: dict[str, Any], expected: str
) -> None:
    record = await world.record(review(deployment(SEEN, metadata=member), **request_changes))
    assert read(record)["request"]["name"] == expected


async def test_the_namespace_is_the_requests(world: World) -> None:
    body = review(deployment(SEEN, metadata={"name": "cart", "namespace": "another"}), namespace="shop")
    assert read(await world.record(body))["request"]["namespace"] == "shop"


async def test_the_record_tells_the_decision(world: World) -> None:
    settings = world.settings()
    record = read(await world.record(review(deployment(SEEN, UNSEEN, STRANGER)), "Production", settings))
    assert (record["apiVersion"], record["kind"]) == ("stella.ops/v1alpha1", "DecisionRecord")
    assert record["decision"] == {
        "environment": "Production",
        "triggerTime": {"kind": "unix_millis", "value": int(INSTANT.timestamp()) * 1000},
        "settings": settings.digest,
        "trust": settings.trust.digest,
        "software": f"execution-evidence-gate {version('execution-evidence-gate')}",
        "verdict": "Fail",
        "reasons": ["EvidenceMissing", "EvidenceUntrusted"],
    }
    assert record["overall"] is None


async def test_the_record_tells_what_holds_for_the_whole_review(world: World) -> None:
    record = read(await world.record(review(deployment(UNSEEN), deployment(UNSEEN))))
    assert record["images"] == []
    assert record["overall"] == {
        "basis": None,
        "evidence": None,
        "found": "",
        "result": {
            "gate": "execution-evidence",
            "result": "Pass",
            "message": "The change brings no new image",
            "reason": "ImagesUnchanged",
        },
    }


async def test_the_record_holds_the_policy_in_force(world: World) -> None:
    policy = {
        "MinHotSymbolCount": 5,
        "MaxEvidenceAge": "720h",
        "RequiredEnvironments": ["production", "canary"],
        "Overrides": {"Production": {"MinHotSymbolCount": 7, "EvidenceEnvironments": ["qa"]}},
    }
    settings = world.settings(policy)
    produced, canary = [
        read(await world.record(review(deployment(SEEN)), environment, settings))["policy"]["execution-evidence"]
        for environment in ("production", "canary")
    ]
    assert (produced["MinHotSymbolCount"], produced["EvidenceEnvironments"]) == (7, ["qa"])
    assert (canary["MinHotSymbolCount"], canary["EvidenceEnvironments"]) == (5, ["staging"])
    for effective in (produced, canary):
        assert effective["Overrides"] == {}
        assert effective["MissingEvidenceAction"] == "Block"
        assert effective["MaxEvidenceAge"] == 720 * 3600


async def test_each_image_carries_the_answer_that_its_verdict_rests_on(world: World) -> None:
    record = read(await world.record(review(deployment(SEEN, "redis", SEEN))))
    pinned, tagged = record["images"]
    base = "spec.template.spec.containers"
    assert pinned["place"] == {
        "image": SEEN,
        "fields": [f"{base}[0].image", f"{base}[2].image"],
        "resolved": None,
    }
    [pinned_ruling], [tagged_ruling] = pinned["rulings"], tagged["rulings"]
    assert pinned_ruling["result"]["reason"] == "EvidenceSufficient"
    evidence = pinned_ruling["evidence"]
    assert evidence["value"]["value"]["execution_evidence_hot_symbol_count"] == "42"
    assert evidence["evidence_anchor"] == {"anchor_type": "image_digest", "anchor_value": SEEN.split("@")[1]}
    assert evidence["evidence_hash"]["value"] == hashlib.sha256(rfc8785.dumps(evidence["value"]["value"])).hexdigest()
    assert tagged["place"] == {"image": "redis", "fields": [f"{base}[1].image"], "resolved": None}
    assert pinned_ruling["found"] == evidence["value"]["value"]["execution_evidence_detail"]
    assert tagged_ruling["found"] == "a tag, which may point to another image tomorrow"
    assert (tagged_ruling["evidence"], tagged_ruling["result"]["reason"]) == (None, "ImageNotPinned")
    assert tagged_ruling["basis"] is None


async def test_each_ruling_names_the_envelopes_that_it_was_made_of(world: World) -> None:
    record = read(await world.record(review(deployment(SEEN, UNSEEN, STRANGER))))
    seen, unseen, stranger = [entry["rulings"][0]["basis"] for entry in record["images"]]
    for basis, name in ((seen, "seen"), (stranger, "stranger")):
        raw = (world.folder / "evidence" / f"{name}.json").read_bytes()
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        candidate = {"digest": digest, "uri": f"directory:{name}.json", "platform": None}
        assert basis == {"candidates": [candidate], "platforms": [], "remark": None, "gap": None}
    assert unseen == {"candidates": [], "platforms": [], "remark": None, "gap": None}


async def test_a_gap_that_decided_is_recorded_with_what_was_found_beside_it(world: World) -> None:
    (world.folder / "evidence" / "gone.json").symlink_to("nowhere")
    store = DirectoryStore(world.folder / "evidence")
    await store.refresh()
    broken = World(world.folder, [store])
    record = read(await broken.record(review(deployment(SEEN, THIN, UNSEEN))))
    (world.folder / "evidence" / "gone.json").unlink()
    told = [(entry["rulings"][0]["evidence"]["error"], entry["rulings"][0]["basis"]) for entry in record["images"]]
    assert [error and error["code"] for error, _ in told] == [None, "evidence_unavailable", "evidence_unavailable"]
    assert [basis["gap"] for _, basis in told] == [None, *["store directory: a file cannot be read"] * 2]
    assert [len(basis["candidates"]) for _, basis in told] == [1, 1, 0]


async def test_what_was_made_of_stands_there_also_where_no_value_does(world: World) -> None:
    closed = {"allowRawValues": False}
    record = read(await world.record(review(deployment(SEEN)), settings=world.settings(disclosure=closed)))
    [ruling] = record["images"][0]["rulings"]
    assert ruling["evidence"]["value"] is None
    assert len(ruling["basis"]["candidates"]) == 1


async def test_the_conditions_of_the_environment_are_in_the_record(world: World) -> None:
    condition = {
        "name": "hot",
        "environments": ["Production"],
        "query": {"provider": "execution-evidence", "check": "hot_symbol_count"},
        "bind": {"image_digest": "imageDigest", "repository": "repository", "environment": "environment"},
        "comparator": "greater_than",
        "expected": 1.5,
    }
    other = condition | {"name": "other", "environments": ["canary"]}
    settings = world.settings(gates={"conditions": [condition, other]})
    record = read(await world.record(review(deployment(SEEN)), settings=settings))
    filled = {"minLane": "Verified", "action": "Block"}
    query = condition["query"] | {"params": None}  # type: ignore[operator]  # a mapping
    assert record["conditions"] == [condition | filled | {"query": query}]
    gate, asked = record["images"][0]["rulings"]
    assert asked["result"]["gate"] == "conditions/hot"
    assert asked["evidence"]["value"] == {"kind": "json", "value": 42}
    assert asked["basis"] == gate["basis"]


@pytest.mark.parametrize("case", BODIES)
async def test_the_same_inputs_give_the_same_bytes(world: World, case: str) -> None:
    settings = world.settings()
    assert await world.record(BODIES[case], settings=settings) == await world.record(BODIES[case], settings=settings)


async def test_a_warm_decision_is_recorded_as_a_cold_one(world: World) -> None:
    settings, body = world.settings(), review(deployment(SEEN, UNSEEN))
    decider = world.decider(settings)
    records = [
        record_decision(await decider.decide(question(body)), decode_review(body), settings, NOW) for _ in range(3)
    ]
    assert records == [await world.record(body, settings=settings)] * 3


CHANGES: dict[str, tuple[bytes, TriggerTime, dict[str, Any]]] = {
    "uid": (review(deployment(SEEN), uid="another"), NOW, {}),
    "time": (review(deployment(SEEN)), NOW._replace(value=NOW.value + 1), {}),
    "user": (review(deployment(SEEN), userInfo={"username": "bob"}), NOW, {}),
    "name": (review(deployment(SEEN), name="other"), NOW, {}),
    "namespace": (review(deployment(SEEN), namespace="other"), NOW, {}),
    "operation": (review(deployment(SEEN), deployment(UNSEEN)), NOW, {}),
    "dry run": (review(deployment(SEEN), dryRun=True), NOW, {}),
    "kind": (review(workload("Rollout", pod(SEEN))), NOW, {}),
    "place": (review(workload("Deployment", pod(SEEN, SEEN))), NOW, {}),
    "image": (review(deployment(UNSEEN)), NOW, {}),
    "policy": (review(deployment(SEEN)), NOW, {"MinHotSymbolCount": 4}),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_another_input_gives_another_digest(world: World, change: str) -> None:
    body, now, policy = CHANGES[change]
    settings = world.settings(policy)
    decision = await world.decide(body, settings=settings)
    changed = record_decision(decision, decode_review(body), settings, now)
    assert_reproducible(changed)
    assert changed.digest != (await world.record(review(deployment(SEEN)))).digest


async def test_a_failure_is_recorded_with_its_cause(world: World) -> None:
    settings, body = world.settings(), review(deployment(SEEN, UNSEEN))
    provider = ScriptedProvider({"seen": metadata(GOOD)}, otherwise=UNAVAILABLE)
    decision = await world.decider(settings, provider).decide(question(body))
    record = record_decision(decision, decode_review(body), settings, NOW)
    assert_reproducible(record)
    error = read(record)["images"][1]["rulings"][0]["evidence"]["error"]
    assert error == {"code": "evidence_unavailable", "message": "store registry: it answers 429", "details": None}


TEXT = st.text(max_size=12)
RESULTS = st.builds(GateResult, TEXT, st.sampled_from(Verdict), TEXT, st.sampled_from(ReasonCode))
METADATA = st.dictionaries(st.sampled_from(sorted(GOOD)), TEXT)
ANSWERS = st.one_of(
    st.none(),
    st.builds(
        EvidenceResult,
        value=st.none() | st.builds(EvidenceValue, st.just("json"), METADATA),
        error=st.none() | st.builds(EvidenceProblem, TEXT, TEXT),
    ),
    st.builds(metadata_result, METADATA, st.sampled_from(Lane), st.none() | TEXT, TEXT),
)
IMAGES = st.builds(
    WorkloadImage,
    TEXT,
    st.none(),
    TEXT,
    st.lists(st.builds(ContainerUse, TEXT, TEXT), max_size=3).map(tuple),
)
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda raw: "sha256:" + raw.hex())
PLATFORMS = st.builds(Platform, TEXT, TEXT)
BASES = st.none() | st.builds(
    EvidenceBasis,
    st.lists(st.builds(Origin, DIGESTS, TEXT, st.none() | PLATFORMS), max_size=3).map(tuple),
    st.lists(PLATFORMS, max_size=2).map(tuple),
    st.none() | TEXT,
    st.none() | TEXT,
)
KNOWN = st.builds(lambda answer, basis: answer and replace(answer, basis=basis), ANSWERS, BASES)
RULINGS = st.lists(st.builds(Ruling, RESULTS, TEXT, KNOWN), min_size=1, max_size=3).map(tuple)
RESOLVED = st.none() | st.just(digest_of("seen"))
REVISIONS = st.none() | st.builds(Revision, TEXT, TEXT, st.integers(0, 2**52))
ROLLBACKS = st.none() | st.builds(Rollback, REVISIONS, TEXT, RULINGS)
WHO = st.builds(Requester, username=TEXT, uid=TEXT, groups=st.none() | st.lists(TEXT, max_size=2).map(tuple))
CLAIMS = st.builds(Claim, st.none() | TEXT, st.none() | TEXT, WHO, TEXT)
GLASSES = st.builds(BreakGlass, CLAIMS, st.sampled_from(Access), TEXT, st.just(timedelta(hours=24)))
DECISIONS = st.builds(
    Decision,
    TEXT,
    st.lists(st.builds(ImageDecision, IMAGES, RULINGS, RESOLVED, ROLLBACKS), max_size=3).map(tuple),
    st.none() | st.builds(Ruling, RESULTS, TEXT),
    st.none() | GLASSES,
)


@given(decision=DECISIONS, name=TEXT, millis=st.integers(0, 2**52))
def test_a_record_that_is_joined_from_parts_is_canonical_as_a_whole(
    world: World, decision: Decision, name: str, millis: int
) -> None:
    subject = decode_review(review(deployment(SEEN), name=name, namespace=name, userInfo={"username": name}))
    record = record_decision(decision, subject, world.settings(), TriggerTime("unix_millis", millis))
    assert_reproducible(record)


def ruling(verdict: Verdict, reason: ReasonCode) -> Ruling:
    return Ruling(GateResult("execution-evidence", verdict, "", reason), "")


def test_a_decision_without_any_result_is_no_pass() -> None:
    assert Decision("production", ()).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.WARN], Verdict.WARN),
        ([Verdict.WARN, Verdict.PASS], Verdict.WARN),
        ([Verdict.FAIL, Verdict.WARN, Verdict.PASS], Verdict.FAIL),
        ([Verdict.PASS, Verdict.WARN, Verdict.FAIL], Verdict.FAIL),
    ],
)
def test_the_most_severe_result_is_the_verdict(verdicts: list[Verdict], expected: Verdict) -> None:
    image = WorkloadImage(ALSO_UNSEEN, None, "", ())
    entries = [ImageDecision(image, (ruling(verdict, ReasonCode.EVIDENCE_MISSING),)) for verdict in verdicts]
    assert Decision("production", tuple(entries)).verdict is expected
