"""The environment comes from the URL, the policy from the configuration; nothing else decides who is asked."""

import json
from typing import Any

import pytest

from tests.admission.requests import SEEN, TAGGED, THIN, UNSEEN, deployment, pod, review, workload
from tests.admission.world import World
from tests.harness.evidence import digest_of
from tests.support.verdicts import names
from webhook.errors import ConfigurationError

MISSING = "Fail EvidenceMissing"
NOT_REQUIRED = "Pass EnvironmentNotRequired"
DISABLED = "Pass GateDisabled"
SUFFICIENT = "Pass EvidenceSufficient"

TWO = {"RequiredEnvironments": ["production", "canary"]}
OVERRIDDEN = TWO | {"Overrides": {"Canary": {"MissingEvidenceAction": "Warn", "MinHotSymbolCount": 43}}}

POLICIES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("required", "production", {}, UNSEEN, MISSING),
    ("required, other case", "Production", {}, UNSEEN, MISSING),
    ("required, upper case", "PRODUCTION", {}, UNSEEN, MISSING),
    ("configured in another case", "production", {"RequiredEnvironments": ["ProDuction"]}, UNSEEN, MISSING),
    ("not required", "staging", {}, UNSEEN, NOT_REQUIRED),
    ("a longer name", "production2", {}, UNSEEN, NOT_REQUIRED),
    ("none required", "production", {"RequiredEnvironments": []}, UNSEEN, NOT_REQUIRED),
    ("disabled", "production", {"Enabled": False}, UNSEEN, DISABLED),
    ("disabled, not required", "staging", {"Enabled": False}, UNSEEN, DISABLED),
    ("the first of two", "production", TWO, UNSEEN, MISSING),
    ("the second of two", "canary", TWO, UNSEEN, MISSING),
    ("an override that warns", "canary", OVERRIDDEN, UNSEEN, "Warn EvidenceMissing"),
    ("the same image without it", "production", OVERRIDDEN, UNSEEN, MISSING),
    ("an override with a higher threshold", "canary", OVERRIDDEN, SEEN, "Fail EvidenceInsufficient"),
    ("the same evidence without it", "production", OVERRIDDEN, SEEN, SUFFICIENT),
    ("an override in another case", "CANARY", OVERRIDDEN, UNSEEN, "Warn EvidenceMissing"),
    ("disabled by an override", "production", {"Overrides": {"PRODUCTION": {"Enabled": False}}}, UNSEEN, DISABLED),
    (
        "enabled by an override",
        "production",
        {"Enabled": False, "Overrides": {"production": {"Enabled": True}}},
        UNSEEN,
        MISSING,
    ),
    (
        "an override of another environment",
        "production",
        {"Overrides": {"staging": {"Enabled": False}}},
        UNSEEN,
        MISSING,
    ),
    ("a tag", "production", {"TagPolicy": "RequireDigest"}, TAGGED, "Fail ImageNotPinned"),
    ("a tag where it warns", "production", {"MissingEvidenceAction": "Warn"}, TAGGED, "Warn ImageNotPinned"),
    (
        "too little, where missing warns",
        "production",
        {"MissingEvidenceAction": "Warn"},
        THIN,
        "Fail EvidenceInsufficient",
    ),
]


@pytest.mark.parametrize(("_name", "environment", "policy", "image", "expected"), POLICIES, ids=names(POLICIES))
async def test_the_policy_of_the_environment_decides(
    world: World, _name: str, environment: str, policy: dict[str, Any], image: str, expected: str
) -> None:
    assert await world.said(review(deployment(image)), environment, world.settings(policy)) == expected


@pytest.mark.parametrize(
    "policy", [{"TagPolicy": "Resolve"}, {"Overrides": {"production": {"TagPolicy": "Resolve"}}}]
)
def test_tags_cannot_be_resolved_without_a_registry_and_nobody_is_led_to_believe_it(
    world: World, policy: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="set stores"):
        world.settings(policy)


@pytest.mark.parametrize("item", [None, {}, deployment(7), deployment(*[UNSEEN] * 513)])
async def test_where_nothing_is_required_nothing_is_read(world: World, item: Any) -> None:
    body = review(deployment(SEEN), object=item)
    assert await world.said(body, "staging") == NOT_REQUIRED
    assert await world.said(body, settings=world.settings({"Enabled": False})) == DISABLED


CLAIMS = {
    "execution-evidence.stella.ops/verified": "true",
    "stella.ops/executionEvidence": json.dumps({"hotSymbolCount": 42, "uniqueCallPaths": 17}),
    "has_execution_evidence": "true",
    "cosign.sigstore.dev/verified": "pass",
    "stella.ops/environment": "staging",
    "admission.stella.ops/bypass": "true",
}
FORGERIES: list[tuple[str, dict[str, Any]]] = [
    ("annotations", deployment(UNSEEN, metadata={"name": "cart", "annotations": CLAIMS})),
    ("labels", deployment(UNSEEN, metadata={"name": "cart", "labels": CLAIMS})),
    (
        "annotations of the template",
        deployment(template={"metadata": {"annotations": CLAIMS, "labels": CLAIMS}, "spec": pod(UNSEEN)}),
    ),
    ("a status", deployment(UNSEEN) | {"status": {"verified": True, "conditions": [{"type": "EvidenceVerified"}]}}),
    ("members of the container", workload("Deployment", {"containers": [{"image": UNSEEN, **CLAIMS}]})),
    ("a name in an exempt namespace", deployment(UNSEEN, metadata={"name": "cart", "namespace": "kube-system"})),
    (
        "an owner that is legitimate",
        deployment(
            UNSEEN,
            metadata={
                "name": "cart-5d9",
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": "1", "controller": True}
                ],
            },
        ),
    ),
    ("managed fields of the gate", deployment(UNSEEN, metadata={"managedFields": [{"manager": "evidence-gate"}]})),
]


