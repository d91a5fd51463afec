"""`TagPolicy: Resolve`: an image named by a tag is ruled on by the digest that the tag points to now."""

import asyncio
import json
from typing import Any

import pytest

from tests.admission.providers import GOOD, always, metadata
from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.admission.world import NOW, World, question, respond, said
from tests.harness.evidence import REPOSITORY, digest_of
from webhook.admission.decision import Decision
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review
from webhook.errors import UnavailableError
from webhook.gates.execution_evidence import evaluate
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.evidence import PullIdentity
from webhook.model.gate import GateContext
from webhook.settings.loading import Settings

TAGGED = f"{REPOSITORY}:1.0"
RESOLVE: dict[str, Any] = {"TagPolicy": "Resolve"}
REGISTRY = {"registry": {"allow": ["registry.example.com/*", "docker.io/library/*"]}}


class Tags:
    """A resolver whose tags the test sets: a digest, None for no such tag, or why it cannot be asked."""

    def __init__(self, answer: str | UnavailableError | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, PullIdentity | None]] = []

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:
        self.asked.append((repository, tag, pull))
        if isinstance(self.answer, UnavailableError):
            raise self.answer
        return self.answer


def resolving(world: World, policy: dict[str, Any] | None = None, **registry: Any) -> Settings:
    stores = {"registry": REGISTRY["registry"] | registry}
    return world.settings(RESOLVE | (policy or {}), stores=stores)


async def decided(world: World, tags: Tags, *images: str, **policy: Any) -> Decision:
    settings = resolving(world, policy)
    decider = world.decider(settings, tags=tags)
    return await decider.decide(question(review(deployment(*images))))


ROWS: list[tuple[str, str | UnavailableError | None, str]] = [
    ("to what was seen", digest_of("seen"), "EvidenceSufficient"),
    ("to what was not seen", digest_of("unseen"), "EvidenceMissing"),
    ("to what was hardly seen", digest_of("thin"), "EvidenceInsufficient"),
    ("to what a stranger signed", digest_of("stranger"), "EvidenceUntrusted"),
    ("nowhere", None, "ImageNotPinned"),
    ("to what nobody knows", UnavailableError("registry.example.com limits the rate"), "EvidenceUnavailable"),
]
ALWAYS_FAIL = {"EvidenceInsufficient"}


@pytest.mark.parametrize(("action", "verdict"), [("Block", "Fail"), ("Warn", "Warn")])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
async def test_a_tag_that_points(
    world: World, row: tuple[str, str | UnavailableError | None, str], action: str, verdict: str
) -> None:
    _, answer, reason = row
    expected = "Pass" if reason == "EvidenceSufficient" else "Fail" if reason in ALWAYS_FAIL else verdict
    decision = await decided(world, Tags(answer), TAGGED, MissingEvidenceAction=action)
    assert said(decision) == f"{expected} {reason}"


@pytest.mark.parametrize(
    ("unavailable", "expected"), [("Warn", "Warn EvidenceUnavailable"), ("Block", "Fail EvidenceUnavailable")]
)
async def test_a_registry_that_cannot_be_asked_is_unavailable_by_policy(
    world: World, unavailable: str, expected: str
) -> None:
    decision = await decided(world, Tags(UnavailableError("it hangs")), TAGGED, UnavailableEvidenceAction=unavailable)
    assert said(decision) == expected
    assert decision.images[0].found == "the tag cannot be resolved: it hangs"


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        (TAGGED, REPOSITORY, "1.0"),
        (REPOSITORY, REPOSITORY, "latest"),
        ("redis", "docker.io/library/redis", "latest"),
        ("redis:7", "docker.io/library/redis", "7"),
    ],
)
async def test_the_tag_that_the_node_would_pull_is_resolved(
    world: World, image: str, repository: str, tag: str
) -> None:
    tags = Tags(digest_of("seen"))
    await decided(world, tags, image)
    assert tags.asked == [(repository, tag, None)]


@pytest.mark.parametrize("image", [SEEN, f"{TAGGED}@{digest_of('seen')}", "A B"])
async def test_nothing_else_is_resolved(world: World, image: str) -> None:
    tags = Tags(digest_of("unseen"))
    decision = await decided(world, tags, image)
    assert (tags.asked, decision.images[0].resolved) == ([], None)


async def test_an_exempt_tag_is_not_resolved(world: World) -> None:
    tags = Tags(None)
    settings = world.settings(RESOLVE, stores=REGISTRY, exemptImages=["docker.io/library/redis"])
    decider = world.decider(settings, always(metadata(GOOD)), tags)
    assert said(await decider.decide(question(review(deployment("redis:7"))))) == "Pass ImageExempt"
    assert tags.asked == []


@pytest.mark.parametrize(
    "policy",
    [{}, {"Overrides": {"canary": RESOLVE}}, RESOLVE | {"Overrides": {"Production": {"TagPolicy": "RequireDigest"}}}],
)
async def test_without_the_policy_a_tag_is_not_resolved(world: World, policy: dict[str, Any]) -> None:
    tags = Tags(digest_of("seen"))
    settings = world.settings(policy, stores=REGISTRY)
    decider = world.decider(settings, tags=tags)
    assert said(await decider.decide(question(review(deployment(TAGGED))))) == "Fail ImageNotPinned"
    assert tags.asked == []


