"""The webhook's decision without a webhook: the review that a CREATE would bring, decided on the spot."""

from dataclasses import dataclass
from datetime import UTC, datetime

from webhook.admission.creation import Created, creation_review
from webhook.admission.decide import Question
from webhook.admission.decision import Decision
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.cli.manifests import Manifest
from webhook.model.evidence import TriggerTime
from webhook.model.timestamp import unix_millis
from webhook.server.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class Preflight:
    """A decision about a manifest.

    Attributes:
        manifest: The workload.
        decision: The decision.
        record: Its record.
    """

    manifest: Manifest
    decision: Decision
    record: DecisionRecord


async def preflight(manifest: Manifest, environment: str, rules: Ruleset, deadline: float) -> Preflight:
    """Decides about a manifest as the webhook would about its CREATE.

    Args:
        manifest: The workload.
        environment: The target environment.
        rules: The configuration, and what decides by it.
        deadline: When the decision must stand, on `time.monotonic`'s scale, seconds.

    Returns:
        The decision and its record.

    Raises:
        ReviewError: The manifest cannot be part of a review (it holds what JSON cannot say).
    """
    body = creation_review(Created(manifest.content, manifest.kind, manifest.namespace, manifest.name))
    review = decode_review(body)
    now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
    question = Question(review, body, environment, now, deadline)
    decision = await rules.decider.decide(question)
    return Preflight(manifest, decision, record_decision(decision, review, rules.settings, now))
