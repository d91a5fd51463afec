"""The operations page against the code: every metric, every log line, every alert."""

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.console import ROOT
from tests.docs.tables import code, rows, section
from tests.support.exposed import SUFFIXES, exposed
from webhook.limits import LIMITS
from webhook.stores.cluster import INDEX_BYTES

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
PREFIX = "execution_evidence_gate_"


def tabled() -> dict[str, str]:
    """The page's metrics and their types."""
    table = rows(section(PAGE, "### Metrics"), 3)
    return {code(name)[0]: kind for name, kind, _ in table}


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    # A counter's time of creation is the library's own and a gauge; nobody needs it explained.
    real = {name: kind for name, kind in exposed().items() if not name.endswith("_created")}
    assert len(real) == 28
    assert tabled() == real


def test_every_metric_that_is_named_anywhere_exists() -> None:
    names = {name + suffix for name, kind in exposed().items() for suffix in SUFFIXES[kind]} | set(exposed())
    named = set(re.findall(rf"\b{PREFIX}[a-z_]+", PAGE))
    assert named - names == set()


def test_the_alerts_are_rules_that_ask_for_metrics_of_ours() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", section(PAGE, "### Alerts"), re.DOTALL | re.MULTILINE)
    (group,) = yaml.safe_load(block)["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"])
    assert all(PREFIX in rule["expr"] for rule in group["rules"])


def messages() -> dict[str, Path]:
    """What the webhook logs, and where; operator and observer have pages of their own."""
    found: dict[str, Path] = {}
    for path in sorted((ROOT / "webhook").rglob("*.py")):
        if not re.search("operator|observe", str(path.relative_to(ROOT))):
            source = path.read_text("utf-8")
            for message in re.findall(r'(?:_LOG|self\._quiet)\.[a-z]+\(\s*(?:level, )?"([^"]+)"', source):
                found[message] = path
    return found


def logged() -> dict[str, list[str]]:
    """The page's messages and the fields of each."""
    return {code(message)[0]: code(fields) for message, _, fields, _ in rows(section(PAGE, "### Log"), 4)}


def test_every_line_of_the_log_is_explained() -> None:
    table = {message for message in logged() if message != "message"}
    assert table == set(messages())


@pytest.mark.parametrize("message", sorted(messages()))
def test_the_fields_of_a_line_are_those_that_the_code_gives_it(message: str) -> None:
    source = messages()[message].read_text("utf-8")
    for field in set(logged()[message]) - {"unlogged"}:
        assert re.search(rf'"{field}": |\b{field}=', source), field


def test_the_bounds_of_the_stores_are_those_in_force() -> None:
    mebibyte = 1024 * 1024
    row = next(line for line in PAGE.splitlines() if line.startswith("| The most that stores hold "))
    assert f"{INDEX_BYTES // mebibyte} MiB of resources" in row
    assert f"{LIMITS.directory_bytes // mebibyte} MiB and {LIMITS.directory_files:,} files" in row
