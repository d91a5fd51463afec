"""Whose pull secrets may be used to look evidence up: those of the pods that the workload will make."""

from typing import Any

import pytest

from tests.admission.providers import GOOD, always, metadata
from tests.admission.requests import SEEN, pod, review, workload
from tests.admission.world import World, question
from tests.harness.workloads import API_VERSIONS
from webhook.admission.images import pull_identity
from webhook.admission.pods import PodSource
from webhook.admission.review import decode_review
from webhook.model.evidence import PullIdentity


def identity(spec: dict[str, Any], kind: str = "Deployment") -> PullIdentity | None:
    return of_body(review(workload(kind, spec), namespace="shop"))


def of_body(body: bytes) -> PullIdentity | None:
    request = decode_review(body)
    return pull_identity(PodSource(request.kind.kind, request.object), request.namespace)


@pytest.mark.parametrize("kind", API_VERSIONS)
def test_it_is_that_of_the_pod_template_whatever_the_kind(kind: str) -> None:
    spec = pod(SEEN, serviceAccountName="cart", imagePullSecrets=[{"name": "b"}, {"name": "a"}])
    assert identity(spec, kind) == PullIdentity("shop", "cart", ("b", "a"))


SPECS: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({}, "default", ()),
    ({"serviceAccountName": "", "imagePullSecrets": []}, "default", ()),
    ({"serviceAccountName": None, "imagePullSecrets": None}, "default", ()),
    # k8s.io/kubernetes pkg/apis/core/v1/conversion.go: the deprecated name counts where the other is empty.
    ({"serviceAccount": "old"}, "old", ()),
    ({"serviceAccount": "old", "serviceAccountName": "new"}, "new", ()),
    ({"imagePullSecrets": [{}, {"name": ""}, {"name": "a"}]}, "default", ("a",)),
]


@pytest.mark.parametrize(("members", "account", "secrets"), SPECS)
def test_what_a_pod_leaves_out_is_as_the_api_server_fills_it(
    members: dict[str, Any], account: str, secrets: tuple[str, ...]
) -> None:
    assert identity(pod(SEEN, **members)) == PullIdentity("shop", account, secrets)


def test_an_object_without_a_pod_template_has_none() -> None:
    assert identity({}, "Rollout") == PullIdentity("shop", "default", ())
    body = review(workload("Rollout", pod(SEEN), workloadRef={"name": "cart"}))
    assert of_body(body) is None


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        (None, None),
        ({"allow": ["a.example/*"]}, None),
        ({"allow": ["a.example/*"], "pullSecrets": True}, PullIdentity("shop", "cart", ("a",))),
    ],
)
async def test_stores_are_told_only_if_pull_secrets_may_be_used(
    world: World, registry: dict[str, Any] | None, expected: PullIdentity | None
) -> None:
    provider = always(metadata(GOOD))
    settings = world.settings(stores={} if registry is None else {"registry": registry})
    spec = pod(SEEN, serviceAccountName="cart", imagePullSecrets=[{"name": "a"}])
    await world.decider(settings, provider).decide(question(review(workload("Deployment", spec), namespace="shop")))
    assert [context.pull for context in provider.contexts] == [expected]
