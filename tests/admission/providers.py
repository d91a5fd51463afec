"""Providers that fail on purpose, as the contract of providers allows and as it does not."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.harness.evidence import digest_of
from webhook.model.evidence import EvidenceContext, EvidenceProblem, EvidenceQuery, EvidenceResult, EvidenceValue
from webhook.providers.execution_evidence_contract import CONTRACT

Answer = EvidenceResult | BaseException | None

GOOD = {
    "has_execution_evidence": "true",
    "execution_evidence_hot_symbol_count": "42",
    "execution_evidence_unique_call_paths": "17",
    "execution_evidence_reason": "EvidenceSufficient",
    "execution_evidence_detail": "a statement",
}
UNAVAILABLE = EvidenceResult(error=EvidenceProblem("evidence_unavailable", "store registry: it answers 429"))


def metadata(value: Any) -> EvidenceResult:
    """An answer with a JSON value."""
    return EvidenceResult(value=EvidenceValue("json", value))


class ScriptedProvider:
    """Gives what its script says: an answer, an exception, or None for no answer ever."""

    provider_id = "execution-evidence"
    contract = CONTRACT

    def __init__(self, script: Mapping[str, Answer], otherwise: Answer = None) -> None:
        """Takes answers by the names of the tests' images."""
        self._script = {digest_of(name): answer for name, answer in script.items()}
        self._otherwise = otherwise
        self.asked: list[Any] = []
        self.contexts: list[EvidenceContext] = []

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers, raises or hangs."""
        self.asked.append(query.params)
        self.contexts.append(context)
        answer = self._script.get(query.params["image_digest"], self._otherwise)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, BaseException):
            raise answer
        assert answer is not None
        return answer


def always(answer: Answer) -> ScriptedProvider:
    """A provider that gives the same for every image."""
    return ScriptedProvider({}, answer)
