"""Changes of a running workload: only what the old object did not already run is evaluated.

Each line uses images without evidence, so that whatever is evaluated is denied.
"""

from typing import Any

import pytest

from tests.admission.requests import (
    ALSO_UNSEEN,
    SEEN,
    TAGGED,
    UNSEEN,
    containers,
    deployment,
    elsewhere,
    pod,
    review,
    workload,
)
from tests.admission.world import World
from tests.harness.evidence import REPOSITORY, digest_of
from tests.harness.workloads import API_VERSIONS
from tests.support.statements import ABSENT
from tests.support.verdicts import names
from webhook.settings.file import WORKLOADS

UNCHANGED = "Pass ImagesUnchanged"
MISSING = "Fail EvidenceMissing"
NOT_PINNED = "Fail ImageNotPinned"
INVALID = "Fail ImageReferenceInvalid"

DIGEST = digest_of("unseen")
LABELLED = {"metadata": {"labels": {"app": "cart", "tier": "web"}}}

TEMPLATES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("the same image", pod(UNSEEN), pod(UNSEEN), UNCHANGED),
    ("the same image, other settings", pod(UNSEEN), pod(UNSEEN, hostNetwork=True), UNCHANGED),
    ("the same two images", pod(UNSEEN, ALSO_UNSEEN), pod(UNSEEN, ALSO_UNSEEN), UNCHANGED),
    ("reordered", pod(UNSEEN, ALSO_UNSEEN), pod(ALSO_UNSEEN, UNSEEN), UNCHANGED),
    ("one removed", pod(UNSEEN, ALSO_UNSEEN), pod(ALSO_UNSEEN), UNCHANGED),
    ("a second container of the same image", pod(UNSEEN), pod(UNSEEN, UNSEEN), UNCHANGED),
    ("renamed", pod(UNSEEN), {"containers": [{"name": "web", "image": UNSEEN}]}, UNCHANGED),
    ("moved to initContainers", pod(SEEN, UNSEEN), pod(SEEN, initContainers=containers(UNSEEN)), UNCHANGED),
    ("moved to a volume", pod(SEEN, UNSEEN), pod(SEEN, volumes=[{"image": {"reference": UNSEEN}}]), UNCHANGED),
    ("one of two changed", pod(SEEN, UNSEEN), pod(SEEN, ALSO_UNSEEN), MISSING),
    ("an init container added", pod(SEEN), pod(SEEN, initContainers=containers(UNSEEN)), MISSING),
    ("an ephemeral container added", pod(SEEN), pod(SEEN, ephemeralContainers=containers(UNSEEN)), MISSING),
    ("an image volume added", pod(SEEN), pod(SEEN, volumes=[{"image": {"reference": UNSEEN}}]), MISSING),
    ("a tag becomes its digest", pod(TAGGED), pod(UNSEEN), MISSING),
    ("a tag becomes its digest with the tag", pod(TAGGED), pod(f"{TAGGED}@{DIGEST}"), MISSING),
    ("a digest becomes a tag", pod(UNSEEN), pod(TAGGED), NOT_PINNED),
    ("a tag beside the digest", pod(UNSEEN), pod(f"{TAGGED}@{DIGEST}"), UNCHANGED),
    ("another tag beside the digest", pod(f"{TAGGED}@{DIGEST}"), pod(f"{REPOSITORY}:2.0@{DIGEST}"), UNCHANGED),
    ("the tag beside the digest gone", pod(f"{TAGGED}@{DIGEST}"), pod(UNSEEN), UNCHANGED),
    ("the same digest elsewhere", pod(UNSEEN), pod(elsewhere("unseen", "evil.example.com/shop/cart")), MISSING),
    ("the same digest, another path", pod(UNSEEN), pod(elsewhere("unseen", f"{REPOSITORY}2")), MISSING),
    ("the same digest, another port", pod(UNSEEN), pod(UNSEEN.replace(".com/", ".com:443/")), MISSING),
    ("the host in upper case", pod(UNSEEN), pod(UNSEEN.replace("registry", "REGISTRY")), UNCHANGED),
    ("Docker Hub's short name", pod(f"redis@{DIGEST}"), pod(f"docker.io/library/redis@{DIGEST}"), UNCHANGED),
    ("Docker Hub's old name", pod(f"redis@{DIGEST}"), pod(f"index.docker.io/library/redis@{DIGEST}"), UNCHANGED),
    ("a name of the same ending", pod(f"redis@{DIGEST}"), pod(f"evil/redis@{DIGEST}"), MISSING),
    ("a tag, nothing else changed", pod(TAGGED), pod(TAGGED), UNCHANGED),
    ("a tag, the template changed", pod(TAGGED), pod(TAGGED, hostNetwork=True), NOT_PINNED),
    ("a tag, another container changed", pod(TAGGED, UNSEEN), pod(TAGGED, SEEN), NOT_PINNED),
    ("a tag that moved to another container", pod(TAGGED, UNSEEN), pod(UNSEEN, TAGGED), NOT_PINNED),
    ("another tag", pod(TAGGED), pod(f"{REPOSITORY}:2.0"), NOT_PINNED),
    ("the digest as somebody's tag", pod(f"{REPOSITORY}:{DIGEST[7:]}"), pod(UNSEEN), MISSING),
    ("an invalid image, nothing else changed", pod("A B"), pod("A B"), UNCHANGED),
    ("an invalid image, the template changed", pod("A B"), pod("A B", hostNetwork=True), INVALID),
    ("another invalid image", pod("A B"), pod("B A"), INVALID),
    ("the old one with an image left out", {"containers": [{"name": "c0"}]}, pod(UNSEEN), MISSING),
    ("the old one without containers", pod(), pod(UNSEEN), MISSING),
    ("the old one with 513 containers", pod(*[UNSEEN] * 513), pod(UNSEEN), MISSING),
]


