"""What the gate already knows of an image, and what it would say of more: asked of the gate's own parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from webhook.errors import UnavailableError
from webhook.gates.execution_evidence import evaluate
from webhook.gates.policy import Action, ExecutionEvidencePolicy, MinLane
from webhook.model.evidence import EvidenceContext, EvidenceQuery, TriggerTime
from webhook.model.gate import (
    HAS_EVIDENCE,
    HOT_SYMBOL_COUNT,
    UNIQUE_CALL_PATHS,
    GateContext,
    Verdict,
)
from webhook.model.timestamp import unix_millis
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore

_PROVIDER = "execution-evidence"


class Lacking(NamedTuple):
    """Where evidence is lacking.

    Attributes:
        environments: That require it.
        digests: That have none, sorted; none if there are no environments.
    """

    environments: tuple[str, ...]
    digests: tuple[str, ...]


class Standing:
    """Asks as the gate does, as if the gate were on and no evidence older than `refresh_after` counted.

    What is unsigned, or signed by somebody who is not trusted, is never taken for evidence here, whatever `MinLane`
    says: else anybody could keep an image from being attested.
    """

    def __init__(self, settings: Settings, stores: Sequence[EvidenceStore], refresh_after: timedelta) -> None:
        """Binds the gate's configuration to its stores.

        Args:
            settings: The gate's configuration.
            stores: Its stores, started.
            refresh_after: The age at which evidence is made anew.
        """
        names = settings.policy.required_environments
        self._policies = {name: _as_if_new(settings.policy.for_environment(name), refresh_after) for name in names}
        self._providers = {
            name: ExecutionEvidenceProvider(replace(settings, policy=policy), stores)
            for name, policy in self._policies.items()
        }

    async def lacking(
        self, targets: Sequence[str], repository: str, digests: Sequence[str], now: datetime
    ) -> "Lacking":
        """Finds for whom an image has no fresh evidence that suffices.

        Args:
            targets: Environments that require evidence.
            repository: The image's.
            digests: All its digests; each must have evidence.
            now: The time.

        Returns:
            Those of `targets` in which one of the digests lacks it, and those of `digests` that lack it in any.

        Raises:
            UnavailableError: A store cannot be read, so what there is is not known.
        """
        found = []
        for target in targets:
            for digest in digests:
                metadata = await self._ask(target, repository, digest, now)
                if evaluate(self._policies[target], GateContext(target, metadata)).result is not Verdict.PASS:
                    found.append((target, digest))
        environments = dict.fromkeys(target for target, _ in found)
        return Lacking(tuple(environments), tuple(sorted({digest for _, digest in found})))

    def objection(self, lacking: Sequence[str], hot_symbols: int, call_paths: int) -> str | None:
        """Asks the gate what it would say of evidence, and whether that helps.

        Args:
            lacking: Environments that lack evidence, at least one.
            hot_symbols: Their count.
            call_paths: Their count.

        Returns:
            None if it suffices for one of them and makes nothing worse; else why not, in one clause. Where missing
            evidence only warns, evidence that does not suffice denies.
        """
        failing = self._failing(lacking, hot_symbols, call_paths)
        if len(failing) == len(lacking):
            return failing[lacking[0]]
        worse = [name for name in failing if self._policies[name].missing_evidence_action is Action.WARN]
        return f"it would turn a warning in {worse[0]} into a denial: {failing[worse[0]]}" if worse else None

    def suffices(self, lacking: Sequence[str], hot_symbols: int, call_paths: int) -> bool:
        """Asks the gate whether more than this would make no difference.

        Args:
            lacking: Environments that lack evidence.
            hot_symbols: Their count.
            call_paths: Their count.

        Returns:
            True if evidence with these counts suffices for all of them.
        """
        return not self._failing(lacking, hot_symbols, call_paths)

    def _failing(self, lacking: Sequence[str], hot_symbols: int, call_paths: int) -> dict[str, str]:
        """Gives the environments for which counts do not suffice, and what the gate says there."""
        counts = {HAS_EVIDENCE: "true", HOT_SYMBOL_COUNT: str(hot_symbols), UNIQUE_CALL_PATHS: str(call_paths)}
        results = {name: evaluate(self._policies[name], GateContext(name, counts)) for name in lacking}
        return {name: found.message for name, found in results.items() if found.result is not Verdict.PASS}

    async def _ask(self, target: str, repository: str, digest: str, now: datetime) -> Mapping[str, str]:
        params = {"image_digest": digest, "repository": repository, "environment": target}
        query = EvidenceQuery(_PROVIDER, "metadata", params)
        clock = TriggerTime("unix_millis", unix_millis(now))
        context = EvidenceContext(1, 1, "observer", "observer", "observer", "observer", clock)
        result = await self._providers[target].query(query, context)
        if result.error is not None or result.value is None:
            message = "no answer" if result.error is None else result.error.message
            raise UnavailableError(f"what evidence there is already cannot be read: {message}")
        metadata: Mapping[str, str] = result.value.value
        return metadata


def _as_if_new(policy: ExecutionEvidencePolicy, refresh_after: timedelta) -> ExecutionEvidencePolicy:
    """Gives the policy of one environment with the gate on, and with the shorter of both ages."""
    age = min(refresh_after, policy.max_evidence_age or refresh_after)
    seconds = max(1, int(age.total_seconds()))
    changes = {"Enabled": True, "MinLane": MinLane.VERIFIED.value, "MaxEvidenceAge": seconds}
    return ExecutionEvidencePolicy.from_content({**policy.content, **changes})
