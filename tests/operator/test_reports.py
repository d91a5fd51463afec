"""Reports: the worst first, no more than there is room for, and times that stay while nothing changes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from webhook.limits import LIMITS
from webhook.operator.reports import OMITTED, OWNER_LABEL, REPORT_KINDS, Findings, Owner, report
from webhook.reasons import ReasonCode
from webhook.scan.finding import Finding, Outcome, Place, Scanned

OWNER = Owner("gate-scan", "owner-uid")
PLACE = Place("shop", "shop-uid", "production")
MOST = LIMITS.report_results


def scanned(name: str, outcome: Outcome = Outcome.PASS, message: str = "said") -> Scanned:
    finding = Finding(outcome, "execution-evidence", ReasonCode.EVIDENCE_MISSING, "cart:1", message)
    return Scanned(PLACE, "apps/v1", "Deployment", name, f"{name}-uid", (finding,))


def found(*workloads: Scanned) -> Findings:
    findings = Findings(PLACE)
    for workload in workloads:
        findings.add(workload)
    return findings


def written(findings: Findings, old: Mapping[str, Any] | None = None, now: int = 1) -> dict[str, Any] | None:
    body: dict[str, Any] | None = report(REPORT_KINDS[0], OWNER, findings, old, now)
    return body


def first(*workloads: Scanned) -> dict[str, Any]:
    body = written(found(*workloads))
    assert body is not None
    return body


def times(body: Mapping[str, Any]) -> dict[str, int]:
    return {entry["resources"][0]["name"]: entry["timestamp"]["seconds"] for entry in body["results"]}


def test_the_worst_come_first() -> None:
    outcomes = [Outcome.PASS, Outcome.WARN, Outcome.SKIP, Outcome.FAIL, Outcome.ERROR]
    body = first(*(scanned(str(number), outcome) for number, outcome in enumerate(outcomes)))
    assert [entry["result"] for entry in body["results"]] == ["fail", "error", "warn", "pass", "skip"]
    assert body["summary"] == {"fail": 1, "error": 1, "warn": 1, "pass": 1, "skip": 1}


def test_what_has_no_room_is_counted() -> None:
    passing = [scanned(f"passes-{number:05}") for number in range(3 * MOST)]
    failing = [scanned(f"fails-{number}", Outcome.FAIL) for number in range(3)]
    body = first(*passing, *failing)
    assert len(body["results"]) == MOST
    assert [entry["result"] for entry in body["results"][:4]] == ["fail"] * 3 + ["pass"]
    assert body["summary"]["pass"] == 3 * MOST
    assert body["metadata"]["annotations"] == {OMITTED: str(2 * MOST + 3)}


def test_a_report_fits_into_etcd_whatever_is_said() -> None:
    # An `é` takes six bytes of JSON.
    body = first(*(scanned(f"fails-{number}", Outcome.FAIL, "é" * 400) for number in range(MOST)))
    assert len(json.dumps(body)) < LIMITS.report_bytes + 100 * 1024
    assert 0 < len(body["results"]) < MOST


def test_a_report_that_says_the_same_is_not_written() -> None:
    workloads = [scanned("a", Outcome.FAIL), scanned("b")]
    body = first(*workloads)
    # In whatever order they are found.
    assert written(found(*reversed(workloads)), body, now=2) is None


def test_a_result_keeps_its_time_until_it_changes() -> None:
    body = first(scanned("a", Outcome.FAIL), scanned("b"))
    later = written(found(scanned("a", Outcome.WARN), scanned("b"), scanned("c")), body, now=2)
    assert later is not None
    assert times(later) == {"a": 2, "b": 1, "c": 2}


CHANGED: list[dict[str, Any]] = [
    {"ownerReferences": []},
    {"labels": {}},
    {"annotations": {OMITTED: "7"}},
]


@pytest.mark.parametrize("metadata", CHANGED)
def test_what_somebody_changed_is_repaired(metadata: dict[str, Any]) -> None:
    body = first(scanned("a"))
    old = body | {"metadata": body["metadata"] | metadata}
    assert written(found(scanned("a")), old, now=2) == body


@pytest.mark.parametrize("member", ["scope", "summary", "results"])
def test_what_somebody_took_away_is_repaired(member: str) -> None:
    body = first(scanned("a"))
    old = {name: value for name, value in body.items() if name != member}
    assert written(found(scanned("a")), old, now=2) is not None


def test_labels_of_others_are_no_change() -> None:
    body = first(scanned("a"))
    labels = body["metadata"]["labels"] | {"team": "shop"}
    assert written(found(scanned("a")), body | {"metadata": body["metadata"] | {"labels": labels}}) is None


def test_it_belongs_to_the_right_to_write_it() -> None:
    metadata = first(scanned("a"))["metadata"]
    assert metadata["name"] == metadata["labels"][OWNER_LABEL] == "gate-scan"
    [owner] = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("ClusterRole", "gate-scan", "owner-uid")