@pytest.mark.parametrize(("_name", "old", "new", "expected"), TEMPLATES, ids=names(TEMPLATES))
@pytest.mark.parametrize("kind", API_VERSIONS)
async def test_only_new_images_are_evaluated(
    world: World, kind: str, _name: str, old: dict[str, Any], new: dict[str, Any], expected: str
) -> None:
    body = review(workload(kind, new), workload(kind, old))
    assert await world.said(body, settings=world.settings(workloads=[kind])) == expected


async def test_a_template_that_a_cronjob_does_not_have_hides_no_new_image(world: World) -> None:
    unchanged = {"metadata": {"labels": {"app": "cart"}}}
    old = workload("CronJob", pod(TAGGED), template=unchanged)
    new = workload("CronJob", pod(f"{REPOSITORY}:2.0"), template=unchanged)
    assert await world.said(review(new, old), settings=world.settings(workloads=["CronJob"])) == NOT_PINNED


async def test_only_the_changed_one_of_two_images_is_named(world: World) -> None:
    decision = await world.decide(review(deployment(UNSEEN, ALSO_UNSEEN), deployment(UNSEEN, SEEN)))
    assert [entry.image.text for entry in decision.images] == [ALSO_UNSEEN]


async def test_a_new_image_with_evidence_is_admitted_beside_an_old_one_without(world: World) -> None:
    body = review(deployment(UNSEEN, SEEN), deployment(UNSEEN, ALSO_UNSEEN))
    assert await world.said(body) == "Pass EvidenceSufficient"


OBJECTS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("labels", deployment(UNSEEN), deployment(UNSEEN, metadata={"labels": {"tier": "web"}}), UNCHANGED),
    ("labels, image by tag", deployment(TAGGED), deployment(TAGGED, metadata={"labels": {"a": "b"}}), UNCHANGED),
    ("scaled down to 0", deployment(UNSEEN, replicas=3), deployment(UNSEEN, replicas=0), UNCHANGED),
    ("scaled up from 0", deployment(UNSEEN, replicas=0), deployment(UNSEEN, replicas=3), MISSING),
    ("scaled up from 0 to 1", deployment(UNSEEN, replicas=0), deployment(UNSEEN, replicas=1), MISSING),
    ("scaled up from 0 by leaving it out", deployment(UNSEEN, replicas=0), deployment(UNSEEN), MISSING),
    ("scaled up from 0 by null", deployment(UNSEEN, replicas=0), deployment(UNSEEN, replicas=None), MISSING),
    ("0 stays 0", deployment(UNSEEN, replicas=0), deployment(UNSEEN, replicas=0), UNCHANGED),
    ("a new image at 0", deployment(SEEN, replicas=0), deployment(UNSEEN, replicas=0), MISSING),
    ("scaled up", deployment(UNSEEN, replicas=3), deployment(UNSEEN, replicas=5), UNCHANGED),
    ("scaled down", deployment(UNSEEN, replicas=3), deployment(UNSEEN, replicas=2), UNCHANGED),
    ("scaled down with a new image", deployment(SEEN, replicas=3), deployment(UNSEEN, replicas=2), MISSING),
    ("scaled to 0 with a new image", deployment(SEEN, replicas=3), deployment(UNSEEN, replicas=0), MISSING),
    ("1 by default, then 3", deployment(UNSEEN), deployment(UNSEEN, replicas=3), UNCHANGED),
    ("1 by default, then 0", deployment(UNSEEN), deployment(UNSEEN, replicas=0), UNCHANGED),
    ("scaled up from 0, by tag", deployment(TAGGED, replicas=0), deployment(TAGGED, replicas=3), NOT_PINNED),
    ("paused", deployment(UNSEEN), deployment(UNSEEN, paused=True), UNCHANGED),
    ("paused with a new image", deployment(SEEN), deployment(UNSEEN, paused=True), MISSING),
    ("a new image while paused", deployment(SEEN, paused=True), deployment(UNSEEN, paused=True), MISSING),
    ("resumed", deployment(UNSEEN, paused=True), deployment(UNSEEN, paused=False), UNCHANGED),
]
DELETED = {"name": "cart", "deletionTimestamp": "2026-11-24T06:00:00Z", "finalizers": ["example.com/hold"]}
RELEASED = {"name": "cart", "deletionTimestamp": "2026-11-24T06:00:00Z"}
for label, old_metadata, new_metadata in [
    ("deletionTimestamp on the old object only", DELETED, {"name": "cart"}),
    ("deletionTimestamp on the new object only", {"name": "cart"}, DELETED),
    ("deletionTimestamp on both", DELETED, DELETED),
    ("a finalizer removed", DELETED, RELEASED),
]:
    before = deployment(SEEN, metadata=old_metadata)
    OBJECTS.append((f"{label}, a new image", before, deployment(UNSEEN, metadata=new_metadata), MISSING))
    before = deployment(UNSEEN, metadata=old_metadata)
    OBJECTS.append((f"{label}, the same image", before, deployment(UNSEEN, metadata=new_metadata), UNCHANGED))


