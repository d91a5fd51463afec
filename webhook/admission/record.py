"""The record of a decision: everything that it rests on, so that anybody can come to it again."""

from functools import cache
from importlib import metadata
from typing import NamedTuple

from webhook.admission.decision import Decision, ImageDecision
from webhook.admission.review import Review
from webhook.gates.registry import GATES
from webhook.model.canonical import canonical_text, sha256_digest
from webhook.model.evidence import TriggerTime
from webhook.settings.loading import Settings

API_VERSION = "stella.ops/v1alpha1"
KIND = "DecisionRecord"

_PACKAGE = "execution-evidence-gate"


class DecisionRecord(NamedTuple):
    """A decision with everything that it rests on, as canonical JSON.

    Attributes:
        content: The canonical bytes.
        digest: `sha256:` and 64 hexadecimal digits over them.
    """

    content: bytes
    digest: str


class Rules(NamedTuple):
    """By what it was decided, as a record names it.

    Attributes:
        settings: Digest of everything in the configuration that can change a verdict.
        trust: Digest of the trusted keys and what each may speak for.
        policy: Each gate's section as it holds for the environment, by gate id; canonical JSON.
        conditions: Those of the environment, in their order; canonical JSON.
    """

    settings: str
    trust: str
    policy: bytes
    conditions: bytes

    @classmethod
    def of(cls, settings: Settings, environment: str) -> "Rules":
        """Takes them from a snapshot.

        Args:
            settings: The snapshot.
            environment: The target environment.

        Returns:
            The rules.
        """
        section = settings.file.policy_gates
        policies = [
            b'"%b":%b' % (gate_id.encode(), gate.policy(section).for_environment(environment).canonical)
            for gate_id, gate in _GATES
        ]
        conditions = [
            entry.canonical
            for entry, condition in zip(settings.file.gates.conditions, settings.conditions, strict=True)
            if condition.holds_in(environment)
        ]
        policy, listed = b"{%b}" % b",".join(policies), b"[%b]" % b",".join(conditions)
        return cls(settings.digest, settings.trust.digest, policy, listed)


def record_decision(
    decision: Decision, review: Review, settings: Settings, trigger_time: TriggerTime
) -> DecisionRecord:
    """Writes the record of a decision.

    The rules in force, the clock, each answer and the digests of what it was made of are in it, so a replay needs
    nothing but the envelopes themselves.

    Args:
        decision: The decision.
        review: The request it answers.
        settings: The snapshot it was made with.
        trigger_time: The clock it was made with.

    Returns:
        The record.
    """
    return write_record(decision, _request(review), Rules.of(settings, decision.environment), trigger_time)


def write_record(decision: Decision, request: bytes, rules: Rules, trigger_time: TriggerTime) -> DecisionRecord:
    """Writes the record of a decision from what it is made of.

    Args:
        decision: The decision.
        request: The record's member `request`, as canonical JSON.
        rules: By what it was decided.
        trigger_time: The clock it was made with.

    Returns:
        The record.
    """
    content = _RECORD % {
        b"glass": b"null" if decision.break_glass is None else decision.break_glass.canonical,
        b"conditions": rules.conditions,
        b"decision": _summary(decision, rules, trigger_time),
        b"images": b",".join([_image(entry) for entry in decision.images]),
        b"overall": b"null" if decision.overall is None else decision.overall.canonical,
        b"policy": rules.policy,
        b"request": request,
    }
    return DecisionRecord(content, sha256_digest(content))


@cache
def software() -> str:
    """Names what is running.

    Returns:
        The package's name and version. It is read once.
    """
    return f"{_PACKAGE} {metadata.version(_PACKAGE)}"


_GATES = tuple(sorted(GATES.items()))

# Canonical JSON by hand, members in order: it is written for every review, and building a tree first, only to sort
# and encode it, costs three times as much. A test holds each record against what the rfc8785 package makes of it.
_RECORD = (
    b'{"apiVersion":"stella.ops/v1alpha1","breakGlass":%(glass)b,"conditions":%(conditions)b,'
    b'"decision":%(decision)b,"images":[%(images)b],'
    b'"kind":"DecisionRecord","overall":%(overall)b,"policy":%(policy)b,"request":%(request)b}'
)


def _request(review: Review) -> bytes:
    name = review.object_name
    return (
        f'{{"dryRun":{"true" if review.dry_run else "false"},"group":{canonical_text(review.kind.group)},'
        f'"kind":{canonical_text(review.kind.kind)},"name":{canonical_text(name)},"namespace":{canonical_text(review.namespace)},'
        f'"operation":"{review.operation}","subResource":{canonical_text(review.sub_resource)},"uid":{canonical_text(review.uid)},'
        f'"user":{canonical_text(review.user_info.username)},"version":{canonical_text(review.kind.version)}}}'
    ).encode()


def _summary(decision: Decision, rules: Rules, trigger_time: TriggerTime) -> bytes:
    reasons = ",".join([f'"{reason.value}"' for reason in decision.reasons])
    return (
        f'{{"environment":{canonical_text(decision.environment)},"reasons":[{reasons}],"settings":"{rules.settings}",'
        f'"software":{canonical_text(software())},'
        f'"triggerTime":{{"kind":"{trigger_time.kind}","value":{trigger_time.value}}},"trust":"{rules.trust}",'
        f'"verdict":"{decision.verdict.value}"}}'
    ).encode()


def _image(entry: ImageDecision) -> bytes:
    fields = ",".join([canonical_text(use.field) for use in entry.image.uses])
    resolved = "null" if entry.resolved is None else f'"{entry.resolved}"'
    place = f'{{"fields":[{fields}],"image":{canonical_text(entry.image.text)},"resolved":{resolved}}}'
    rulings = b",".join([ruling.canonical for ruling in entry.rulings])
    rollback = b"null" if entry.rollback is None else entry.rollback.canonical
    return b'{"place":%b,"rollback":%b,"rulings":[%b]}' % (place.encode(), rollback, rulings)
