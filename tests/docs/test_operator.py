"""The operator's page against the code: its options and its metrics."""

import re
from datetime import UTC, datetime

from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from webhook.cli.operator import command
from webhook.limits import LIMITS
from webhook.operator.metrics import OperatorMetrics

PAGE = (ROOT / "docs" / "operator.md").read_text("utf-8")


def test_every_option_has_its_row() -> None:
    listed = set(re.findall(r"^\| `(--[a-z-]+)` \|", PAGE, re.MULTILINE))
    assert listed == {option for parameter in command.params for option in parameter.opts}


def test_every_metric_has_its_row() -> None:
    metrics = OperatorMetrics()
    metrics.count_evidence(dict)
    metrics.count_workloads(dict)
    metrics.expires("leaf", datetime.now(UTC))
    prefix = "execution_evidence_gate_operator_"
    real = re.findall(rf"^# TYPE {prefix}(\w+) ", metrics.render().decode(), re.MULTILINE)
    listed = {code(name)[0].partition("{")[0] for name, _ in rows(section(PAGE, "## Metrics"), 2) if code(name)}
    assert listed == {name for name in real if not name.endswith("_created")}


def test_the_bounds_are_those_in_force() -> None:
    assert f"pages of {LIMITS.scan_page_objects} objects" in PAGE
    assert f"at most {LIMITS.scan_call_rate:.0f} requests a second" in PAGE
    assert f"at most {LIMITS.scan_question_rate:.0f} questions a second" in PAGE
    assert f"holds {LIMITS.report_results} results, and {LIMITS.report_bytes // 1024} KiB" in PAGE
