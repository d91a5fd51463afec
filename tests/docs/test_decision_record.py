"""The decision record's page against a record that a running webhook has logged."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.api_server import Answer, ask
from demo.webhook_process import WebhookProcess
from demo.workshop import ATTESTATIONS, Workshop
from tests.docs.console import ROOT
from tests.docs.tables import code, rows
from webhook.model.canonical import canonical_json, sha256_digest

PAGE = (ROOT / "docs" / "decision-record.md").read_text("utf-8")
EXAMPLE, HIDDEN = [json.loads(part.split("```")[0]) for part in PAGE.split("```json\n")[1:3]]
HARDLY = "deployment-hardly-observed.yaml"

# Objects whose members belong to others; the page names the object.
_RULING = "images[].rulings[]"
_WHOLE = {"policy", "decision.triggerTime", f"{_RULING}.result", f"{_RULING}.evidence", f"{_RULING}.basis"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, bytes]:
    """The answer to the page's review, and the webhook's whole log."""
    workshop = Workshop.furnish(tmp_path_factory.mktemp("webhook"))
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    with WebhookProcess(workshop) as webhook:
        answer = ask(webhook.url, "production", HARDLY, workshop.ca_file)
    return answer, (workshop.folder / "webhook.log").read_bytes()


def record_in(log: bytes) -> Any:
    (record,) = [line["record"] for line in map(json.loads, log.splitlines()) if line["message"] == "decision"]
    return record


def members(value: Any, prefix: str = "") -> set[str]:
    """Names every member, as the page's table does."""
    if isinstance(value, dict) and prefix.rstrip(".") not in _WHOLE:
        return {name for key, member in value.items() for name in members(member, f"{prefix}{key}.")}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {name for member in value for name in members(member, f"{prefix.rstrip('.')}[].")}
    return {prefix.rstrip(".")}


def shape(value: Any) -> Any:
    """Reduces a value to its names and types."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(member) for member in value] if isinstance(value, list) else type(value)


def test_the_table_lists_every_member(logged: tuple[Answer, bytes]) -> None:
    listed = {code(cells[0])[0] for cells in rows(PAGE, 3)}
    # A list has a row of its own, before those of its members.
    assert listed - {"images[].rulings"} == members(record_in(logged[1]))


def test_the_example_has_the_shape_of_a_logged_record(logged: tuple[Answer, bytes]) -> None:
    assert shape(EXAMPLE) == shape(record_in(logged[1]))


def test_the_second_example_is_the_same_ruling_without_values(tmp_path: Path) -> None:
    workshop = Workshop.furnish(tmp_path)
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    config = tmp_path / "config.yaml"
    closed = config.read_text("utf-8").replace("{allowRawValues: true}", "{allowRawValues: false}")
    config.write_text(closed, "utf-8")
    with WebhookProcess(workshop) as webhook:
        ask(webhook.url, "production", HARDLY, workshop.ca_file)
    [ruling] = record_in((tmp_path / "webhook.log").read_bytes())["images"][0]["rulings"]
    assert shape(HIDDEN) == shape(ruling)
    [shown] = EXAMPLE["images"][0]["rulings"]
    assert (shown["evidence"]["value"] is None, HIDDEN["evidence"]["value"]) == (False, None)
    assert HIDDEN["result"] == shown["result"]
    for name in ("lane", "evidence_hash", "evidence_ref", "evidence_anchor"):
        assert HIDDEN["evidence"][name] is not None
    assert "hot symbols" not in HIDDEN["found"]


def test_the_examples_digest_is_the_one_on_the_page() -> None:
    digests = re.findall(r"^Its digest is `(.+)`\.$", PAGE, re.MULTILINE)
    assert digests == [sha256_digest(canonical_json(EXAMPLE))]


def test_the_pages_program_finds_the_digest_of_the_answer(logged: tuple[Answer, bytes], tmp_path: Path) -> None:
    answer, log = logged
    program = tmp_path / "digests.py"
    program.write_text(PAGE.split("```python\n")[1].split("```")[0])
    result = subprocess.run([sys.executable, program], input=log, check=True, capture_output=True)
    assert result.stdout.decode().split() == [answer.record]


def test_a_record_that_was_parsed_gives_the_same_digest(logged: tuple[Answer, bytes]) -> None:
    answer, log = logged
    text = json.dumps(record_in(log), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sha256_digest(text.encode("utf-8")) == answer.record