async def test_a_tag_that_moves_is_ruled_on_by_where_it_points_now(world: World) -> None:
    settings, tags = resolving(world), Tags(digest_of("seen"))
    decider = world.decider(settings, tags=tags)
    body = review(deployment(TAGGED))
    assert said(await decider.decide(question(body))) == "Pass EvidenceSufficient"
    tags.answer = digest_of("unseen")
    assert said(await decider.decide(question(body))) == "Fail EvidenceMissing"


async def test_evidence_about_the_tags_digest_is_bound_to_the_repository_of_the_tag(world: World) -> None:
    # The key that signed may speak for registry.example.com/shop/* only.
    assert said(await decided(world, Tags(digest_of("seen")), "redis:7")) == "Fail EvidenceUntrusted"


async def test_a_pass_by_a_tag_warns_that_it_may_move(world: World) -> None:
    decision = await decided(world, Tags(digest_of("seen")), TAGGED, SEEN)
    answer = respond(decision, review(deployment(TAGGED, SEEN)), resolving(world))
    short = digest_of("seen")[: len("sha256:") + 12]
    assert answer["allowed"]
    assert answer["warnings"] == [f"image {TAGGED}: its tag points to {short}… now, and may move"]
    assert answer["auditAnnotations"]["images"].split(",")[0] == (f"{TAGGED}@{digest_of('seen')}=EvidenceSufficient")


async def test_a_pass_by_a_tag_points_to_no_page_of_help(world: World) -> None:
    decision = await decided(world, Tags(digest_of("seen")), TAGGED)
    settings = world.settings(RESOLVE, stores=REGISTRY, helpUrl="https://wiki.example.com/gate")
    assert len(respond(decision, review(deployment(TAGGED)), settings)["warnings"]) == 1


async def test_a_long_reference_leaves_the_warning_readable(world: World) -> None:
    image = f"registry.example.com/shop/{'c' * 80}:1.0"
    decision = await decided(world, Tags(digest_of("seen")), image)
    [warning] = respond(decision, review(deployment(image)), resolving(world))["warnings"]
    assert len(warning) <= 120
    assert warning.endswith("now, and may move")


async def test_a_warning_about_evidence_comes_with_the_one_about_the_tag(world: World) -> None:
    decision = await decided(world, Tags(digest_of("unseen")), TAGGED, MissingEvidenceAction="Warn")
    texts = respond(decision, review(deployment(TAGGED)), resolving(world))["warnings"]
    assert any("EvidenceMissing" in text for text in texts)
    assert any("may move" in text for text in texts)


async def test_a_denial_tells_the_whole_digest_that_was_ruled_on(world: World) -> None:
    decision = await decided(world, Tags(digest_of("unseen")), TAGGED)
    lines = respond(decision, review(deployment(TAGGED)), resolving(world))["status"]["message"].split("\n")
    assert lines[2:5] == [
        f"  image: {TAGGED} (container c0)",
        f"  tag:   points to {digest_of('unseen')} now, and may move",
        "  found: no statement about this digest (EvidenceMissing)",
    ]


async def test_a_tag_that_nobody_knows_is_told_as_such(world: World) -> None:
    decision = await decided(world, Tags(None), TAGGED)
    message = respond(decision, review(deployment(TAGGED)), resolving(world))["status"]["message"]
    assert "a tag that registry.example.com does not know" in message
    assert "name the image by digest" in message


async def test_the_record_says_which_digest_the_tag_pointed_to(world: World) -> None:
    decision = await decided(world, Tags(digest_of("seen")), TAGGED, UNSEEN)
    record = record_decision(decision, decode_review(review(deployment(TAGGED, UNSEEN))), resolving(world), NOW)
    tagged, pinned = json.loads(record.content)["images"]
    assert (tagged["place"]["image"], tagged["place"]["resolved"]) == (TAGGED, digest_of("seen"))
    assert tagged["rulings"][0]["evidence"]["evidence_anchor"]["anchor_value"] == digest_of("seen")
    assert pinned["place"]["resolved"] is None


async def test_the_record_alone_suffices_to_come_to_the_same_result(world: World) -> None:
    for name in ("seen", "thin"):
        decision = await decided(world, Tags(digest_of(name)), TAGGED)
        record = record_decision(decision, decode_review(review(deployment(TAGGED))), resolving(world), NOW)
        content = json.loads(record.content)
        [image] = content["images"]
        [ruling] = image["rulings"]
        policy = ExecutionEvidencePolicy.model_validate(content["policy"]["execution-evidence"])
        again = evaluate(policy, GateContext("production", ruling["evidence"]["value"]["value"]))
        assert (again.result.value, again.message, again.reason.value) == tuple(
            ruling["result"][member] for member in ("result", "message", "reason")
        )


async def test_a_resolver_that_hangs_is_unavailable_within_the_deadline(world: World) -> None:
    class Hanging(Tags):
        async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:
            await asyncio.Event().wait()
            return await super().resolve(repository, tag, pull)

    settings = resolving(world)
    decider = world.decider(settings, tags=Hanging(None))
    decision = await decider.decide(question(review(deployment(TAGGED, SEEN)), seconds=0.2))
    assert [entry.result.reason.value for entry in decision.images] == ["EvidenceUnavailable", "EvidenceSufficient"]
