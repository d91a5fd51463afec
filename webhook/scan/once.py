"""Each question once in a scan, whoever asks it: thousands of workloads run hundreds of images."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from webhook.errors import UnavailableError
from webhook.kube.pacing import TokenBucket
from webhook.limits import LIMITS
from webhook.model.bounded import remember
from webhook.model.canonical_value import canonical_value
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, PullIdentity
from webhook.providers.protocol import EvidenceProvider
from webhook.stores.protocol import TagResolver

_V = TypeVar("_V")


class Pace:
    """What all questions of a scan share: their rate, and their number.

    Attributes:
        questions: Questions that were really asked.
    """

    def __init__(self) -> None:
        """Has asked nothing yet."""
        self._bucket = TokenBucket(LIMITS.scan_question_rate, LIMITS.scan_question_burst)
        self._turn = asyncio.Lock()
        self.questions = 0

    async def take(self) -> None:
        """Waits until one more question is within bounds, and counts it."""
        async with self._turn:
            await self._bucket.take()
        self.questions += 1


class _Answer(Generic[_V]):
    """An answer that is there, or somebody is fetching."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.value: _V | None = None


class _Answers(Generic[_V]):
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._known: dict[Hashable, _Answer[_V]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[_V]]) -> _V:
        answer = self._known.get(key)
        if answer is None:
            answer = _Answer()
            remember(self._known, key, answer, LIMITS.scan_questions)
        # A lock and no task: whoever is cancelled takes nobody's answer along, and leaves nothing running.
        async with answer.lock:
            if answer.value is None:
                await self._pace.take()
                answer.value = await ask()
            return answer.value


class ProviderOnce:
    """A provider as a scan asks it: what could not be found out is not asked again either.

    Attributes:
        provider_id: The provider's.
        contract: The provider's.
    """

    def __init__(self, provider: EvidenceProvider, pace: Pace, *, by_namespace: bool) -> None:
        """Remembers nothing yet.

        Args:
            provider: Who answers.
            pace: Shared by a scan's providers.
            by_namespace: Whether the workload's namespace may change the answer.
        """
        self._provider = provider
        self._answers: _Answers[EvidenceResult] = _Answers(pace)
        self._by_namespace = by_namespace
        self.provider_id = provider.provider_id
        self.contract = provider.contract

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """As `EvidenceProvider.query`; all queries have the same clock."""
        namespace = context.workload_namespace if self._by_namespace else None
        key = (query.check_id, canonical_value(query.params), context.pull, namespace)
        return await self._answers.get(key, lambda: self._provider.query(query, context))


class ResolverOnce:
    """A resolver of tags as a scan asks it."""

    def __init__(self, resolver: TagResolver, pace: Pace) -> None:
        """Remembers nothing yet.

        Args:
            resolver: Who answers.
            pace: As for `ProviderOnce`.
        """
        self._resolver = resolver
        self._answers: _Answers[tuple[str | None, UnavailableError | None]] = _Answers(pace)

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:
        """As `TagResolver.resolve`."""

        async def _ask() -> tuple[str | None, UnavailableError | None]:
            try:
                return await self._resolver.resolve(repository, tag, pull), None
            except UnavailableError as error:
                return None, error

        digest, error = await self._answers.get((repository, tag, pull), _ask)
        if error is not None:
            raise UnavailableError(error.detail)
        return digest
