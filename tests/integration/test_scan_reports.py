"""Reports on what runs, on an API server of their own, since the kinds that it knows decide what is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.reports import OPENREPORTS, WGPOLICY, define_reports, reports_in
from tests.harness.workloads import deployment
from tests.integration.conftest import CRD
from tests.operator.surveying import ROLE, SECONDS, Surveying, make_scan_account
from webhook.operator import surveyor
from webhook.operator.reports import OWNER_LABEL

TWO_SCANS = 2 * surveyor.SETTLE_SECONDS + SECONDS


@pytest.fixture(scope="module")
def own() -> Iterator[ControlPlane]:
    """With controllers, since reports are collected with their owner."""
    with ControlPlane(controllers=True) as running:
        running.kubectl("apply", "-f", str(CRD))
        running.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/executionevidences.stella.ops")
        yield running


@pytest.fixture
def kubeconfig(own: ControlPlane) -> Path:
    return make_scan_account(own, "default")


def only(reports: list[dict[str, Any]]) -> dict[str, Any] | None:
    return reports[0] if reports else None


def results(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by the workload's name."""
    return {entry["resources"][0]["name"]: entry for entry in report["results"]}


def test_without_a_kind_of_reports_there_are_metrics(own: ControlPlane, kubeconfig: Path, tmp_path: Path) -> None:
    bare = Namespace.new(own, "bare")
    bare.create(deployment("unseen", image_of("unseen")))
    with Surveying(tmp_path, kubeconfig, "bare") as operator:
        scan = poll(operator.scans, SECONDS, "a scan is done")[0]
        assert scan["workloads"] == 1


def test_the_working_group_s_report_where_only_that_is_known(
    own: ControlPlane, kubeconfig: Path, tmp_path: Path
) -> None:
    kind = define_reports(own, WGPOLICY)
    group = Namespace.new(own, "group")
    group.create(deployment("unseen", image_of("unseen")))
    with Surveying(tmp_path, kubeconfig, "group"):
        report = poll(lambda: only(reports_in(group, kind)), SECONDS, "the report is there")
    assert report["apiVersion"] == "wgpolicyk8s.io/v1alpha2"
    assert report["kind"] == "PolicyReport"
    assert report["summary"] == {"pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 0}
    own.kubectl("-n", group.name, "delete", "deployment", "unseen")


@pytest.fixture(scope="module")
def kind(own: ControlPlane) -> str:
    """Reports of openreports.io, beside the working group's."""
    define_reports(own, WGPOLICY)
    return define_reports(own, OPENREPORTS)


def test_a_report_says_what_admission_would_do_and_follows_the_evidence(
    own: ControlPlane, kind: str, kubeconfig: Path, tmp_path: Path
) -> None:
    shop, other = Namespace.new(own, "shop"), Namespace.new(own, "unrequired")
    for name in ("seen", "unseen"):
        shop.create(deployment(name, image_of(name)))
    other.create(deployment("unseen", image_of("unseen")))
    with Surveying(tmp_path, kubeconfig, "shop", exemptImages=["docker.io/library/redis"]) as operator:
        shop.create(deployment("vendor", "redis:8"))
        apply(own, operator.evidence("seen"))

        def judged() -> dict[str, Any] | None:
            report = only(reports_in(shop, kind))
            return report if report and report["summary"]["pass"] == 1 and report["summary"]["skip"] == 1 else None

        report = poll(judged, TWO_SCANS, "the evidence and the exemption have been noticed")
        assert report["apiVersion"] == "openreports.io/v1alpha1"
        assert report["summary"] == {"pass": 1, "fail": 1, "warn": 0, "error": 0, "skip": 1}
        # The worst first.
        assert [entry["result"] for entry in report["results"]] == ["fail", "pass", "skip"]
        failed = report["results"][0]
        uid = json.loads(shop.kubectl("get", "deployment", "unseen", "-o", "json").stdout)["metadata"]["uid"]
        assert failed["policy"] == "execution-evidence"
        assert failed["rule"] == "shop"
        assert failed["source"] == "execution-evidence-gate"
        assert failed["message"].startswith("No execution evidence found for this artifact in required environment")
        assert failed["properties"] == {"image": image_of("unseen"), "reason": "EvidenceMissing"}
        assert failed["resources"] == [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "unseen", "namespace": shop.name, "uid": uid}
        ]
        assert not reports_in(other, kind)
        time_of_failure = failed["timestamp"]

        operator.configure(action="Warn")

        def warned() -> dict[str, Any] | None:
            found = only(reports_in(shop, kind))
            return found if found and found["summary"]["warn"] else None

        later = poll(warned, TWO_SCANS, "the configuration has been noticed")
        assert later["summary"] == {"pass": 1, "fail": 0, "warn": 2, "error": 0, "skip": 0}
        assert results(later)["seen"]["timestamp"] == results(report)["seen"]["timestamp"]
        assert results(later)["unseen"]["timestamp"]["seconds"] >= time_of_failure["seconds"]


