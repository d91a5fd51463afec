"""Reads what runs and decides about it, as admission would about its creation.

Nothing is held but one page of workloads; what is said of them is handed on at once.
"""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from webhook.admission.at_once import all_at_once
from webhook.admission.creation import Created, creation_review
from webhook.admission.decide import Cluster, Decider, Question
from webhook.admission.pods import KINDS
from webhook.admission.review import decode_review
from webhook.errors import ReviewError
from webhook.gates.registry import GATES
from webhook.kube.api_errors import ApiStatusError
from webhook.kube.pacing import TimeSlice
from webhook.limits import LIMITS
from webhook.model.evidence import TriggerTime
from webhook.model.timestamp import unix_millis
from webhook.providers.protocol import EvidenceProvider
from webhook.scan.api import PacedApi
from webhook.scan.finding import Place, Scanned, findings_of, unreadable
from webhook.scan.once import Pace, ProviderOnce, ResolverOnce
from webhook.settings.loading import Settings
from webhook.stores.protocol import TagResolver

NAMESPACES = "/api/v1/namespaces"
NEVER_ASKED = frozenset({"kube-system"})
"""Namespaces that the chart's registration leaves out, whatever their labels say."""

_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a scan decides by.

    Attributes:
        settings: One snapshot.
        providers: Who answers by it, by id.
        resolver: Resolves tags; None where there is no registry store.
        reader: Reads the objects that Rollouts refer to.
    """

    settings: Settings
    providers: Mapping[str, EvidenceProvider]
    resolver: TagResolver | None
    reader: Cluster | None


class Scanner:
    """One scan: one clock, and each question once.

    Attributes:
        pace: Counts the questions.
    """

    def __init__(self, rules: Rules, api: PacedApi) -> None:
        """Begins a scan.

        Args:
            rules: What is decided by; the stores are started.
            api: The cluster.
        """
        self.pace = Pace()
        of_gates = {gate.provider_id for gate in GATES.values()}
        providers = {
            name: ProviderOnce(provider, self.pace, by_namespace=name not in of_gates)
            for name, provider in rules.providers.items()
        }
        resolver = None if rules.resolver is None else ResolverOnce(rules.resolver, self.pace)
        self._settings = rules.settings
        self._decider = Decider(rules.settings, providers, resolver, rules.reader)
        self._api = api
        self._now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
        self._not_served: set[str] = set()

    async def places(self, label: str, excluded: Iterable[str] = ()) -> list[Place]:
        """Finds the namespaces of environments in which a gate or a condition has a say.

        Args:
            label: The label whose value is the environment.
            excluded: Namespaces that admission is never asked about, beside `NEVER_ASKED`.

        Returns:
            Those namespaces, by name.

        Raises:
            ApiError: They cannot be listed.
        """
        out = NEVER_ASKED.union(excluded)
        found = {}
        async for page in self._api.pages(NAMESPACES, label):
            for obj in page:
                place = self.place(obj, label)
                if place is not None and place.namespace not in out:
                    found[place.namespace] = place
        return [found[name] for name in sorted(found)]

    def place(self, namespace: Mapping[str, Any], label: str) -> Place | None:
        """Tells whether a namespace's workloads are evaluated.

        Args:
            namespace: The object.
            label: As for `places`.

        Returns:
            The place; None if no gate and no condition has a say there.
        """
        metadata = namespace["metadata"]
        environment = (metadata.get("labels") or {}).get(label)
        if not environment or not self._decider.rules_in(environment):
            return None
        return Place(metadata["name"], metadata["uid"], environment)

    async def workloads(self, place: Place) -> AsyncIterator[Scanned]:
        """Evaluates the workloads of a namespace.

        Args:
            place: The namespace.

        Yields:
            Each workload of a configured kind that runs something, or would if it were scaled.

        Raises:
            ApiError: A list cannot be read.
        """
        for kind in self._settings.file.workloads:
            seen: set[str] = set()
            async for page in self._pages(kind, place.namespace):
                fresh = [obj for obj in page if obj["metadata"]["uid"] not in seen and not _is_history(kind, obj)]
                seen.update(obj["metadata"]["uid"] for obj in fresh)
                for scanned in await self._decide_all(fresh, kind, place):
                    yield scanned

    async def _pages(self, kind: str, namespace: str) -> AsyncIterator[list[dict[str, Any]]]:
        if kind in self._not_served:
            return
        known = KINDS[kind]
        base = f"/apis/{known.group}/{known.version}" if known.group else f"/api/{known.version}"
        try:
            async for page in self._api.pages(f"{base}/namespaces/{namespace}/{known.plural}"):
                yield page
        except ApiStatusError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            # A kind whose definition is not installed has no objects.
            self._not_served.add(kind)

    async def _decide_all(self, objects: Sequence[dict[str, Any]], kind: str, place: Place) -> list[Scanned]:
        """Decides about some at once, in the order in which they came."""
        outcomes: list[Scanned | None] = [None] * len(objects)
        left = iter(range(len(objects)))

        async def work() -> None:
            time_slice = TimeSlice()
            for index in left:
                outcomes[index] = await self._decide(objects[index], kind, place)
                await time_slice.breathe()

        await all_at_once([work() for _ in range(min(len(objects), LIMITS.scan_at_once))])
        return [outcome for outcome in outcomes if outcome is not None]

    async def _decide(self, obj: Mapping[str, Any], kind: str, place: Place) -> Scanned:
        known = KINDS[kind]
        version = f"{known.group}/{known.version}" if known.group else known.version
        metadata = obj["metadata"]
        name, uid = metadata["name"], metadata["uid"]
        # Without its annotations: who was let past the gate once is not for ever.
        content = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "uid": uid}}
        content |= {member: obj[member] for member in ("spec", "template") if member in obj}
        body = creation_review(Created(content, kind, place.namespace, name))
        try:
            review = decode_review(body)
        except ReviewError as error:
            return Scanned(place, version, kind, name, uid, (unreadable(str(error)),))
        deadline = time.monotonic() + LIMITS.scan_decision_seconds
        question = Question(review, body, place.environment, self._now, deadline)
        decision = await self._decider.decide(question)
        return Scanned(place, version, kind, name, uid, findings_of(decision))


def _is_history(kind: str, obj: Mapping[str, Any]) -> bool:
    """Tells whether an object is only what is left of something: an old revision, or a run that is over."""
    status = obj.get("status") or {}
    if kind == "Pod":
        return status.get("phase") in _OVER
    if kind == "Job":
        conditions = status.get("conditions") or ()
        return any(entry["type"] in {"Complete", "Failed"} and entry["status"] == "True" for entry in conditions)
    owners = obj["metadata"].get("ownerReferences") or ()
    controlled = any(owner.get("controller") for owner in owners)
    return kind == "ReplicaSet" and controlled and (obj.get("spec") or {}).get("replicas") == 0
