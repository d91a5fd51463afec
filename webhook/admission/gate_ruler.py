"""A gate of the registry at work: its provider's answer in, a ruling out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from webhook.admission.decision import Ruling
from webhook.admission.found import undisclosed
from webhook.admission.ruler import Asking, Subject
from webhook.gates.policy import Action
from webhook.gates.registry import Gate
from webhook.limits import LIMITS
from webhook.model.bounded import remember
from webhook.model.disclosure import redacted
from webhook.model.evidence import EvidenceQuery, EvidenceResult
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.providers.checks import CHECK_METADATA
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings

_Key = tuple[str, str | None, str]
"""Digest, repository, environment."""


class GateRuler:
    """Rules by one gate.

    A ruling depends on nothing but the settings, the environment and the provider's answer. A provider that gives
    the very same answer object again (the warm case) therefore gets the ruling that it got before.
    """

    needs_digest = True

    def __init__(self, gate: Gate[Any], settings: Settings, provider: EvidenceProvider) -> None:
        """Binds the gate to a snapshot.

        Args:
            gate: The gate.
            settings: One snapshot, used throughout.
            provider: The gate's provider, by the same snapshot.
        """
        self._gate = gate
        self._policy = gate.policy(settings.file.policy_gates)
        self._provider = provider
        self._shows_raw = settings.disclosure.shows_raw(gate.provider_id)
        self._rulings: dict[_Key, tuple[EvidenceResult, Ruling]] = {}

    def active(self, environment: str) -> bool:
        """As `Ruler.active`."""
        policy = self._policy.for_environment(environment)
        return bool(policy.enabled and policy.requires(environment))

    def passed_before(self, subject: Subject, environment: str) -> bool:
        """As `Ruler.passed_before`."""
        if subject.digest is None:
            return False
        known = self._rulings.get((subject.digest, subject.repository, environment))
        return known is not None and known[1].result.result is Verdict.PASS

    def without_evidence(self, environment: str, reason: ReasonCode, found: str) -> Ruling:
        """As `Ruler.without_evidence`: the gate's ruling on missing evidence, with that reason."""
        result = self.run(environment, {self._gate.has: "false"})
        return Ruling(replace(result, reason=reason), found)

    def unavailable(self, environment: str, found: str) -> Ruling:
        """As `Ruler.unavailable`: by the gate's `UnavailableEvidenceAction`."""
        return Ruling(self._unavailable(environment), found)

    def run(self, environment: str, metadata: Mapping[str, str]) -> GateResult:
        """Runs the gate.

        Args:
            environment: The target environment.
            metadata: What is known.

        Returns:
            Its result.
        """
        return self._gate.evaluate(self._policy, GateContext(environment, metadata))

    async def rule(self, subject: Subject, asking: Asking) -> Ruling:
        """As `Ruler.rule`."""
        environment = asking.environment
        digest, repository = subject
        params = {"image_digest": digest, "repository": repository, "environment": environment}
        evidence = await self._provider.query(
            EvidenceQuery(self._provider.provider_id, CHECK_METADATA, params), asking.context
        )
        if digest is None:
            return self._rule(evidence, environment)
        key = (digest, repository, environment)
        known = self._rulings.get(key)
        if known is not None and known[0] is evidence:
            return known[1]
        ruling = self._rule(evidence, environment)
        if evidence.error is None:
            remember(self._rulings, key, (evidence, ruling), LIMITS.answers_at_hand)
        return ruling

    def _unavailable(self, environment: str) -> GateResult:
        action = self._policy.for_environment(environment).unavailable_action
        verdict = Verdict.WARN if action is Action.WARN else Verdict.FAIL
        return GateResult(self._gate.gate_id, verdict, self._gate.unavailable, ReasonCode.EVIDENCE_UNAVAILABLE)

    def _rule(self, evidence: EvidenceResult, environment: str) -> Ruling:
        if evidence.error is not None or evidence.value is None:
            found = evidence.error.message if evidence.error is not None else "an empty answer"
            return Ruling(self._unavailable(environment), found, self._disclosed(evidence))
        metadata = evidence.value.value
        result = self.run(environment, metadata)
        if result.reason is self._gate.missing:
            # Say what was found and did not count; the verdict stays the gate's.
            result = replace(result, reason=ReasonCode(metadata[self._gate.reason]))
        found = metadata[self._gate.detail]
        if not self._shows_raw:
            found = undisclosed(evidence, result.reason, found, metadata.get(self._gate.signer))
        return Ruling(result, found, self._disclosed(evidence))

    def _disclosed(self, evidence: EvidenceResult) -> EvidenceResult:
        return evidence if self._shows_raw else redacted(evidence)
