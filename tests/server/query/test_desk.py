"""The desk holds a provider to its deadline, and to the contract."""

import asyncio

from tests.admission.providers import always, metadata
from tests.harness.evidence import digest_of
from webhook.model.disclosure import Disclosure
from webhook.model.evidence import EvidenceContext, EvidenceQuery, TriggerTime
from webhook.server.query.desk import Answering, EvidenceDesk

CONTEXT = EvidenceContext(1, 1, "r", "s", "production", "t", TriggerTime("unix_millis", 0))
QUERY = EvidenceQuery("execution-evidence", "metadata", {"image_digest": digest_of("seen")})


async def test_a_provider_that_does_not_answer_is_unavailable() -> None:
    provider = always(None)
    desk = EvidenceDesk(lambda: Answering({"execution-evidence": provider}, Disclosure()), seconds=0.01)
    async with asyncio.timeout(5):
        result = await desk.answer(QUERY, CONTEXT)
    assert result.error is not None
    assert (result.error.code, result.value, result.evidence_hash) == ("evidence_unavailable", None, None)


async def test_each_query_takes_the_providers_of_its_moment() -> None:
    first, second = always(metadata({"a": "1"})), always(metadata({"a": "2"}))
    providers = {"execution-evidence": first}
    desk = EvidenceDesk(lambda: Answering(providers, Disclosure()))
    await desk.answer(QUERY, CONTEXT)
    providers = {"execution-evidence": second}
    await desk.answer(QUERY, CONTEXT)
    assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_without_providers_nothing_is_known() -> None:
    result = await EvidenceDesk(lambda: Answering({}, Disclosure())).answer(QUERY, CONTEXT)
    assert result.error is not None
    assert result.error.code == "provider_missing"
