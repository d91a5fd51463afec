"""Rollouts that take their pods from another object, which is read.

The API server is a simulator, since a real one neither hangs nor sends rubbish on demand; it is asked by the real
client. tests/integration/test_rollout_references.py holds the real one to the same.
"""

import time
from typing import Any

import pytest

from tests.admission.cluster import DEPLOYMENT, PATHS, REFERENCE, Cluster, found, referring, rollout, to
from tests.admission.providers import GOOD, always, metadata
from tests.admission.requests import ALSO_UNSEEN, SEEN, TAGGED, UNSEEN, pod, review, workload
from tests.admission.world import World, question, respond, said
from tests.support.verdicts import names
from webhook.admission.pod_finder import REFERENCED
from webhook.limits import LIMITS
from webhook.model.evidence import PullIdentity
from webhook.settings.file import WORKLOADS

SUFFICIENT = "Pass EvidenceSufficient"
UNCHANGED = "Pass ImagesUnchanged"
MISSING = "Fail EvidenceMissing"
UNAVAILABLE = "Fail EvidenceUnavailable"
UNSUPPORTED = "Fail WorkloadNotSupported"
NOT_PINNED = "Fail ImageNotPinned"


@pytest.mark.parametrize("kind", REFERENCED)
@pytest.mark.parametrize(("image", "expected"), [(SEEN, SUFFICIENT), (UNSEEN, MISSING)])
async def test_the_images_of_what_a_rollout_refers_to_are_evaluated(
    cluster: Cluster, kind: str, image: str, expected: str
) -> None:
    cluster.hold(kind, image)
    version = "v1" if kind == "PodTemplate" else "apps/v1"
    assert await cluster.said(review(referring(to(kind, version)))) == expected
    assert cluster.server.paths == [PATHS[kind]]


async def test_a_referenced_deployment_that_was_scaled_down_counts_as_it_stands(cluster: Cluster) -> None:
    # `scaleDown: onsuccess`: the Deployment runs nothing, and the Rollout runs its template.
    cluster.hold("Deployment", UNSEEN, replicas=0)
    assert await cluster.said(review(referring())) == MISSING


async def test_a_denial_says_where_the_image_stands(cluster: Cluster) -> None:
    cluster.hold("Deployment", SEEN, UNSEEN)
    body, settings = review(referring()), cluster.world.settings()
    response = respond(await cluster.decide(body, settings), body, settings)
    [cause] = response["status"]["details"]["causes"]
    assert cause["field"] == "Deployment/cart: spec.template.spec.containers[1].image"
    assert f"image: {UNSEEN} (container c1 of Deployment/cart)" in response["status"]["message"]


async def test_a_template_is_no_cover_for_a_reference(cluster: Cluster) -> None:
    # argo-rollouts 1.x, RolloutSpec.EmptyTemplate: a template without labels and annotations counts as empty, and
    # the pods are made from the reference (rollout/templateref.go, Resolve).
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(review(referring(template={"spec": pod(SEEN)}))) == MISSING


NOTHING_TO_REFER_TO: list[tuple[str, Any]] = [
    ("empty", {}),
    ("a string", "Deployment/cart"),
    ("a list", [REFERENCE]),
    ("another kind", to("StatefulSet", "apps/v1")),
    ("a Rollout", to("Rollout", "argoproj.io/v1alpha1")),
    ("a kind in another case", to("deployment", "apps/v1")),
    ("another group", to("Deployment", "evil.example.com/v1")),
    ("no group", to("Deployment", "v1")),
    ("a group where there is none", to("PodTemplate", "apps/v1")),
    ("no version", {"kind": "Deployment", "name": "cart"}),
    ("a number for a version", REFERENCE | {"apiVersion": 1}),
    ("a list for a kind", REFERENCE | {"kind": ["Deployment"]}),
    ("no name", {"apiVersion": "apps/v1", "kind": "Deployment"}),
    ("an empty name", to("Deployment", "apps/v1", "")),
    ("a number for a name", REFERENCE | {"name": 7}),
    ("another path", to("Deployment", "apps/v1", "../secrets/key")),
    ("a path upwards", to("Deployment", "apps/v1", "..")),
    ("a query", to("Deployment", "apps/v1", "cart?watch=1")),
    ("an escaped slash", to("Deployment", "apps/v1", "cart%2fscale")),
    ("a trailing newline", to("Deployment", "apps/v1", "cart\n")),
    ("254 characters", to("Deployment", "apps/v1", "a" * 254)),
]


