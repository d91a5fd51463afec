"""What the gate says about one image: by its reference alone, or after the provider was asked."""

from collections.abc import Mapping
from dataclasses import replace

from webhook.admission.decision import ImageDecision, Ruling
from webhook.admission.images import WorkloadImage
from webhook.errors import UnavailableError
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.policy import Action, TagPolicy
from webhook.gates.registry import GATES
from webhook.limits import LIMITS
from webhook.model import gate
from webhook.model.bounded import remember
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult
from webhook.model.gate import GateContext, GateResult, Verdict
from webhook.model.image import ImageReference
from webhook.providers.execution_evidence import CHECK_METADATA
from webhook.providers.protocol import EvidenceProvider
from webhook.reasons import ReasonCode
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

_DEFAULT_TAG = "latest"
"""What a runtime pulls where neither tag nor digest is named."""

_Key = tuple[str, str, str]
"""Digest, repository, environment."""


class ImageRuler:
    """Rules on images by one snapshot of the settings.

    A ruling depends on nothing but the settings, the environment and the provider's answer. A provider that gives
    the very same answer object again (the warm case) therefore gets the ruling that it got before.
    """

    def __init__(self, settings: Settings, provider: EvidenceProvider, resolver: TagResolver | None) -> None:
        """Binds the ruler to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            provider: Answers for image digests by the same snapshot.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
        """
        self._settings = settings
        self._provider = provider
        self._resolver = resolver
        self._rulings: dict[_Key, Ruling] = {}

    def rule_unasked(self, image: WorkloadImage, environment: str) -> ImageDecision | ImageReference:
        """Rules on an image that nobody need be asked about.

        Args:
            image: The image.
            environment: The target environment.

        Returns:
            The decision, or the reference that somebody must be asked about.
        """
        reference = image.reference
        if reference is None:
            ruling = self.without_evidence(environment, ReasonCode.IMAGE_REFERENCE_INVALID, image.problem)
        elif self._settings.exempt_images and self._settings.is_exempt(reference.repository):
            ruling = Ruling(_EXEMPT, f"{reference.repository} matches exemptImages")
        elif reference.digest is None and not self._resolves(environment):
            found = "a tag, which may point to another image tomorrow"
            ruling = self.without_evidence(environment, ReasonCode.IMAGE_NOT_PINNED, found)
        else:
            return reference
        return ImageDecision(image, ruling)

    def passed_before(self, reference: ImageReference, environment: str) -> bool:
        """Tells whether an image passed lately, so that the answer about it is most likely at hand.

        Args:
            reference: The image.
            environment: The target environment.

        Returns:
            True if it did.
        """
        if reference.digest is None:
            return False
        known = self._rulings.get((reference.digest, reference.repository, environment))
        return known is not None and known.result.result is Verdict.PASS

    async def rule(self, image: WorkloadImage, reference: ImageReference, context: EvidenceContext) -> ImageDecision:
        """Rules on an image by what is known of its digest.

        Args:
            image: The image.
            reference: What `rule_unasked` gave for it.
            context: On whose behalf it is asked.

        Returns:
            The decision.
        """
        if reference.digest is not None:
            return ImageDecision(image, await self._ask(reference.digest, reference.repository, context))
        digest = await self._resolve(reference, context)
        if isinstance(digest, Ruling):
            return ImageDecision(image, digest)
        return ImageDecision(image, await self._ask(digest, reference.repository, context), digest)

    def without_evidence(self, environment: str, reason: ReasonCode, found: str) -> Ruling:
        """Treats what cannot be looked up as what has no evidence.

        Args:
            environment: The target environment.
            reason: Why it cannot.
            found: The same in one clause.

        Returns:
            The gate's ruling on missing evidence, with that reason.
        """
        result = self.run_gate(environment, {gate.HAS_EVIDENCE: "false"})
        return Ruling(replace(result, reason=reason), found)

    def run_gate(self, environment: str, metadata: Mapping[str, str]) -> GateResult:
        """Runs the gate.

        Args:
            environment: The target environment.
            metadata: What is known.

        Returns:
            Its result.
        """
        return GATES[GATE_ID](self._settings.policy, GateContext(environment, metadata))

    def _resolves(self, environment: str) -> bool:
        policy = self._settings.policy.for_environment(environment)
        return policy.tag_policy is TagPolicy.RESOLVE and self._resolver is not None

    async def _resolve(self, reference: ImageReference, context: EvidenceContext) -> str | Ruling:
        """Gives the digest that a tag points to now, or the ruling that follows from there being none."""
        environment = context.stage_id
        tag = reference.tag or _DEFAULT_TAG
        try:
            digest = await self._resolver.resolve(reference.repository, tag, context.pull) if self._resolver else None
        except UnavailableError as error:
            return Ruling(unavailable(self._settings, environment), f"the tag cannot be resolved: {error.detail}")
        if digest is None:
            found = f"a tag that {reference.host} does not know, or a repository that must not be asked"
            return self.without_evidence(environment, ReasonCode.IMAGE_NOT_PINNED, found)
        return digest

    async def _ask(self, digest: str, repository: str, context: EvidenceContext) -> Ruling:
        key = (digest, repository, context.stage_id)
        params = {"image_digest": digest, "repository": repository, "environment": context.stage_id}
        query = EvidenceQuery(self._provider.provider_id, CHECK_METADATA, params)
        evidence = await self._provider.query(query, context)
        known = self._rulings.get(key)
        if known is not None and known.evidence is evidence:
            return known
        ruling = self._rule(evidence, context.stage_id)
        if evidence.error is None:
            remember(self._rulings, key, ruling, LIMITS.answers_at_hand)
        return ruling

    def _rule(self, evidence: EvidenceResult, environment: str) -> Ruling:
        if evidence.error is not None or evidence.value is None:
            found = evidence.error.message if evidence.error is not None else "an empty answer"
            return Ruling(unavailable(self._settings, environment), found, evidence)
        metadata = evidence.value.value
        result = self.run_gate(environment, metadata)
        if result.reason is ReasonCode.EVIDENCE_MISSING:
            # Say what was found and did not count; the verdict stays the gate's.
            result = replace(result, reason=ReasonCode(metadata[gate.REASON]))
        return Ruling(result, metadata[gate.DETAIL], evidence)


def unavailable(settings: Settings, environment: str) -> GateResult:
    """Gives the result for an artifact about which nothing could be found out.

    Args:
        settings: The snapshot in force.
        environment: The target environment.

    Returns:
        Warn or Fail by `UnavailableEvidenceAction`; never Pass.
    """
    action = settings.policy.for_environment(environment).unavailable_action
    verdict = Verdict.WARN if action is Action.WARN else Verdict.FAIL
    message = "Execution evidence could not be looked up for this artifact"
    return GateResult(GATE_ID, verdict, message, ReasonCode.EVIDENCE_UNAVAILABLE)


_EXEMPT = GateResult(GATE_ID, Verdict.PASS, "Image is exempt from execution evidence", ReasonCode.IMAGE_EXEMPT)
