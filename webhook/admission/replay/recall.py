"""What answers in a replay: the envelopes that the record names, or else the very answer that it holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from webhook.admission.condition_ruler import ConditionRuler
from webhook.admission.replay.failure import CannotReplayError, Missing, TamperedError
from webhook.admission.replay.recorded import RecordedImage, RecordedRuling
from webhook.admission.ruler import Asking
from webhook.errors import UnavailableError
from webhook.gates.conditions import Condition
from webhook.gates.registry import GATES
from webhook.model.basis import EvidenceBasis
from webhook.model.contract import ProviderContract
from webhook.model.disclosure import Disclosure
from webhook.model.evidence import EvidenceContext, EvidenceProblem, EvidenceQuery, EvidenceResult, PullIdentity
from webhook.model.evidence_wire import WireError, read_result
from webhook.providers.checks import CHECK_METADATA
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import Candidate, EvidenceStore, Found, ImageSubject

Judging = Callable[[Settings, Sequence[EvidenceStore]], Mapping[str, EvidenceProvider]]
"""Makes the providers of a configuration over some stores: the server's own."""
Envelopes = Mapping[str, bytes]
"""`sha256:…` to the bytes that have this digest."""

_UNAVAILABLE = "evidence_unavailable"
_STATEMENTS = frozenset(gate.provider_id for gate in GATES.values())
"""Providers that answer from envelopes alone. No other is ever asked in a replay."""


class RecalledStore:
    """A store that finds exactly what was found then.

    Attributes:
        name: `record`.
        remote: False: all is at hand.
        found: What it gives.
    """

    name = "record"
    remote = False

    def __init__(self) -> None:
        """Holds nothing yet."""
        self.found = Found(())

    async def start(self) -> None:
        """Does nothing."""

    async def stop(self) -> None:
        """Does nothing."""

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:  # noqa: ARG002 - the protocol's
        """Gives what was found, whatever is asked for: one question is put at a time."""
        return self.found

    def gap(self) -> UnavailableError | None:
        """Says nothing of the store as a whole."""
        return None


