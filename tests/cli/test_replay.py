"""`evidence-gate replay`: what it reads, what it prints, and how it ends."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.admission.requests import SEEN, STRANGER, deployment, review
from tests.admission.world import World
from webhook.admission.record import DecisionRecord
from webhook.cli.main import main
from webhook.limits import LIMITS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def record(world: World) -> DecisionRecord:
    return asyncio.run(world.record(review(deployment(SEEN, STRANGER))))


@pytest.fixture(autouse=True)
def at_home(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with configuration and evidence, as the working directory."""
    world.settings()
    monkeypatch.chdir(world.folder)
    return world.folder


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["replay", *arguments], input=stdin)


def line(record: DecisionRecord, **changes: Any) -> bytes:
    head = {"decision": record.digest, "message": "decision"} | changes
    return json.dumps(head).encode()[:-1] + b',"record":' + record.content + b"}\n"


FORMS: dict[str, Any] = {
    "the record": lambda record: record.content,
    "pretty": lambda record: json.dumps(json.loads(record.content), indent=2).encode(),
    "a line of a log": line,
    "a log": lambda record: b"rubbish\n\n" + b'{"half": \n' + line(record) + b'{"message": "other"}\n',
    "a log that begins with half a line": lambda record: b'{"decision": "sha2\n' + line(record),
    "what review prints": lambda record: json.dumps(
        [{"decision": record.digest, "record": json.loads(record.content)}], indent=2
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["file", "stdin", "gzip"])
def test_a_record_is_found_wherever_it_stands(at_home: Path, record: DecisionRecord, form: str, place: str) -> None:
    content = FORMS[form](record)
    path = at_home / ("record.gz" if place == "gzip" else "record")
    path.write_bytes(gzip.compress(content) if place == "gzip" else content)
    result = run("-" if place == "stdin" else path.name, stdin=content)
    first, last = result.output.strip().split("\n")
    said = "CREATE Deployment shop/cart in production: Fail (EvidenceUntrusted)"
    assert first == f"identical  {record.digest}  {said}"
    assert last == "1 identical, 0 different, 0 cannot be replayed; from the recorded answers"
    assert result.exit_code == 0


def outcome(*arguments: str, stdin: bytes = b"") -> tuple[int, dict[str, Any]]:
    result = run(*arguments, "-o", "json", stdin=stdin)
    [entry] = json.loads(result.stdout)["records"]
    return result.exit_code, entry


def test_with_configuration_and_envelopes_the_bytes_are_the_same(record: DecisionRecord) -> None:
    code, entry = outcome("-", "--config", "config.yaml", "--envelope", "evidence", stdin=record.content)
    assert (code, entry["outcome"], entry["recomputed"]) == (0, "identical", record.digest)


def test_the_bytes_themselves_are_printed_one_record_a_line(record: DecisionRecord) -> None:
    result = run("-o", "record", "-", stdin=line(record) + b'{"decision": 7, "record": {"kind": "DecisionRecord"}}\n')
    assert result.stdout_bytes == record.content + b"\n\n"
    assert result.stderr == "1 identical, 0 different, 1 cannot be replayed; from the recorded answers\n"


def test_a_forecast_has_no_bytes(record: DecisionRecord) -> None:
    result = run("-o", "record", "--what-if", "config.yaml", "-", stdin=record.content)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_missing_envelope_is_named(record: DecisionRecord) -> None:
    arguments = ("-", "--config", "config.yaml", "--envelope", "evidence/seen.json")
    code, entry = outcome(*arguments, stdin=record.content)
    candidates = json.loads(record.content)["images"][1]["rulings"][0]["basis"]["candidates"]
    assert (code, entry["outcome"]) == (3, "cannot be replayed")
    assert [(each["digest"], each["uri"]) for each in entry["missing"]] == [
        (candidates[0]["digest"], candidates[0]["uri"])
    ]
    text = run(*arguments, stdin=record.content).output
    assert f"needs:      the envelope {candidates[0]['digest']}, which lay in directory:stranger.json" in text


def test_an_envelope_with_other_bytes_is_not_the_one(at_home: Path, record: DecisionRecord, tmp_path: Path) -> None:
    for file in (at_home / "evidence").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes() + b"\n")
    code, entry = outcome("-", "--config", "config.yaml", "--envelope", str(tmp_path), stdin=record.content)
    assert (code, entry["outcome"], len(entry["missing"])) == (3, "cannot be replayed", 1)


def test_another_configuration_is_told(world: World, record: DecisionRecord) -> None:
    other = world.settings({"MinHotSymbolCount": 4})
    code, entry = outcome("-", "--config", "config.yaml", stdin=record.content)
    assert (code, entry["outcome"]) == (1, "different")
    assert entry["difference"] == {
        "path": "$.decision.settings",
        "recorded": world.settings().digest,
        "recomputed": other.digest,
        "cause": "it was decided by another configuration",
    }


