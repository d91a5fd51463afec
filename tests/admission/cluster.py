"""A cluster whose objects a review leads to: workloads that Rollouts refer to, or that are scaled."""

from typing import Any, NamedTuple

from tests.admission.requests import pod, workload
from tests.admission.world import World, question, said
from tests.simulators.api_objects import ApiObjectsSimulator
from tests.support.statements import ABSENT
from webhook.admission.decision import Decision
from webhook.server.objects import ClusterObjects
from webhook.settings.file import WORKLOADS
from webhook.settings.loading import Settings

REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/cart"
PATHS = {
    "Deployment": DEPLOYMENT,
    "ReplicaSet": "/apis/apps/v1/namespaces/shop/replicasets/cart",
    "PodTemplate": "/api/v1/namespaces/shop/podtemplates/cart",
    "StatefulSet": "/apis/apps/v1/namespaces/shop/statefulsets/cart",
    "Rollout": "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/cart",
}


class Cluster(NamedTuple):
    """A cluster whose objects are read by the real client.

    Attributes:
        world: Settings and evidence.
        server: Gives the objects, and notes what it was asked for.
        objects: Reads them.
    """

    world: World
    server: ApiObjectsSimulator
    objects: ClusterObjects

    def hold(self, kind: str, *images: str, **spec: Any) -> None:
        """Puts an object called `cart` there."""
        self.server.objects[PATHS[kind]] = workload(kind, pod(*images), **spec)

    async def decide(self, body: bytes, settings: Settings | None = None, seconds: float = 10.0) -> Decision:
        """Decides about one review; all kinds are switched on unless settings are given."""
        settings = settings or self.world.settings(workloads=list(WORKLOADS), evaluateScaleUp=True)
        return await self.world.decider(settings, reader=self.objects).decide(question(body, seconds=seconds))

    async def said(self, body: bytes, settings: Settings | None = None) -> str:
        """Decides about one review and gives the outcome in one line."""
        return said(await self.decide(body, settings))


def referring(reference: Any = REFERENCE, **spec: Any) -> dict[str, Any]:
    """A Rollout that takes its pods from another object."""
    return workload("Rollout", None, **{"template": ABSENT, "workloadRef": reference} | spec)


def rollout(*images: str, **spec: Any) -> dict[str, Any]:
    """A Rollout that has its own template."""
    return workload("Rollout", pod(*images), **spec)


def to(kind: str, version: str, name: str = "cart") -> dict[str, str]:
    return {"apiVersion": version, "kind": kind, "name": name}


def found(decision: Decision) -> str:
    assert decision.overall is not None
    return decision.overall.found