class RecalledProvider:
    """Answers one ruler's queries as they were answered then.

    Attributes:
        provider_id: The id that a query names.
        contract: What is said of it; nothing, since nobody asks here.
        ruling: The ruling that is made again.
    """

    def __init__(
        self, provider_id: str, settings: Settings, envelopes: Envelopes | None, judging: Judging | None
    ) -> None:
        """Binds the provider.

        Args:
            provider_id: Whose queries it answers.
            settings: The snapshot.
            envelopes: Judged anew, by the provider's own code; None to take the recorded answers where that will do.
            judging: Makes that provider; None where there are no trusted keys to judge by.
        """
        self.provider_id = provider_id
        self.contract = ProviderContract(provider_id, provider_id, "Answers as it did when the record was made.", ())
        self.ruling: RecordedRuling | None = None
        self._envelopes = envelopes
        self._store = RecalledStore()
        self._judge: EvidenceProvider | None = None
        if judging is not None and provider_id in _STATEMENTS:
            self._judge = judging(settings, [self._store])[provider_id]

    @property
    def has_envelopes(self) -> bool:
        """Whether envelopes are judged anew."""
        return self._envelopes is not None and self._judge is not None

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers.

        Raises:
            CannotReplayError: An envelope, or the answer's value, is missing.
            TamperedError: The record contradicts itself.
        """
        if self.ruling is None:
            raise TamperedError("nobody was asked then about what is asked for now")
        basis = self.ruling.made_of
        if self._judge is None or (self._envelopes is None and not self.ruling.redacted):
            return recorded_answer(self.ruling, query)
        if basis is None:
            if (self.ruling.evidence or {}).get("evidence_hash") is not None:
                raise TamperedError("an answer that was made of envelopes names none")
            return recorded_answer(self.ruling, query)
        self._store.found = _found(basis, self._envelopes or {})
        return await self._judge.query(query, context)


class RecalledCondition(ConditionRuler):
    """A condition at work on recorded answers; also on the one that never came."""

    def __init__(self, condition: Condition, disclosure: Disclosure, provider: RecalledProvider) -> None:
        """Binds the condition, as `ConditionRuler` does."""
        super().__init__(condition, disclosure, provider)
        self._recalled = provider

    async def answer(self, query: EvidenceQuery, asking: Asking) -> EvidenceResult | None:
        """As `ConditionRuler.answer`; that nobody answered in time is a fact, which no clock here would repeat."""
        ruling = self._recalled.ruling
        if ruling is not None and ruling.found_nothing_out:
            return None
        return await super().answer(query, asking)


class RecalledTag:
    """Resolves a tag to what it pointed to then.

    Attributes:
        image: The image that is ruled on.
    """

    def __init__(self) -> None:
        """Knows no tag yet."""
        self.image: RecordedImage | None = None

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:  # noqa: ARG002 - the protocol's
        """As `TagResolver.resolve`."""
        if self.image is None:
            return None
        problem = self.image.unresolved
        if problem is not None:
            raise UnavailableError(problem)
        return self.image.place.resolved


def _found(basis: EvidenceBasis, envelopes: Envelopes) -> Found:
    missing = [
        Missing(f"the envelope {origin.digest}, which lay in {origin.uri}", origin.digest, origin.uri)
        for origin in basis.origins
        if origin.digest not in envelopes
    ]
    if missing:
        raise CannotReplayError(*missing)
    candidates = [
        Candidate(envelopes[origin.digest], origin.digest, origin.uri, origin.platform) for origin in basis.origins
    ]
    gap = None if basis.gap is None else UnavailableError(basis.gap)
    return Found(tuple(candidates), gap, basis.platforms, basis.remark)


def is_judged(provider_id: str) -> bool:
    """Tells whether a provider answers from envelopes alone.

    Args:
        provider_id: Its id.

    Returns:
        True if it does, so that its answers can be judged anew.
    """
    return provider_id in _STATEMENTS


def recorded_answer(ruling: RecordedRuling, query: EvidenceQuery) -> EvidenceResult:
    """Gives the very answer that a record holds.

    Args:
        ruling: The ruling that rests on it.
        query: The query that it answers.

    Returns:
        The answer.

    Raises:
        CannotReplayError: Its value is not shown.
        TamperedError: The record contradicts itself.
    """
    if ruling.evidence is None:
        raise TamperedError("a ruling that rests on an answer holds none")
    try:
        evidence = read_result(ruling.evidence)
    except WireError as error:
        raise TamperedError(f"the evidence is not what a provider gives: {error}") from None
    basis = ruling.made_of
    if ruling.redacted:
        raise CannotReplayError(*_instead(basis, query.provider_id))
    place = evidence.evidence_ref
    if basis is not None and place is not None and place.uri not in {origin.uri for origin in basis.origins}:
        raise TamperedError("the evidence lies where no candidate lay")
    evidence = replace(evidence, basis=basis)
    _check_gate_metadata(evidence, query)
    return evidence


def _instead(basis: EvidenceBasis | None, provider_id: str) -> list[Missing]:
    """Says what would do in the place of a value that is not shown."""
    if basis is None:
        return [Missing(f"the value that {provider_id} gave, which the record does not show")]
    if not basis.origins:
        return [Missing(f"the configuration, to judge anew what {provider_id} said without any envelope")]
    return [
        Missing(f"the envelope {origin.digest}, which lay in {origin.uri}", origin.digest, origin.uri)
        for origin in basis.origins
    ]


def _check_gate_metadata(evidence: EvidenceResult, query: EvidenceQuery) -> None:
    """Checks what a gate believes of its own provider, and nobody need say of others."""
    gate = next((gate for gate in GATES.values() if gate.provider_id == query.provider_id), None)
    if gate is None:
        return
    anchor = evidence.evidence_anchor
    asked = query.params.get("image_digest") if isinstance(query.params, dict) else None
    if anchor is not None and (anchor.anchor_type, anchor.anchor_value) != ("image_digest", asked):
        raise TamperedError("the evidence is about another image")
    if evidence.basis is not None:
        gap = evidence.basis.gap
        if evidence.error != (None if gap is None else EvidenceProblem(_UNAVAILABLE, gap)):
            raise TamperedError("the error is not about what could not be read")
    if query.check_id != CHECK_METADATA or evidence.value is None:
        return
    value = evidence.value.value
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TamperedError("the evidence is no metadata of a gate")
    if gate.detail not in value or value.get(gate.reason) not in set(ReasonCode):
        raise TamperedError("the evidence is no metadata of a gate")
