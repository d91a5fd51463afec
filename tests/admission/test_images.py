"""Which images a new object brings, wherever they stand, and what holds no readable list of images."""

from typing import Any

import pytest

from tests.admission.requests import (
    ALSO_UNSEEN,
    SEEN,
    UNSEEN,
    containers,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import World
from tests.harness.workloads import API_VERSIONS
from tests.support.statements import ABSENT
from tests.support.verdicts import names
from webhook.settings.file import WORKLOADS

SUFFICIENT = "Pass EvidenceSufficient"
MISSING = "Fail EvidenceMissing"
UNSUPPORTED = "Fail WorkloadNotSupported"
INVALID = "Fail ImageReferenceInvalid"

PREFIX = dict.fromkeys(API_VERSIONS, "spec.template.spec") | {
    "Pod": "spec",
    "PodTemplate": "template.spec",
    "CronJob": "spec.jobTemplate.spec.template.spec",
}
VOLUMES = [{"name": "data", "emptyDir": {}}, {"name": "model", "image": {"reference": UNSEEN}}]
PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "containers": (pod(SEEN, UNSEEN), "containers[1].image"),
    "initContainers": (pod(SEEN, initContainers=containers(SEEN, UNSEEN)), "initContainers[1].image"),
    "ephemeralContainers": (pod(SEEN, ephemeralContainers=containers(UNSEEN)), "ephemeralContainers[0].image"),
    "image volumes": (pod(SEEN, volumes=VOLUMES), "volumes[1].image.reference"),
}


def test_every_configurable_kind_is_in_the_table() -> None:
    assert set(PREFIX) == set(WORKLOADS)


@pytest.mark.parametrize("kind", PREFIX)
async def test_an_image_with_evidence_is_admitted(world: World, kind: str) -> None:
    settings = world.settings(workloads=[kind])
    assert await world.said(review(workload(kind, pod(SEEN))), settings=settings) == SUFFICIENT


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", PREFIX)
async def test_an_image_without_evidence_is_found_in_every_list(world: World, kind: str, place: str) -> None:
    spec, field = PLACES[place]
    answer = await world.answer(review(workload(kind, spec)), settings=world.settings(workloads=[kind]))
    causes = answer["status"]["details"]["causes"]
    assert [(cause["reason"], cause["field"]) for cause in causes] == [("EvidenceMissing", f"{PREFIX[kind]}.{field}")]


@pytest.mark.parametrize("kind", PREFIX)
@pytest.mark.parametrize(("action", "expected"), [("Block", UNSUPPORTED), ("Warn", "Warn WorkloadNotSupported")])
async def test_a_kind_that_is_switched_off_is_never_admitted_silently(
    world: World, kind: str, action: str, expected: str
) -> None:
    other = "Deployment" if kind != "Deployment" else "Rollout"
    settings = world.settings({"MissingEvidenceAction": action}, workloads=[other])
    assert await world.said(review(workload(kind, pod(SEEN))), settings=settings) == expected