def test_values_that_are_hidden_need_the_envelopes(world: World) -> None:
    closed = asyncio.run(
        world.record(review(deployment(SEEN)), settings=world.settings(disclosure={"allowRawValues": False}))
    )
    code, entry = outcome("-", stdin=closed.content)
    assert (code, entry["outcome"]) == (3, "cannot be replayed")
    # What is shown changes no verdict, so the configuration may show more today than it did.
    world.settings()
    code, entry = outcome("-", "--config", "config.yaml", "--envelope", "evidence", stdin=closed.content)
    assert (code, entry["recomputed"]) == (0, closed.digest)


def test_another_version_of_the_software_is_the_cause_if_nothing_else_differs(record: DecisionRecord) -> None:
    document = json.loads(record.content)
    document["decision"]["software"] = "execution-evidence-gate 0.0.1"
    code, entry = outcome("-", stdin=json.dumps(document).encode())
    assert (code, entry["difference"]["path"]) == (1, "$.decision.software")
    cause = "it was recorded by another version of the software; nothing else differs"
    assert entry["difference"]["cause"] == cause


def test_a_line_whose_digest_is_not_the_records_is_different(record: DecisionRecord) -> None:
    code, entry = outcome("-", stdin=line(record, decision="sha256:" + "0" * 64))
    assert (code, entry["outcome"], entry["difference"]["path"]) == (1, "different", "$")


UNREADABLE: dict[str, bytes] = {
    "another version of the schema": b'{"kind":"DecisionRecord","apiVersion":"stella.ops/v2"}',
    "a member twice": b'{"kind":"DecisionRecord","kind":"DecisionRecord"}',
    "half of one": b'{"message":"decision","record":{"kind":"DecisionRecord",\n',
    "empty but for its kind": b'{"kind":"DecisionRecord"}',
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_record_that_cannot_be_read_is_told(case: str) -> None:
    result = run("-", stdin=UNREADABLE[case])
    assert result.exit_code == 3
    assert result.output.startswith("cannot be replayed  -")
    assert "0 identical, 0 different, 1 cannot be replayed" in result.output


@pytest.mark.parametrize("content", [b"", b"nothing\n", b"[1, 2]", b'{"kind":"Other"}', b"[" * 100_000])
def test_without_any_record_it_is_a_usage_error(content: bytes) -> None:
    result = run("-", stdin=content)
    assert (result.exit_code, result.output) == (2, "no decision record in these files\n")


def test_envelopes_alone_are_a_usage_error() -> None:
    result = run("-", "--envelope", "evidence")
    assert result.exit_code == 2
    assert "--envelope needs --config" in result.output


def test_an_envelope_that_is_too_large_is_a_usage_error(record: DecisionRecord, tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b" " * (LIMITS.envelope_bytes + 1))
    result = run("-", "--config", "config.yaml", "--envelope", str(tmp_path), stdin=record.content)
    assert result.exit_code == 2


def test_what_a_record_says_cannot_act_on_a_terminal(record: DecisionRecord) -> None:
    document = json.loads(record.content)
    document["request"]["name"] = document["images"][0]["rulings"][0]["found"] = "\x1b[2J\u202e\n"
    result = run("-", stdin=json.dumps(document).encode())
    assert result.exit_code == 1
    assert all(text.isprintable() for text in result.output.split("\n"))


def test_a_tampered_record_is_not_believed_by_what_if(record: DecisionRecord) -> None:
    document = json.loads(record.content)
    document["decision"]["verdict"] = "Pass"
    changed = DecisionRecord(json.dumps(document).encode(), record.digest)
    result = run("-", "--what-if", "config.yaml", stdin=line(changed))
    assert (result.exit_code, "the record was changed" in result.output) == (3, True)
    result = run("-", "--what-if", "config.yaml", "--config", "config.yaml", stdin=changed.content)
    assert (result.exit_code, "the record does not replay" in result.output) == (3, True)


def test_what_if_tells_programs_of_every_decision(world: World, record: DecisionRecord) -> None:
    world.settings({"MissingEvidenceAction": "Warn"})
    result = run("-", "--what-if", "config.yaml", "-o", "json", stdin=line(record) * 2)
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {name: report[name] for name in ("changed", "unchanged", "unknown")} == {
        "changed": 2,
        "unchanged": 0,
        "unknown": 0,
    }
    assert report["decisions"][0]["then"] == {"verdict": "Fail", "reasons": ["EvidenceUntrusted"]}
    assert report["decisions"][0]["now"] == {"verdict": "Warn", "reasons": ["EvidenceUntrusted"]}
