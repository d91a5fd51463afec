"""Each question once, also where many ask at the same time, and where there was no answer."""

import asyncio

import pytest

from tests.admission.providers import UNAVAILABLE, always
from webhook.admission.decide import NO_TENANT
from webhook.errors import UnavailableError
from webhook.model.evidence import EvidenceContext, EvidenceQuery, PullIdentity, TriggerTime
from webhook.scan.once import Pace, ProviderOnce, ResolverOnce

POD = PullIdentity("shop", "default", ())
DIGEST = f"sha256:{'0' * 64}"


def context(namespace: str = "shop", pull: PullIdentity | None = None) -> EvidenceContext:
    return EvidenceContext(
        tenant_id=NO_TENANT,
        namespace_id=NO_TENANT,
        run_id="run",
        scenario_id="admission",
        stage_id="production",
        trigger_id="trigger",
        trigger_time=TriggerTime("unix_millis", 0),
        correlation_id=None,
        pull=pull,
        workload_namespace=namespace,
    )


def query(digest: str = DIGEST, environment: str = "production", check: str = "metadata") -> EvidenceQuery:
    params = {"image_digest": digest, "repository": None, "environment": environment}
    return EvidenceQuery("execution-evidence", check, params)


async def test_many_who_ask_the_same_at_once_are_one_question() -> None:
    pace, provider = Pace(), always(UNAVAILABLE)
    once = ProviderOnce(provider, pace, by_namespace=False)
    answers = await asyncio.gather(*(once.query(query(), context(f"shop-{index}")) for index in range(50)))
    assert pace.questions == 1
    assert all(answer is answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("other", "of"),
    [
        (query(environment="canary"), context()),
        (query(digest=f"sha256:{'1' * 64}"), context()),
        (query(check="another"), context()),
        # What one pod's secrets cannot see, another's can.
        (query(), context(pull=POD)),
    ],
)
async def test_what_may_have_another_answer_is_another_question(other: EvidenceQuery, of: EvidenceContext) -> None:
    pace = Pace()
    once = ProviderOnce(always(UNAVAILABLE), pace, by_namespace=False)
    await once.query(query(), context())
    await once.query(other, of)
    assert pace.questions == 2


async def test_a_provider_that_is_asked_in_a_namespace_s_name_is_asked_in_each() -> None:
    pace = Pace()
    once = ProviderOnce(always(UNAVAILABLE), pace, by_namespace=True)
    for namespace in ("shop", "shop", "other"):
        await once.query(query(), context(namespace))
    assert pace.questions == 2


class Registry:
    """Knows one tag, and cannot be reached for others."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:  # noqa: ARG002 - the protocol's
        self.asked.append(tag)
        if tag == "down":
            raise UnavailableError("the registry is down")
        return DIGEST if tag == "known" else None


async def test_a_tag_is_resolved_once_whatever_comes_of_it() -> None:
    registry = Registry()
    once = ResolverOnce(registry, Pace())
    for _ in range(3):
        assert await once.resolve("registry.example.com/cart", "known", None) == DIGEST
        assert await once.resolve("registry.example.com/cart", "unknown", None) is None
        with pytest.raises(UnavailableError, match="the registry is down"):
            await once.resolve("registry.example.com/cart", "down", None)
    assert registry.asked == ["known", "unknown", "down"]