def as_kind(item: dict[str, Any], kind: str) -> dict[str, Any]:
    return item | {"kind": kind, "apiVersion": API_VERSIONS[kind]}


@pytest.mark.parametrize(("_name", "old", "new", "expected"), OBJECTS, ids=names(OBJECTS))
@pytest.mark.parametrize("kind", ["Deployment", "Rollout", "StatefulSet", "ReplicaSet"])
async def test_a_change_outside_the_template(
    world: World, kind: str, _name: str, old: dict[str, Any], new: dict[str, Any], expected: str
) -> None:
    body = review(as_kind(new, kind), as_kind(old, kind))
    assert await world.said(body, settings=world.settings(workloads=[kind])) == expected


OLD_OBJECTS: list[tuple[str, Any]] = [
    ("null", None),
    ("left out", ABSENT),
    ("empty", {}),
    ("a string", "Deployment"),
    ("without spec", {"metadata": {"name": "cart"}}),
    ("without template", deployment(template=ABSENT)),
    ("with a strange image", deployment(UNSEEN, 7)),
    ("with strange replicas", deployment(UNSEEN, replicas="3")),
    ("with its images elsewhere", {"spec": pod(UNSEEN)}),
]


@pytest.mark.parametrize(("_name", "old"), OLD_OBJECTS, ids=names(OLD_OBJECTS))
async def test_everything_is_evaluated_when_the_old_object_cannot_be_read(world: World, _name: str, old: Any) -> None:
    body = review(deployment(SEEN, UNSEEN), deployment(SEEN), oldObject=old)
    decision = await world.decide(body)
    assert [entry.image.text for entry in decision.images] == [SEEN, UNSEEN]


async def test_a_create_is_evaluated_whatever_it_claims_to_have_been(world: World) -> None:
    assert await world.said(review(deployment(UNSEEN), deployment(UNSEEN), operation="CREATE")) == MISSING


async def test_a_connect_is_evaluated(world: World) -> None:
    assert await world.said(review(deployment(UNSEEN), deployment(UNSEEN), operation="CONNECT")) == MISSING


async def test_a_delete_is_admitted(world: World) -> None:
    assert await world.said(review(None, deployment(UNSEEN), operation="DELETE")) == UNCHANGED


async def test_the_status_is_not_the_gates_business(world: World) -> None:
    assert await world.said(review(deployment(UNSEEN), deployment(SEEN), subResource="status")) == UNCHANGED


@pytest.mark.parametrize("sub_resource", ["", "ephemeralcontainers", "resize", "Status", "status/x"])
async def test_every_other_subresource_is(world: World, sub_resource: str) -> None:
    old, new = workload("Pod", pod(SEEN)), workload("Pod", pod(SEEN, ephemeralContainers=containers(UNSEEN)))
    body = review(new, old, subResource=sub_resource)
    assert await world.said(body, settings=world.settings(workloads=list(WORKLOADS))) == MISSING


async def test_a_scale_shows_no_image_and_is_not_admitted_silently(world: World) -> None:
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "cart"}, "spec": {"replicas": 3}}
    old = scale | {"spec": {"replicas": 0}}
    assert await world.said(review(scale, old, subResource="scale")) == "Fail WorkloadNotSupported"