@pytest.mark.parametrize(
    "kind",
    [
        {"group": "evil.example.com", "version": "v1", "kind": "Deployment"},
        {"group": "", "version": "v1", "kind": "Deployment"},
        {"group": "apps.example.com", "version": "v1", "kind": "Deployment"},
        {"group": "apps", "version": "v1", "kind": "Rollout"},
        {"group": "apps", "version": "v1", "kind": "deployment"},
        {"group": "apps", "version": "v1", "kind": "DeploymentList"},
        {"group": "apps", "version": "v1", "kind": "ControllerRevision"},
        {"group": "", "version": "v1", "kind": "ConfigMap"},
        {"group": "", "version": "v1", "kind": "PodTemplate"},
        {"group": "", "version": "v1", "kind": "ReplicationController"},
        {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        {"group": "", "version": "v1", "kind": ""},
        {},
    ],
    ids=lambda kind: f"{kind.get('group')}/{kind.get('kind')}",
)
async def test_a_kind_that_the_gate_cannot_read_is_not_admitted(world: World, kind: dict[str, str]) -> None:
    body = review(deployment(SEEN), kind=kind)
    settings = world.settings(workloads=list(WORKLOADS))
    assert await world.said(body, settings=settings) == UNSUPPORTED


async def test_the_version_of_a_kind_does_not_matter(world: World) -> None:
    kind = {"group": "apps", "version": "v2beta7", "kind": "Deployment"}
    assert await world.said(review(deployment(SEEN), kind=kind)) == SUFFICIENT


UNREADABLE_OBJECTS: list[tuple[str, Any]] = [
    ("null", None),
    ("left out", ABSENT),
    ("a string", "Deployment"),
    ("a list", []),
    ("empty", {}),
    ("no spec", {"metadata": {"name": "cart"}}),
    ("spec null", workload("Deployment", None) | {"spec": None}),
    ("spec a list", workload("Deployment", None) | {"spec": [1]}),
    ("template null", deployment(template=None)),
    ("template left out", deployment(template=ABSENT)),
    ("template a list", deployment(template=[pod(SEEN)])),
    ("pod spec null", workload("Deployment", None)),
    ("pod spec empty", workload("Deployment", {})),
    ("containers null", workload("Deployment", {"containers": None})),
    ("containers empty", workload("Deployment", pod())),
    ("containers a mapping", workload("Deployment", {"containers": {"0": {"image": SEEN}}})),
    ("a container null", workload("Deployment", {"containers": [None]})),
    ("a container a string", workload("Deployment", {"containers": [SEEN]})),
    ("image a number", deployment(7)),
    ("image a list", deployment([SEEN])),
    ("image true", deployment(SEEN, *[True])),
    ("name a number", workload("Deployment", {"containers": [{"name": 1, "image": SEEN}]})),
    ("replicas a string", deployment(SEEN, replicas="0")),
    ("replicas a float", deployment(SEEN, replicas=1.5)),
    ("metadata null", deployment(SEEN, metadata=None)),
    ("only volumes without image", workload("Deployment", {"volumes": [{"name": "data", "emptyDir": {}}]})),
]


@pytest.mark.parametrize(("_name", "item"), UNREADABLE_OBJECTS, ids=names(UNREADABLE_OBJECTS))
@pytest.mark.parametrize("action", ["Block", "Warn"])
@pytest.mark.parametrize("old", [None, deployment(SEEN)], ids=["create", "update"])
async def test_an_object_without_a_readable_list_of_images_is_not_admitted_silently(
    world: World, _name: str, item: Any, action: str, old: Any
) -> None:
    body = review(deployment(SEEN), old, object=item)
    verdict = {"Block": "Fail", "Warn": "Warn"}[action]
    settings = world.settings({"MissingEvidenceAction": action})
    assert await world.said(body, settings=settings) == f"{verdict} WorkloadNotSupported"


@pytest.mark.parametrize("image", [None, "", ABSENT], ids=["null", "empty", "left out"])
async def test_a_container_without_image_is_no_container_that_passes(world: World, image: Any) -> None:
    assert await world.said(review(deployment(SEEN, image))) == INVALID


@pytest.mark.parametrize("volume", [{"image": {}}, {"image": {"reference": None}}, {"image": {"reference": ""}}])
async def test_an_image_volume_without_reference_is_no_volume_that_passes(world: World, volume: Any) -> None:
    body = review(workload("Deployment", pod(SEEN, volumes=[{"name": "model", **volume}])))
    assert await world.said(body) == INVALID


@pytest.mark.parametrize(("count", "expected"), [(512, SUFFICIENT), (513, UNSUPPORTED), (5000, UNSUPPORTED)])
async def test_a_workload_has_at_most_512_containers(world: World, count: int, expected: str) -> None:
    assert await world.said(review(deployment(*[SEEN] * count))) == expected


async def test_containers_of_all_lists_count_together(world: World) -> None:
    volumes = [{"name": f"v{index}", "image": {"reference": SEEN}} for index in range(128)]
    lists = {"initContainers": containers(*[SEEN] * 128), "ephemeralContainers": containers(*[SEEN] * 128)}
    full = pod(*[SEEN] * 128, volumes=volumes, **lists)
    over = pod(*[SEEN] * 128, volumes=[*volumes, volumes[0]], **lists)
    assert await world.said(review(workload("Deployment", full))) == SUFFICIENT
    assert await world.said(review(workload("Deployment", over))) == UNSUPPORTED


async def test_images_are_judged_in_the_order_in_which_the_object_names_them(world: World) -> None:
    spec = pod(
        UNSEEN,
        SEEN,
        UNSEEN,
        initContainers=containers(ALSO_UNSEEN, UNSEEN),
        volumes=[{"name": "model", "image": {"reference": SEEN}}],
    )
    decision = await world.decide(review(workload("Deployment", spec)))
    places = [
        (entry.image.text, [use.field.rpartition("spec.")[2] for use in entry.image.uses])
        for entry in decision.images
    ]
    assert places == [
        (UNSEEN, ["containers[0].image", "containers[2].image", "initContainers[1].image"]),
        (SEEN, ["containers[1].image", "volumes[0].image.reference"]),
        (ALSO_UNSEEN, ["initContainers[0].image"]),
    ]


async def test_each_container_of_a_denied_image_is_a_cause(world: World) -> None:
    answer = await world.answer(review(deployment(UNSEEN, SEEN, UNSEEN, ALSO_UNSEEN)))
    fields = [cause["field"] for cause in answer["status"]["details"]["causes"]]
    assert fields == [f"spec.template.spec.containers[{index}].image" for index in (0, 2, 3)]


@pytest.mark.parametrize("order", [(SEEN, UNSEEN), (UNSEEN, SEEN)])
async def test_one_image_with_evidence_does_not_cover_another(world: World, order: tuple[str, str]) -> None:
    assert await world.said(review(deployment(*order))) == MISSING
