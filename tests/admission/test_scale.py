"""Requests to scale, which show no pods at all: what is scaled is read."""

from typing import Any

import pytest

from tests.admission.cluster import DEPLOYMENT, PATHS, Cluster, found, referring
from tests.admission.conditions import always, settings, telling
from tests.admission.requests import SEEN, UNSEEN, review
from tests.admission.world import question, said
from tests.support.statements import ABSENT
from webhook.admission.review import decode_review
from webhook.server.traces import event_draft

SUFFICIENT = "Pass EvidenceSufficient"
UNCHANGED = "Pass ImagesUnchanged"
MISSING = "Fail EvidenceMissing"
UNAVAILABLE = "Fail EvidenceUnavailable"
UNSUPPORTED = "Fail WorkloadNotSupported"


def scale(replicas: Any, *, group: str = "apps", resource: str = "deployments", **changes: Any) -> bytes:
    """A request to scale `cart` from the old number of replicas to the new one; 0 is left out, as Kubernetes does."""
    before, after = replicas
    items = [
        {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": "cart", "uid": "object-uid"},
            "spec": {"replicas": number} if number else {},
        }
        for number in (before, after)
    ]
    version = "v1alpha1" if resource == "rollouts" else "v1"
    where = {"group": group, "version": version, "resource": resource}
    return review(items[1], items[0], **{"subResource": "scale", "resource": where} | changes)


SCALABLE = {
    "Deployment": {"group": "apps", "resource": "deployments"},
    "StatefulSet": {"group": "apps", "resource": "statefulsets"},
    "ReplicaSet": {"group": "apps", "resource": "replicasets"},
    "Rollout": {"group": "argoproj.io", "resource": "rollouts"},
}


@pytest.mark.parametrize("kind", SCALABLE)
@pytest.mark.parametrize(("image", "expected"), [(SEEN, SUFFICIENT), (UNSEEN, MISSING)])
async def test_a_scale_from_zero_is_evaluated_by_what_is_scaled(
    cluster: Cluster, kind: str, image: str, expected: str
) -> None:
    cluster.hold(kind, image, replicas=0)
    assert await cluster.said(scale((0, 3), **SCALABLE[kind])) == expected
    assert cluster.server.paths == [PATHS[kind]]


async def test_a_rollout_that_is_scaled_from_zero_leads_on_to_what_it_refers_to(cluster: Cluster) -> None:
    cluster.server.objects[PATHS["Rollout"]] = referring(replicas=0)
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(scale((0, 1), **SCALABLE["Rollout"])) == MISSING
    assert cluster.server.paths == [PATHS["Rollout"], DEPLOYMENT]


@pytest.mark.parametrize("replicas", [(3, 5), (5, 3), (3, 0), (0, 0), (1, 2)])
async def test_a_scale_that_starts_no_first_pod_reads_nothing(cluster: Cluster, replicas: tuple[int, int]) -> None:
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(scale(replicas)) == UNCHANGED
    assert cluster.server.paths == []


@pytest.mark.parametrize("old", [None, ABSENT, "x", {}, {"spec": None}, {"spec": {"replicas": "3"}}])
async def test_a_scale_whose_old_number_is_not_known_starts_the_first_pods(cluster: Cluster, old: Any) -> None:
    cluster.hold("Deployment", UNSEEN)
    assert await cluster.said(scale((3, 5), oldObject=old)) == MISSING


@pytest.mark.parametrize("new", [None, ABSENT, "x", {"spec": {"replicas": "3"}}, {"spec": {"replicas": 1.5}}])
async def test_a_scale_whose_new_number_cannot_be_read_is_not_admitted(cluster: Cluster, new: Any) -> None:
    cluster.hold("Deployment", SEEN)
    assert await cluster.said(scale((0, 3), object=new)) == UNSUPPORTED


@pytest.mark.parametrize("replicas", [(0, 3), (3, 5)])
async def test_a_scale_that_is_sent_without_being_asked_for_is_never_admitted_silently(
    cluster: Cluster, replicas: tuple[int, int]
) -> None:
    cluster.hold("Deployment", SEEN)
    assert await cluster.said(scale(replicas), cluster.world.settings()) == UNSUPPORTED
    assert cluster.server.paths == []


@pytest.mark.parametrize(
    ("group", "resource"),
    [("apps", "statefulsets"), ("", "replicationcontrollers"), ("evil.example.com", "deployments"), ("apps", "pods")],
)
async def test_a_scale_of_a_kind_that_is_not_evaluated_is_never_admitted_silently(
    cluster: Cluster, group: str, resource: str
) -> None:
    settings = cluster.world.settings(evaluateScaleUp=True)
    assert await cluster.said(scale((0, 3), group=group, resource=resource), settings) == UNSUPPORTED
    assert cluster.server.paths == []


async def test_a_scale_of_what_cannot_be_read_is_unavailable(cluster: Cluster) -> None:
    decision = await cluster.decide(scale((0, 3)))
    assert said(decision) == UNAVAILABLE
    assert found(decision) == ("the pods are made from Deployment/cart, which cannot be read: it does not exist")


async def test_a_condition_is_asked_about_the_kind_that_is_scaled(cluster: Cluster) -> None:
    cluster.hold("Deployment", SEEN)
    teller = always(telling("yes"))
    chosen = settings(cluster.world, {"bind": {"kind": "kind"}}, evaluateScaleUp=True)
    await cluster.world.decider(chosen, teller, reader=cluster.objects).decide(question(scale((0, 3))))
    assert [query.params for query in teller.asked] == [{"kind": "Deployment"}]


async def test_an_event_is_about_what_is_scaled(cluster: Cluster) -> None:
    cluster.hold("Deployment", UNSEEN)
    body = scale((0, 3))
    about = event_draft(await cluster.decide(body), decode_review(body), "sha256:0").regarding
    assert (about.api_version, about.kind, about.name, about.uid) == ("apps/v1", "Deployment", "cart", "object-uid")