def test_a_report_that_says_the_same_is_not_written_again(
    own: ControlPlane, kind: str, kubeconfig: Path, tmp_path: Path
) -> None:
    quiet = Namespace.new(own, "quiet")
    quiet.create(deployment("unseen", image_of("unseen")))
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        with Surveying(tmp_path / folder, kubeconfig, "quiet") as operator:
            poll(operator.scans, SECONDS, "a scan is done")
    report = only(reports_in(quiet, kind))
    assert report is not None
    writes = own.audit_events(verb="patch", resource="reports", namespace=quiet.name)
    assert len(writes) == 1
    assert report["metadata"]["resourceVersion"]


def test_a_report_goes_with_its_last_workload(own: ControlPlane, kind: str, kubeconfig: Path, tmp_path: Path) -> None:
    gone = Namespace.new(own, "gone")
    gone.create(deployment("unseen", image_of("unseen")))
    for folder, expected in (("first", 1), ("second", 0)):
        (tmp_path / folder).mkdir()
        with Surveying(tmp_path / folder, kubeconfig, "gone") as operator:
            poll(operator.scans, SECONDS, "a scan is done")
        assert len(reports_in(gone, kind)) == expected
        gone.kubectl("delete", "deployment", "--all")


def test_reports_go_with_the_right_to_write_them(
    own: ControlPlane, kind: str, kubeconfig: Path, tmp_path: Path
) -> None:
    orphan = Namespace.new(own, "orphan")
    orphan.create(deployment("unseen", image_of("unseen")))
    with Surveying(tmp_path, kubeconfig, "orphan"):
        poll(lambda: reports_in(orphan, kind), SECONDS, "the report is there")
    own.kubectl("delete", "clusterrole", ROLE)
    poll(lambda: not reports_in(orphan, kind), SECONDS, "the report is collected")


def test_reports_of_ours_in_the_other_format_go_and_those_of_others_stay(
    own: ControlPlane, kind: str, kubeconfig: Path, tmp_path: Path
) -> None:
    both = Namespace.new(own, "both")
    both.create(deployment("unseen", image_of("unseen")))
    for name, labels in ((ROLE, {OWNER_LABEL: ROLE}), ("of-others", {})):
        head = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport"}
        apply(own, head | {"metadata": {"name": name, "namespace": both.name, "labels": labels}})
    with Surveying(tmp_path, kubeconfig, "both") as operator:
        poll(operator.scans, SECONDS, "a scan is done")
    assert len(reports_in(both, kind)) == 1
    left = reports_in(both, "policyreports.wgpolicyk8s.io")
    assert [report["metadata"]["name"] for report in left] == ["of-others"]


def test_it_ends_at_once_in_the_middle_of_a_scan(own: ControlPlane, kubeconfig: Path, tmp_path: Path) -> None:
    busy = Namespace.new(own, "busy")
    many = [deployment(f"unseen-{number}", image_of(f"unseen-{number}")) for number in range(300)]
    apply(own, *({**item, "metadata": {**item["metadata"], "namespace": busy.name}} for item in many))
    before = len(own.audit_events(verb="watch", resource="executionevidences"))

    def follows() -> bool:
        return len(own.audit_events(verb="watch", resource="executionevidences")) > before

    with Surveying(tmp_path, kubeconfig, "busy") as operator:
        # 300 questions take four seconds: 50 a second, after the first 100.
        poll(follows, SECONDS, "kopf and the store follow the evidence")
        assert not operator.scans()
        operator.program.terminate()
        assert operator.program.wait(5) == 0
        assert not operator.scans()
