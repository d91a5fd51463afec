"""Conditions for tests, and a provider that answers them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tests.admission.requests import deployment, review
from tests.admission.world import World, question
from webhook.admission.decide import Decider
from webhook.admission.decision import Decision
from webhook.model.evidence import (
    EvidenceContext,
    EvidenceProblem,
    EvidenceQuery,
    EvidenceResult,
    EvidenceValue,
    Lane,
)
from webhook.model.evidence_hash import hash_value
from webhook.providers.env import EnvProvider
from webhook.settings.loading import Settings

READY: dict[str, Any] = {
    "name": "ready",
    "environments": ["production"],
    "query": {"provider": "env", "check": "get"},
    "comparator": "equals",
    "expected": "yes",
}
UNAVAILABLE = EvidenceResult(error=EvidenceProblem("evidence_unavailable", "it answers 429"))
REFUSED = EvidenceResult(error=EvidenceProblem("check_missing", "the provider has no such check"))
BY_DIGEST = {"bind": {"image_digest": "imageDigest"}}
BY_REPOSITORY = {"bind": {"repository": "repository"}}


def telling(value: Any) -> EvidenceResult:
    """A verified answer with a JSON value."""
    told = EvidenceValue("json", value)
    return EvidenceResult(told, Lane.VERIFIED, evidence_hash=hash_value(told))


class Teller:
    """A provider in the place of `env`, which gives what a function makes of the query, or that later."""

    provider_id = "env"
    contract = EnvProvider.contract

    def __init__(self, answer: Callable[[EvidenceQuery], EvidenceResult]) -> None:
        self._answer = answer
        self.asked: list[EvidenceQuery] = []
        self.contexts: list[EvidenceContext] = []
        self.open = asyncio.Event()
        self.open.set()

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers once it is open."""
        self.asked.append(query)
        self.contexts.append(context)
        await self.open.wait()
        return self._answer(query)


def always(result: EvidenceResult) -> Teller:
    """A provider that gives the same whatever it is asked."""
    return Teller(lambda _: result)


def settings(world: World, *conditions: Mapping[str, Any], **sections: Any) -> Settings:
    """The gate in Block mode, and conditions; each mapping changes `READY`."""
    entries = [READY | {"name": f"ready{index or ''}"} | dict(changes) for index, changes in enumerate(conditions)]
    own: dict[str, Any] = {"gates": {"conditions": entries}, "providers": {"env": {"allowlist": ["READY"]}}}
    return world.settings(**(own | sections))


def decider(world: World, teller: Teller, *conditions: Mapping[str, Any], **sections: Any) -> Decider:
    """Decides by these conditions, with the teller as their provider."""
    return world.decider(settings(world, *conditions, **sections), teller)


async def decided(world: World, teller: Teller, *images: str, condition: Mapping[str, Any] | None = None) -> Decision:
    """Decides about a new Deployment by one condition."""
    return await decider(world, teller, condition or {}).decide(question(review(deployment(*images))))


def of_conditions(decision: Decision) -> list[str]:
    """What the conditions alone say, image by image."""
    return [
        f"{ruling.result.gate} {ruling.result.result.value} {ruling.result.reason.value}"
        for entry in decision.images
        for ruling in entry.rulings
        if ruling.result.gate.startswith("conditions/")
    ]
