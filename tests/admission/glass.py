"""Requests that claim an emergency, and an API server that says who may."""

from datetime import timedelta
from typing import Any

from tests.admission.requests import pod, review, workload
from tests.admission.world import INSTANT, World, question, respond, said
from tests.simulators.caller_reviews import ReviewsSimulator
from tests.support.statements import changed
from webhook.admission.decision import Decision
from webhook.model.timestamp import format_rfc3339
from webhook.providers.protocol import EvidenceProvider
from webhook.server.objects import ClusterObjects

ADMIN: dict[str, Any] = {
    "username": "root@example.com",
    "uid": "u-1",
    "groups": ["sre"],
    "extra": {"example.com/scope": ["all"]},
}
BROKEN = "Warn BreakGlass"
DENIED = "Fail EvidenceMissing"
REASON = "stella.ops/break-glass"
EXPIRES = "stella.ops/break-glass-expires"
ACCESS = "subjectaccessreviews"


def at(hours: float = 1.0, seconds: float = 0.0) -> str:
    return format_rfc3339(INSTANT + timedelta(hours=hours, seconds=seconds))


def annotated(*images: str, notes: Any = (), kind: str = "Deployment") -> dict[str, Any]:
    """A workload that claims an emergency for an hour."""
    notes = changed({REASON: "checkout is down, INC-7", EXPIRES: at()}, dict(notes))
    return workload(kind, pod(*images), metadata={"name": "cart", "uid": "object-uid", "annotations": notes})


class Glass:
    """A decider that asks a simulated API server who may."""

    def __init__(self, world: World, api: ReviewsSimulator, objects: ClusterObjects | None) -> None:
        self.world = world
        self.api = api
        self.objects = objects
        self.section: dict[str, Any] = {"enabled": True}
        self.policy: dict[str, Any] = {}
        self.provider: EvidenceProvider | None = None

    async def decide(self, body: bytes, environment: str = "production", seconds: float = 10.0) -> Decision:
        settings = self.world.settings(
            self.policy, breakGlass=self.section, workloads=["Deployment", "Pod", "Rollout"]
        )
        decider = self.world.decider(settings, self.provider, reader=self.objects)
        return await decider.decide(question(body, environment, seconds))

    async def said(self, body: bytes, environment: str = "production") -> str:
        return said(await self.decide(body, environment))

    async def refusal(self, body: bytes) -> str:
        """Why a claim does not count; the request is denied as if there were none."""
        decision = await self.decide(body)
        assert said(decision) == DENIED
        assert decision.break_glass is not None
        assert not decision.break_glass.honoured
        text: str = respond(decision, body, self.world.settings())["status"]["message"]
        assert text.startswith(f"\nbreak-glass: not honoured, since {decision.break_glass.problem}\n")
        return decision.break_glass.problem


def emergency(*images: str, old: Any = None, **changes: Any) -> bytes:
    """An administrator's request with both annotations."""
    return review(annotated(*images), old, userInfo=ADMIN, **changes)
