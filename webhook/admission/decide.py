"""From a review to a decision: which images, what is known of them, what the gates and conditions say."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from webhook.admission.break_glass import read_claim
from webhook.admission.bypass import AccessReviewer, Bypass
from webhook.admission.condition_ruler import ConditionRuler
from webhook.admission.decision import Decision
from webhook.admission.gate_ruler import GateRuler
from webhook.admission.images import new_images, pull_identity
from webhook.admission.panel import Panel
from webhook.admission.pod_finder import ObjectReader, PodFinder
from webhook.admission.pods import PodSource, WorkloadNotReadableError, workload_kind
from webhook.admission.review import Review
from webhook.admission.revisions import RevisionReader
from webhook.admission.rollback import RollbackRule
from webhook.admission.ruler import Asking
from webhook.errors import UnavailableError
from webhook.gates.registry import GATES
from webhook.model.evidence import EvidenceContext, TriggerTime
from webhook.model.gate import Verdict
from webhook.providers.protocol import EvidenceProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

NO_TENANT = 2**64 - 1
"""The contract wants ids; admission asks for itself. The highest id, which nobody maps to a tenant."""


class Question(NamedTuple):
    """One review and everything that its decision depends on.

    Attributes:
        review: The request.
        body: The bytes that it was decoded from.
        environment: The target environment, from the URL.
        trigger_time: The clock, Unix milliseconds.
        deadline: When an answer must stand, on `time.monotonic`'s scale, seconds.
    """

    review: Review
    body: bytes
    environment: str
    trigger_time: TriggerTime
    deadline: float


class Cluster(ObjectReader, RevisionReader, AccessReviewer, Protocol):
    """What a review may need of the cluster."""


class Decider:
    """Decides by one snapshot of the settings."""

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, EvidenceProvider],
        resolver: TagResolver | None = None,
        reader: Cluster | None = None,
    ) -> None:
        """Binds the decider to its snapshot.

        Args:
            settings: One snapshot, used throughout.
            providers: Who answers by the same snapshot, by id; those of all gates are among them.
            resolver: Resolves tags where `TagPolicy` says so; None where there is no registry store.
            reader: Reads what a review does not bring, and asks who may bypass; None where there is no cluster.
        """
        self._settings = settings
        self._pods = PodFinder(settings.file.workloads, reader, scale_up=settings.file.evaluate_scale_up)
        gates = [GateRuler(gate, settings, providers[gate.provider_id]) for gate in GATES.values()]
        conditions = [
            ConditionRuler(condition, settings.disclosure, providers.get(condition.query.provider_id))
            for condition in settings.conditions
        ]
        self._panel = Panel(settings, gates, conditions, resolver)
        self._bypass = Bypass(settings.file.break_glass, reader)
        self._rollback = RollbackRule(settings, reader)

    async def decide(self, question: Question) -> Decision:
        """Decides about one review.

        Args:
            question: The review, its environment and its clock.

        Returns:
            The decision. It is complete by the deadline: what is not known by then is unavailable.
        """
        # Looking for a claim takes time. Where none can count, only a denial needs it, to say so.
        claim = read_claim(question.review, question.body) if self._bypass.enabled else None
        deadline = question.deadline
        if claim is not None:
            question = question._replace(deadline=self._bypass.time_to_decide(deadline))
        decision = await self._decide(question)
        if decision.verdict is Verdict.FAIL and not self._bypass.enabled:
            claim = read_claim(question.review, question.body)
        if claim is None:
            return decision
        return await self._bypass.consider(decision, claim, question.trigger_time, deadline)

    async def _decide(self, question: Question) -> Decision:
        environment = question.environment
        rulers = self._panel.active(environment)
        if not rulers:
            return self._panel.inactive(environment)
        try:
            source = await self._pods.find(question.review, question.deadline)
            images = [] if source is None else new_images(question.review, question.body, source)
        except UnavailableError as error:
            return self.unavailable(environment, error.detail)
        except WorkloadNotReadableError as error:
            return self._panel.unreadable(environment, str(error))
        if source is None or not images:
            return self._panel.unchanged(environment)
        asking = self._asking(question, source)
        decision = await self._panel.decide_images(images, asking, rulers)
        if not self._rollback.speaks(decision, question.review):
            return decision
        return await self._rollback.reconsider(decision, question.review, question.body, rulers, asking)

    def rules_in(self, environment: str) -> bool:
        """Tells whether a gate or a condition has a say in an environment.

        Args:
            environment: The target environment; compared without case.

        Returns:
            True if one has.
        """
        return bool(self._panel.active(environment))

    def unavailable(self, environment: str, found: str) -> Decision:
        """Decides where nothing could be found out.

        Args:
            environment: The target environment.
            found: Why, in one clause.

        Returns:
            As `Panel.unavailable`.
        """
        return self._panel.unavailable(environment, found)

    def _asking(self, question: Question, source: PodSource) -> Asking:
        review = question.review
        registry = self._settings.file.stores.registry
        pull = registry is not None and registry.pull_secrets
        context = EvidenceContext(
            tenant_id=NO_TENANT,
            namespace_id=NO_TENANT,
            run_id=review.uid,
            scenario_id="admission",
            stage_id=question.environment,
            trigger_id=review.uid,
            trigger_time=question.trigger_time,
            correlation_id=review.uid,
            pull=pull_identity(source, review.namespace) if pull else None,
            workload_namespace=review.namespace,
        )
        kind = workload_kind(review).kind
        return Asking(question.environment, context, kind, review.object_name, question.deadline, {})