@pytest.mark.parametrize(("_name", "reference"), NOTHING_TO_REFER_TO, ids=names(NOTHING_TO_REFER_TO))
@pytest.mark.parametrize("action", ["Block", "Warn"])
async def test_a_reference_to_what_no_pods_are_made_from_is_never_followed(
    cluster: Cluster, _name: str, reference: Any, action: str
) -> None:
    cluster.hold("Deployment", SEEN)
    settings = cluster.world.settings({"MissingEvidenceAction": action}, workloads=list(WORKLOADS))
    expected = f"{'Fail' if action == 'Block' else 'Warn'} WorkloadNotSupported"
    assert await cluster.said(review(referring(reference)), settings) == expected
    assert cluster.server.paths == []


@pytest.mark.parametrize("namespace", ["", "..", "shop/deployments/cart?x=", "shop\n"])
async def test_nothing_is_read_in_a_namespace_that_none_is_called(cluster: Cluster, namespace: str) -> None:
    cluster.hold("Deployment", SEEN)
    assert await cluster.said(review(referring(), namespace=namespace)) == "Fail WorkloadNotSupported"
    assert cluster.server.paths == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "CronJob"])
@pytest.mark.parametrize("update", [False, True])
async def test_no_other_kind_can_refer_to_anything(cluster: Cluster, kind: str, update: bool) -> None:  # noqa: FBT001 - a table's column
    cluster.hold("Deployment", SEEN)
    item = workload(kind, pod(SEEN), workloadRef=REFERENCE)
    assert await cluster.said(review(item, item if update else None)) == UNSUPPORTED
    assert cluster.server.paths == []


@pytest.mark.parametrize(
    ("kind", "version"), [("Deployment", "apps/v1"), ("ReplicaSet", "apps/v1"), ("PodTemplate", "v1")]
)
async def test_a_kind_whose_changes_are_not_evaluated_cannot_be_referred_to(
    cluster: Cluster, kind: str, version: str
) -> None:
    # It could be changed afterwards, and the Rollout would run what nobody evaluated.
    cluster.hold(kind, SEEN)
    decision = await cluster.decide(
        review(referring(to(kind, version))), cluster.world.settings(workloads=["Rollout"])
    )
    assert said(decision) == UNSUPPORTED
    assert found(decision) == (
        f"the Rollout takes its pods from a {kind}, which is not in the gate's configured workloads"
    )
    assert cluster.server.paths == []


UNREADABLE: list[tuple[str, Any, str, str]] = [
    ("missing", 404, UNAVAILABLE, "it does not exist"),
    ("forbidden", 403, UNAVAILABLE, "the gate's account may not read it"),
    ("a server's error", 500, UNAVAILABLE, "the API server answered 500"),
    ("overload", 429, UNAVAILABLE, "the API server answered 429"),
    ("hanging", None, UNAVAILABLE, "no answer from the API server within the deadline"),
    (
        "too large",
        b" " * (LIMITS.object_bytes + 1),
        UNAVAILABLE,
        f"the API server's answer exceeds {LIMITS.object_bytes} bytes",
    ),
    ("not JSON", b"<html>", UNSUPPORTED, "cannot be read as a Deployment"),
    ("a list", b"[]", UNSUPPORTED, "cannot be read as a Deployment"),
    ("a strange image", workload("Deployment", pod(7)), UNSUPPORTED, "cannot be read as a Deployment"),
    ("too many values", b"[" + b"{}," * LIMITS.review_values + b"{}]", UNSUPPORTED, "holds too many values"),
    ("without pods", workload("Deployment", None), UNSUPPORTED, "the Deployment has no readable pod template"),
    ("without containers", workload("Deployment", pod()), UNSUPPORTED, "the Deployment has no containers"),
    ("513 containers", workload("Deployment", pod(*[SEEN] * 513)), UNSUPPORTED, "more than 512 containers"),
]


@pytest.mark.parametrize(("_name", "held", "expected", "why"), UNREADABLE, ids=names(UNREADABLE))
async def test_what_cannot_be_read_is_no_pass_and_says_why(
    cluster: Cluster, _name: str, held: Any, expected: str, why: str
) -> None:
    cluster.server.objects[DEPLOYMENT] = held
    decision = await cluster.decide(review(referring()), seconds=2.0)
    assert said(decision) == expected
    assert why in found(decision)
    if expected == UNAVAILABLE:
        assert found(decision) == f"the pods are made from Deployment/cart, which cannot be read: {why}"


async def test_the_deadline_holds_while_the_api_server_hangs(cluster: Cluster) -> None:
    cluster.server.objects[DEPLOYMENT] = None
    started = time.monotonic()
    await cluster.decide(review(referring()), seconds=0.2)
    assert time.monotonic() - started < 1.0


async def test_what_is_unavailable_follows_its_own_action(cluster: Cluster) -> None:
    settings = cluster.world.settings({"UnavailableEvidenceAction": "Warn"})
    assert await cluster.said(review(referring()), settings) == "Warn EvidenceUnavailable"


