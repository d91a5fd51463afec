"""`evidence-gate provider --stdio`: the real process, spoken to as a Decision Gate speaks."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.reviewing import GOOD, POOR, site
from tests.server.query.asking import call, question
from tests.support.json_schema import accepts
from webhook.model.evidence_schema import RESULT_SCHEMA

COMMAND = Path(sys.executable).with_name("evidence-gate")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site(tmp_path_factory.mktemp("site"))


def frame(message: Any) -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def arguments(folder: Path) -> list[str | Path]:
    return [COMMAND, "provider", "--stdio", "--config", folder / "gate.json"]


def start(folder: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    # A test run in the background of a shell ignores Ctrl-C, and so would whatever it starts.
    listening = ["env", "--default-signal=INT", *arguments(folder)]
    return subprocess.Popen(listening, stdin=pipe, stdout=pipe, stderr=pipe)


def run(folder: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(arguments(folder), input=data, check=False, capture_output=True, timeout=30)


def answers(output: bytes) -> list[Any]:
    """Reads frames without the code under test."""
    stream, found = io.BytesIO(output), []
    while line := stream.readline():
        length = int(line.removeprefix(b"Content-Length: "))
        assert stream.readline() == b"\r\n"
        found.append(json.loads(stream.read(length)))
    return found


def test_each_message_is_answered_bare_and_in_order(folder: Path) -> None:
    messages = [LIST, call(question(GOOD), "a"), call(question(POOR), "b"), b"not JSON", call({}, "c")]
    done = run(folder, b"".join(map(frame, messages)))
    listed, good, poor, broken, empty = answers(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert listed["result"]["tools"][0]["name"] == "evidence_query"
    results = [answer["result"]["content"][0]["json"] for answer in (good, poor)]
    assert [answer["id"] for answer in (good, poor)] == ["a", "b"]
    assert all(accepts(RESULT_SCHEMA, result) for result in results)
    counts = [result["value"]["value"]["execution_evidence_hot_symbol_count"] for result in results]
    assert counts == ["42", "1"]
    assert (broken["error"]["code"], broken["id"]) == (-32600, None)
    assert (empty["error"]["code"], empty["id"]) == (-32602, "c")


def test_a_stream_out_of_step_ends_the_process_after_what_came_before(folder: Path) -> None:
    done = run(folder, frame(LIST) + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
    assert (done.returncode, len(answers(done.stdout))) == (2, 1)
    assert done.stderr == b"a header has two Content-Lengths\n"


def test_the_end_of_the_input_is_the_end(folder: Path) -> None:
    done = run(folder, b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits(folder: Path, number: signal.Signals) -> None:
    with start(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frame(LIST))
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"Content-Length: ")
        process.send_signal(number)
        assert process.wait(10) != 0


def test_a_caller_that_goes_away_is_no_trouble(folder: Path) -> None:
    with start(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(frame(LIST))
        process.stdin.flush()
        assert process.wait(10) == 0
        assert process.stderr.read() == b""


def test_a_configuration_that_cannot_be_used_ends_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text('{"more": 1}')
    done = run(tmp_path, frame(LIST))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
