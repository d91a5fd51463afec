"""The rules of a replay: those of a configuration, or those that the record itself holds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from webhook.admission.bypass import OFF
from webhook.admission.images import read_reference
from webhook.admission.replay.failure import TamperedError
from webhook.admission.replay.recorded import Content
from webhook.gates.beacon_policy import BeaconRatePolicy
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.model.disclosure import Disclosure
from webhook.model.pattern import RepositoryPattern
from webhook.settings.conditions import ConditionSettings, GateSettings
from webhook.settings.file import BreakGlassSettings, PolicyGates, SettingsFile
from webhook.settings.loading import Settings
from webhook.trust.policy import TrustPolicy


def rules_of_record(content: Content) -> Settings:
    """Makes settings of what a record says of those that it was made with.

    Args:
        content: The record.

    Returns:
        Its policies and conditions; the images that were exempt are exempt. There are no trusted keys in it.

    Raises:
        TamperedError: They are not what a configuration can hold.
    """
    try:
        conditions = tuple([ConditionSettings.model_validate(entry) for entry in content.conditions])
        section = _policies(content.policy)
        gates = GateSettings(conditions=conditions)
    except (ValidationError, ValueError, TypeError, AttributeError):
        raise TamperedError("its policy or its conditions are not what a configuration can hold") from None
    file = SettingsFile().model_copy(
        update={"policy_gates": section, "gates": gates, "break_glass": _break_glass(content)}
    )
    return Settings(
        policy=section.execution_evidence,
        trust=TrustPolicy(),
        exempt_images=_exempt(content),
        file=file,
        path=Path("record"),
        digest=content.decision.settings,
        store_files="",
        disclosure=disclosure_of(content),
        conditions=tuple([entry.condition for entry in conditions]),
    )


def rules_of_configuration(settings: Settings, content: Content) -> Settings:
    """Takes a configuration to replay a record with.

    Args:
        settings: The configuration.
        content: The record.

    Returns:
        The configuration, which shows as much as it showed then: what is shown is in no settings digest.
    """
    return replace(settings, disclosure=disclosure_of(content))


def disclosure_of(content: Content) -> Disclosure:
    """Tells what was shown when a record was made.

    Args:
        content: The record.

    Returns:
        A disclosure that hides the values of those providers of which the record hides one.
    """
    rulings = [ruling for image in content.images for ruling in (*image.rulings, *image.at_first)]
    known = {provider_of(ruling.result.gate, content) for ruling in rulings}
    hidden = {provider_of(ruling.result.gate, content) for ruling in rulings if ruling.redacted}
    shown = frozenset(provider for provider in known - hidden if provider is not None)
    return Disclosure(allow_raw_values=True, require_provider_opt_in=True, opted_in=shown)


def provider_of(gate: str, content: Content) -> str | None:
    """Finds who answers a gate or a condition.

    Args:
        gate: The gate id of a result.
        content: The record, which holds the conditions.

    Returns:
        The provider's id; None if there is no such condition.
    """
    if not gate.startswith("conditions/"):
        return gate
    name = gate.removeprefix("conditions/")
    queries = [entry.get("query") for entry in content.conditions if entry.get("name") == name]
    return next((query.get("provider") for query in queries if isinstance(query, dict)), None)


def _break_glass(content: Content) -> BreakGlassSettings:
    claim = content.break_glass
    if claim is None:
        return BreakGlassSettings()
    longest = timedelta(seconds=claim.max_duration)
    return BreakGlassSettings().model_copy(update={"enabled": claim.problem != OFF, "max_duration": longest})


def _policies(policy: Mapping[str, dict[str, Any]]) -> PolicyGates:
    if policy.keys() != {"execution-evidence", "beacon-rate"}:
        raise ValueError("one policy a gate")
    execution, beacon = policy["execution-evidence"], policy["beacon-rate"]
    return PolicyGates().model_copy(
        update={
            "execution_evidence": ExecutionEvidencePolicy.from_content(execution),
            "beacon_rate": BeaconRatePolicy.from_content(beacon),
        }
    )


def _exempt(content: Content) -> tuple[RepositoryPattern, ...]:
    references = [read_reference(image.place.image)[0] for image in content.images if image.exempt]
    repositories = {reference.repository for reference in references if reference is not None}
    return tuple([RepositoryPattern.parse(repository) for repository in sorted(repositories)])