async def test_without_a_cluster_a_reference_is_unavailable(world: World) -> None:
    decision = await world.decide(review(referring()))
    assert said(decision) == UNAVAILABLE
    assert found(decision) == (
        "the pods are made from Deployment/cart, which cannot be read: there is no cluster to read it from"
    )


async def test_nothing_is_remembered_of_what_was_read(cluster: Cluster) -> None:
    cluster.hold("Deployment", SEEN)
    assert await cluster.said(review(referring())) == SUFFICIENT
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(review(referring())) == MISSING


async def test_a_gate_that_is_off_reads_nothing(cluster: Cluster) -> None:
    settings = cluster.world.settings({"Enabled": False})
    assert await cluster.said(review(referring()), settings) == "Pass GateDisabled"
    assert cluster.server.paths == []


async def test_pull_secrets_are_those_of_the_pods_that_will_be_made(cluster: Cluster) -> None:
    # An account of the Rollout's own template would be somebody else's.
    source = workload("Deployment", pod(SEEN, serviceAccountName="cart"))
    cluster.server.objects[DEPLOYMENT] = source
    settings = cluster.world.settings(
        stores={"registry": {"allow": ["registry.example.com/*"], "pullSecrets": True}}, workloads=list(WORKLOADS)
    )
    provider = always(metadata(GOOD))
    decider = cluster.world.decider(settings, provider, reader=cluster.objects)
    await decider.decide(question(review(referring(), namespace="shop")))
    assert [context.pull for context in provider.contexts] == [PullIdentity("shop", "cart", ())]


# Old object, new object, outcome, objects read. The Deployment `cart` has `UNSEEN`: whatever is evaluated is denied.
OTHER = REFERENCE | {"name": "other"}
UPDATES: list[tuple[str, dict[str, Any], dict[str, Any], str, int]] = [
    ("a finalizer goes", referring(metadata={"finalizers": ["x"]}), referring(metadata={}), UNCHANGED, 0),
    ("being deleted", referring(metadata={"deletionTimestamp": "2026-11-24T06:36:35Z"}), referring(), UNCHANGED, 0),
    ("paused", referring(), referring(paused=True), UNCHANGED, 0),
    ("a step of the strategy", referring(), referring(strategy={"canary": {}}), UNCHANGED, 0),
    ("scaleDown", referring(), referring(REFERENCE | {"scaleDown": "onsuccess"}), UNCHANGED, 0),
    ("a template appears beside it", referring(), referring(template={"spec": pod(ALSO_UNSEEN)}), UNCHANGED, 0),
    ("N to M", referring(replicas=3), referring(replicas=5), UNCHANGED, 0),
    ("N to 0", referring(replicas=3), referring(replicas=0), UNCHANGED, 0),
    ("0 to N", referring(replicas=0), referring(replicas=3), MISSING, 1),
    ("0 to the default, 1", referring(replicas=0), referring(), MISSING, 1),
    ("another name", referring(OTHER), referring(), MISSING, 1),
    ("another kind", referring(to("ReplicaSet", "apps/v1")), referring(), MISSING, 1),
    ("another version", referring(to("Deployment", "apps/v2")), referring(), MISSING, 1),
    ("another name at 0 pods", referring(OTHER, replicas=0), referring(replicas=0), MISSING, 1),
    ("from a template", rollout(SEEN), referring(), MISSING, 1),
    ("from a template with the same image", rollout(UNSEEN), referring(), UNCHANGED, 1),
    ("from a template with the same image at 0", rollout(UNSEEN, replicas=0), referring(), MISSING, 1),
    ("a reference beside the template", rollout(SEEN), rollout(SEEN, workloadRef=REFERENCE), MISSING, 1),
    ("to a template", referring(), rollout(ALSO_UNSEEN), MISSING, 0),
    ("to a template with what it refers to", referring(), rollout(UNSEEN), MISSING, 0),
    ("to the template beside it", rollout(ALSO_UNSEEN, workloadRef=REFERENCE), rollout(ALSO_UNSEEN), MISSING, 0),
]


@pytest.mark.parametrize(("_name", "old", "new", "expected", "reads"), UPDATES, ids=names(UPDATES))
async def test_an_update_of_a_rollout_is_evaluated_where_its_pods_come_from_elsewhere(
    cluster: Cluster, _name: str, old: dict[str, Any], new: dict[str, Any], expected: str, reads: int
) -> None:
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(review(new, old)) == expected
    assert len(cluster.server.paths) == reads


async def test_a_tag_in_another_object_s_template_is_new_even_if_the_same_tag_ran_before(cluster: Cluster) -> None:
    # New pods pull the tag again. The template beside the reference is the old one, and says nothing.
    cluster.hold("Deployment", TAGGED)
    old, new = rollout(TAGGED), rollout(TAGGED, workloadRef=REFERENCE)
    assert await cluster.said(review(new, old)) == NOT_PINNED
