"""Reports in the PolicyReport format: what was found in one namespace, as tools of others read it. Pure.

Both formats have the same members, as far as they are used here. Sources: openreports.io/v1alpha1 (reports-api 0.2),
wgpolicyk8s.io/v1alpha2 (the working group's PolicyReport).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from webhook.limits import LIMITS
from webhook.scan.finding import Finding, Outcome, Place, Scanned

SOURCE = "execution-evidence-gate"
"""Who the results are from; the label `app.kubernetes.io/managed-by` and the field manager say it too."""

OWNER_LABEL = "stella.ops/report-owner"
"""Tells the reports of one release from those of another."""

OMITTED = "stella.ops/omitted-results"
"""The annotation that says how many results found no room; the summary counts them."""

_MANAGED_BY = "app.kubernetes.io/managed-by"
_SLACK = 2


class ReportKind(NamedTuple):
    """A format.

    Attributes:
        version: Its API version.
        kind: Its kind.
        plural: Its name in URLs.
    """

    version: str
    kind: str
    plural: str

    def path(self, namespace: str, name: str) -> str:
        """Gives the path of a report's URL.

        Args:
            namespace: Its namespace.
            name: Its name.

        Returns:
            The path.
        """
        return f"/apis/{self.version}/namespaces/{namespace}/{self.plural}/{name}"


REPORT_KINDS = (
    ReportKind("openreports.io/v1alpha1", "Report", "reports"),
    ReportKind("wgpolicyk8s.io/v1alpha2", "PolicyReport", "policyreports"),
)
"""The first that the cluster has is written."""


class Owner(NamedTuple):
    """The ClusterRole by whose right reports are written, and with which they go.

    Attributes:
        name: Its name.
        uid: Its uid.
    """

    name: str
    uid: str

    @property
    def reference(self) -> dict[str, str]:
        """It as an owner reference."""
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "name": self.name,
            "uid": self.uid,
        }


class _Entry(NamedTuple):
    """A finding and the workload that it is about; entries sort as a report lists them."""

    rank: int
    kind: str
    name: str
    image: str
    gate: str
    finding: Finding
    workload: Scanned


def _order(entry: _Entry) -> tuple[int, str, str, str, str]:
    return entry[:5]


@dataclass
class Findings:
    """What was found in one namespace: everything counted, and the worst kept.

    Attributes:
        place: The namespace.
        summary: How many results there are of each kind.
        workloads: How many workloads, by the result that matters most of each.
    """

    place: Place
    summary: Counter[Outcome] = field(default_factory=Counter)
    workloads: Counter[Outcome] = field(default_factory=Counter)
    _entries: list[_Entry] = field(default_factory=list)

    def add(self, scanned: Scanned) -> None:
        """Takes a workload.

        Args:
            scanned: The workload.
        """
        self.workloads[scanned.outcome] += 1
        for finding in scanned.findings:
            self.summary[finding.outcome] += 1
            rank = finding.outcome.rank
            self._entries.append(
                _Entry(rank, scanned.kind, scanned.name, finding.image, finding.gate, finding, scanned)
            )
        if len(self._entries) > _SLACK * LIMITS.report_results:
            self._entries = self._worst()

    def results(self) -> list[dict[str, Any]]:
        """Writes the results that a report has room for, without times.

        Returns:
            The worst first; of one kind in the order of workloads and images.
        """
        results: list[dict[str, Any]] = []
        room = LIMITS.report_bytes
        for entry in self._worst():
            result = _result(entry.finding, entry.workload)
            room -= len(json.dumps(result))
            if room < 0:
                break
            results.append(result)
        return results

    def _worst(self) -> list[_Entry]:
        return sorted(self._entries, key=_order)[: LIMITS.report_results]


def report(kind: ReportKind, owner: Owner, findings: Findings, old: Mapping[str, Any] | None, now: int) -> Any:
    """Writes a report.

    Args:
        kind: The format.
        owner: With what it goes.
        findings: What was found; at least one workload.
        old: The report that is there, or None.
        now: Unix seconds.

    Returns:
        The object for server-side apply; None if the old one says the same.
    """
    results = findings.results()
    omitted = sum(findings.summary.values()) - len(results)
    place = findings.place
    body = {
        "apiVersion": kind.version,
        "kind": kind.kind,
        "metadata": {
            "name": owner.name,
            "namespace": place.namespace,
            "labels": {_MANAGED_BY: SOURCE, OWNER_LABEL: owner.name},
            "annotations": {OMITTED: str(omitted)} if omitted else {},
            "ownerReferences": [owner.reference],
        },
        "scope": {"apiVersion": "v1", "kind": "Namespace", "name": place.namespace, "uid": place.uid},
        "summary": {outcome.value: findings.summary[outcome] for outcome in Outcome},
        "results": _timed(results, old, now),
    }
    return None if old is not None and _says_the_same(body, old) else body


def _result(finding: Finding, workload: Scanned) -> dict[str, Any]:
    place = workload.place
    subject = {
        "apiVersion": workload.api_version,
        "kind": workload.kind,
        "namespace": place.namespace,
        "name": workload.name,
        "uid": workload.uid,
    }
    properties = {"image": finding.image, "reason": finding.reason.value}
    return {
        "source": SOURCE,
        "policy": finding.gate,
        "rule": place.environment,
        "result": finding.outcome.value,
        "scored": True,
        "message": finding.message,
        "resources": [subject],
        "properties": {name: value for name, value in properties.items() if value},
    }


def _timed(results: Sequence[dict[str, Any]], old: Mapping[str, Any] | None, now: int) -> list[dict[str, Any]]:
    """Gives each result its time: that of the old one that says the same, or now."""
    known = {}
    for entry in (old or {}).get("results") or ():
        known[_text({name: value for name, value in entry.items() if name != "timestamp"})] = entry.get("timestamp")
    fresh = {"nanos": 0, "seconds": now}
    return [{**entry, "timestamp": known.get(_text(entry)) or fresh} for entry in results]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _says_the_same(body: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    metadata, before = body["metadata"], old["metadata"]
    if before.get("ownerReferences") != metadata["ownerReferences"]:
        return False
    if (before.get("annotations") or {}).get(OMITTED) != metadata["annotations"].get(OMITTED):
        return False
    if not metadata["labels"].items() <= (before.get("labels") or {}).items():
        return False
    return all(_text(old.get(member)) == _text(body[member]) for member in ("scope", "summary", "results"))
