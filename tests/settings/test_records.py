"""The section `records`."""

from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, written
from webhook.settings.loading import load_settings

SPOOL = {"path": "spool"}
URL = "https://collector.example.com/records"
COLLECTOR = {"url": URL, "spool": SPOOL}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"stdout": "yes"}, "records.stdout", "boolean"),
    ({"file": {}}, "records.file.path", "required"),
    ({"file": {"path": "x", "maxBytes": 1000}}, "records.file.maxBytes", "1048576"),
    ({"file": {"path": "x", "maxBytes": "100Mi"}}, "records.file.maxBytes", "integer"),
    ({"file": {"path": "x", "keep": 0}}, "records.file.keep", "1"),
    ({"file": {"path": "x", "keep": 1000}}, "records.file.keep", "999"),
    ({"collector": {"url": URL}}, "records.collector.spool", "required"),
    ({"collector": {"spool": SPOOL}}, "records.collector.url", "required"),
    ({"collector": {**COLLECTOR, "url": "http://collector.example.com/"}}, "records.collector.url", "pattern"),
    ({"collector": {**COLLECTOR, "url": "https://a b"}}, "records.collector.url", "pattern"),
    ({"collector": {**COLLECTOR, "url": "https://["}}, "records.collector.url", "host"),
    ({"collector": {**COLLECTOR, "url": "https://:9/x"}}, "records.collector.url", "host"),
    ({"collector": {**COLLECTOR, "url": "https://a:99999/x"}}, "records.collector.url", "host"),
    ({"collector": {**COLLECTOR, "url": "https://ada:secret@a/x"}}, "records.collector.url", "no user"),
    ({"collector": {**COLLECTOR, "url": "https://a/x#y"}}, "records.collector.url", "no fragment"),
    ({"collector": {**COLLECTOR, "timeoutSeconds": 0}}, "records.collector.timeoutSeconds", "greater"),
    ({"collector": {**COLLECTOR, "ca": "x"}}, "records.collector.ca", "did you mean 'caFile'"),
    ({"signing": {}}, "records.signing.keyFile", "required"),
    ({"summaries": {"verifierId": "https://a.example.com"}}, "records", "set `signing`"),
    ({"signing": {"keyFile": "k"}, "summaries": {}}, "records.summaries.verifierId", "required"),
    (
        {"signing": {"keyFile": "k"}, "summaries": {"verifierId": "https://a.example.com/#x"}},
        "records.summaries.verifierId",
        "pattern",
    ),
    (
        {"signing": {"keyFile": "k"}, "summaries": {"verifierId": "https://a.example.com/?x"}},
        "records.summaries.verifierId",
        "pattern",
    ),
    ({"sinks": []}, "records.sinks", ""),
]


@pytest.mark.parametrize(("section", "place", "text"), WRONG)
def test_a_section_that_is_wrong_is_refused_by_name(
    tmp_path: Path, section: dict[str, Any], place: str, text: str
) -> None:
    [line] = refusal(written(tmp_path, {"records": section}))
    assert line.startswith(f"{place}")
    assert text in line


def test_where_records_go_changes_no_verdict_and_no_digest(tmp_path: Path) -> None:
    plain = load_settings(written(tmp_path, {}))
    sunk = load_settings(written(tmp_path, {"records": {"file": {"path": "x"}, "collector": COLLECTOR}}))
    assert sunk.digest == plain.digest


def test_a_configuration_without_any_sink_is_remarked_on(tmp_path: Path) -> None:
    remark = "records has no sink: decisions cannot be replayed."
    assert remark in load_settings(written(tmp_path, {"records": {"stdout": False}})).remarks()
    assert remark not in load_settings(written(tmp_path, {})).remarks()
    file = {"stdout": False, "file": {"path": "x"}}
    assert remark not in load_settings(written(tmp_path, {"records": file})).remarks()