@pytest.mark.parametrize(("_name", "item"), FORGERIES, ids=names(FORGERIES))
@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet"])
async def test_nothing_that_an_object_says_about_itself_admits_it(
    world: World, kind: str, _name: str, item: dict[str, Any]
) -> None:
    body = review(item | {"kind": kind})
    assert await world.said(body, settings=world.settings(workloads=[kind])) == MISSING


@pytest.mark.parametrize(
    "user",
    ["system:admin", "system:serviceaccount:kube-system:deployment-controller", "system:masters", ""],
)
async def test_no_user_is_a_way_round(world: World, user: str) -> None:
    body = review(deployment(UNSEEN), userInfo={"username": user, "groups": ["system:masters"]})
    assert await world.said(body) == MISSING


@pytest.mark.parametrize("dry_run", [{"dryRun": True}, {"dryRun": False}, {"dryRun": None}], ids=str)
@pytest.mark.parametrize(("image", "expected"), [(UNSEEN, MISSING), (SEEN, SUFFICIENT)])
async def test_a_dry_run_gets_the_same_verdict(
    world: World, dry_run: dict[str, Any], image: str, expected: str
) -> None:
    assert await world.said(review(deployment(image), **dry_run)) == expected


DIGEST = digest_of("unseen")
EXEMPTIONS = ["docker.io/library/redis", "ghcr.io/vendor/*", "*.mirror.example.com/base/app-*"]
EXEMPT = "Pass ImageExempt"
EXEMPT_IMAGES: list[tuple[str, str]] = [
    ("redis", EXEMPT),
    ("redis:7", EXEMPT),
    (f"redis@{DIGEST}", EXEMPT),
    ("docker.io/redis", EXEMPT),
    ("index.docker.io/library/redis:7", EXEMPT),
    ("ghcr.io/vendor/agent:1", EXEMPT),
    ("ghcr.io/vendor/team/agent:1", EXEMPT),
    ("GHCR.IO/vendor/agent:1", EXEMPT),
    ("eu.mirror.example.com/base/app-one:1", EXEMPT),
    ("redis2", "Fail ImageNotPinned"),
    ("evil/redis", "Fail ImageNotPinned"),
    ("docker.io/library/redis/x", "Fail ImageNotPinned"),
    ("docker.io.evil.example.com/library/redis", "Fail ImageNotPinned"),
    ("evil.example.com/docker.io/library/redis", "Fail ImageNotPinned"),
    ("localhost/library/redis", "Fail ImageNotPinned"),
    ("docker.io:5000/library/redis", "Fail ImageNotPinned"),
    (f"evil.example.com/library/redis@{DIGEST}", MISSING),
    ("ghcr.io/vendor2/agent:1", "Fail ImageNotPinned"),
    ("ghcr.io/vendor", "Fail ImageNotPinned"),
    ("evilghcr.io/vendor/agent:1", "Fail ImageNotPinned"),
    ("evil.io/ghcr.io/vendor/agent:1", "Fail ImageNotPinned"),
    ("mirror.example.com/base/app-one:1", "Fail ImageNotPinned"),
    ("evil/x.mirror.example.com/base/app-one:1", "Fail ImageNotPinned"),
    ("eu.mirror.example.com/base/app-one/x:1", "Fail ImageNotPinned"),
    ("redis:7 ", "Fail ImageReferenceInvalid"),
    ("redis,redis", "Fail ImageReferenceInvalid"),
    ("redis@sha256:1", "Fail ImageReferenceInvalid"),
]


@pytest.mark.parametrize(("image", "expected"), EXEMPT_IMAGES)
async def test_an_exemption_covers_its_repositories_and_nothing_that_resembles_them(
    world: World, image: str, expected: str
) -> None:
    assert await world.said(review(deployment(image)), settings=world.settings(exemptImages=EXEMPTIONS)) == expected


async def test_an_exempt_container_covers_no_other(world: World) -> None:
    decision = await world.decide(
        review(deployment("redis", UNSEEN)), settings=world.settings(exemptImages=EXEMPTIONS)
    )
    outcome = [(entry.image.text, entry.result.reason.value) for entry in decision.images]
    assert outcome == [("redis", "ImageExempt"), (UNSEEN, "EvidenceMissing")]
    assert decision.verdict == "Fail"


async def test_no_image_is_exempt_by_default(world: World) -> None:
    assert await world.said(review(deployment("redis"))) == "Fail ImageNotPinned"


async def test_an_exempt_image_is_visible_beside_one_with_evidence(world: World) -> None:
    settings = world.settings(exemptImages=EXEMPTIONS)
    assert (
        await world.said(review(deployment(SEEN, "redis")), settings=settings)
        == "Pass EvidenceSufficient,ImageExempt"
    )
