"""A Deployment with a history: ReplicaSets that it made, some of them with an image that is stale by now."""

from datetime import datetime, timedelta
from typing import Any

from tests.admission.providers import ScriptedProvider
from tests.admission.requests import OLD, SEEN, asking, body_of, deployment, pod
from tests.admission.world import NOW, World, question, said
from tests.simulators.replica_sets import ReplicaSetsSimulator
from webhook.admission.decision import Decision
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult
from webhook.model.timestamp import format_rfc3339
from webhook.providers.protocol import EvidenceProvider
from webhook.server.objects import ClusterObjects

UID = "object-uid"
ALLOW: dict[str, Any] = {"MaxEvidenceAge": "720h", "Rollback": "AllowPreviouslyAdmitted"}
OBSERVED = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""When the observation of `OLD` ended."""
FRESH = OBSERVED + timedelta(days=3)
"""When `OLD` would have been admitted."""
RETURNED = "Warn Rollback"
STALE = "Fail EvidenceStale"
SELECTOR = {"selector": {"matchLabels": {"app": "cart"}}}


def owned(uid: str = UID, *, controller: Any = True, kind: str = "Deployment") -> list[dict[str, Any]]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": "cart", "uid": uid, "controller": controller}]


def replica_set(
    *images: str, created: datetime | str = FRESH, name: str = "cart-1", owners: Any = None, **metadata: Any
) -> dict[str, Any]:
    """A ReplicaSet of the Deployment `cart`, as the API server lists it."""
    identity = {
        "name": name,
        "uid": f"uid-{name}",
        "creationTimestamp": created if isinstance(created, str) else format_rfc3339(created),
        "labels": {"app": "cart"},
        "ownerReferences": owned() if owners is None else owners,
    }
    return {"metadata": identity | metadata, "spec": {"replicas": 0, "template": {"spec": pod(*images)}}}


def rolled_back(to: Any, before: Any, **changes: Any) -> bytes:
    """The review of an update from one image, or object, to another."""
    new, old = (deployment(image, **SELECTOR) if isinstance(image, str) else image for image in (to, before))
    return body_of(asking(new, old, **changes))


BACK = rolled_back(OLD, SEEN)
"""Back from an image that passes to one whose evidence is stale."""
NEVER_RAN = "none of the workload's ReplicaSets has this image"
NEVER_FRESH = "no ReplicaSet of the workload with this image was made while its evidence was fresh"


class ForgetfulProvider(ScriptedProvider):
    """Says one thing of now, and another of every other time."""

    def __init__(self, now: EvidenceResult, then: EvidenceResult) -> None:
        super().__init__({}, now)
        self._then = then

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """As `ScriptedProvider.query`."""
        return await super().query(query, context) if context.trigger_time == NOW else self._then


class Shop:
    """A decider that reads the history of workloads from a simulated API server."""

    def __init__(self, world: World, api: ReplicaSetsSimulator, objects: ClusterObjects | None) -> None:
        self.world = world
        self.api = api
        self.objects = objects
        self.policy: dict[str, Any] = dict(ALLOW)
        self.beacons: dict[str, Any] = {}
        self.sections: dict[str, Any] = {}
        self.provider: EvidenceProvider | None = None

    async def decide(self, body: bytes, environment: str = "production", seconds: float = 10.0) -> Decision:
        gates = {"ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block", **self.policy}}
        gates |= {"BeaconRate": self.beacons}
        settings = self.world.settings(**{"PolicyGates": gates, **self.sections})
        decider = self.world.decider(settings, self.provider, reader=self.objects)
        return await decider.decide(question(body, environment, seconds))

    async def said(self, body: bytes, environment: str = "production") -> str:
        return said(await self.decide(body, environment))

    async def refusal(self, body: bytes) -> str:
        """Why the history does not help."""
        decision = await self.decide(body)
        assert said(decision) == STALE
        (entry,) = decision.images
        assert entry.rollback is not None
        assert entry.rollback.revision is None
        assert entry.rollback.overruled == ()
        return entry.rollback.found
