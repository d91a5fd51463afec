"""`evidence-gate query`: here by a configuration, or of a real webhook."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.cli.reviewing import GOOD, UNKNOWN, site
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import TOKEN, question
from tests.simulators.web import TlsAnswers
from tests.support.json_schema import accepts
from webhook.cli.main import main
from webhook.limits import LIMITS
from webhook.model.evidence_schema import OUTPUT_SCHEMA

SEED = Path(__file__).parents[1] / "model" / "seed"


def ask(request: Any, *more: str) -> Result:
    """Asks with the request on standard input; bytes are taken as they are."""
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    return CliRunner().invoke(main, ["query", "-f", "-", *more], input=data)


def here(folder: Path, request: Any) -> Result:
    return ask(request, "--config", str(folder / "gate.json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site(tmp_path_factory.mktemp("site"))


def test_a_result_is_printed_whole(folder: Path) -> None:
    result = here(folder, question(GOOD))
    document = json.loads(result.stdout)
    assert (result.exit_code, set(document)) == (0, {"result"})
    assert accepts(OUTPUT_SCHEMA, document)
    assert document["result"]["value"]["value"]["has_execution_evidence"] == "true"


def test_a_file_is_read_as_well(folder: Path, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(question(UNKNOWN)))
    result = CliRunner().invoke(main, ["query", "-f", str(request), "--config", str(folder / "gate.json")])
    assert json.loads(result.stdout)["result"]["value"]["value"]["has_execution_evidence"] == "false"


def test_an_error_of_the_result_is_a_result(folder: Path) -> None:
    result = here(folder, json.loads((SEED / "example_input.json").read_text("utf-8")))
    document = json.loads(result.stdout)
    assert (result.exit_code, document["result"]["error"]["code"]) == (0, "provider_missing")
    assert accepts(OUTPUT_SCHEMA, document)


BAD: list[tuple[str, Any, str]] = [
    ("not JSON", b"{", "-: the request is not JSON"),
    ("an unknown member", question(GOOD) | {"more": 1}, "-: `more` is not known"),
    ("no context", question(GOOD) | {"context": {}}, "-: `context.tenant_id` is missing"),
    ("too large", b" " * (LIMITS.query_bytes + 1), "-: larger than 65536 bytes"),
]


@pytest.mark.parametrize(("_name", "request_", "text"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_named_in_one_line(folder: Path, _name: str, request_: Any, text: str) -> None:
    result = here(folder, request_)
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_configuration_that_cannot_be_used_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text('{"more": 1}')
    result = here(tmp_path, question(GOOD))
    assert (result.exit_code, result.stdout) == (2, "")


OPTIONS: list[tuple[str, ...]] = [
    (),
    ("--config", "CONFIG", "--server", "https://localhost"),
    ("--config", "CONFIG", "--token-file", "CONFIG"),
    ("--config", "CONFIG", "--server-ca", "CONFIG"),
    ("--server", "https://localhost", "--kubeconfig", "CONFIG"),
    ("--server", "http://localhost:1"),
    ("--server", "https://user:secret@localhost"),
    ("--server", "https://localhost/path"),
    ("--server", "localhost:8444"),
    ("--server", "https://localhost", "--server-ca", "CONFIG"),
    ("--server", "https://localhost", "--token-file", "CONFIG"),
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_options_that_do_not_fit_are_a_usage_error(folder: Path, options: tuple[str, ...]) -> None:
    given = [str(folder / "gate.json") if part == "CONFIG" else part for part in options]
    result = ask(question(GOOD), *given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "secret" not in result.stderr


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A real process that serves evidence."""
    gate = Gate(tmp_path_factory.mktemp("webhook"), {}, events={"enabled": False})
    gate.publish(digest_of("seen"))
    (gate.folder / "tokens").write_text(TOKEN)
    (gate.folder / "other").write_text("x" * 40)
    (gate.folder / "ca.pem").write_bytes(gate.ca_pem)
    gate.options = {"query-listen": "127.0.0.1:0", "query-token-file": gate.folder / "tokens"}
    with gate:
        yield gate


def remote(gate: Gate, request: Any, shown: str = "tokens", ca: str = "ca.pem") -> Result:
    (line,) = gate.log("evidence service listening")
    folder = gate.folder
    server = ["--server", line["address"], "--server-ca", str(folder / ca), "--token-file", str(folder / shown)]
    return ask(request, *server)


def test_a_server_gives_the_same_answer(webhook: Gate) -> None:
    result = remote(webhook, question(digest_of("seen")))
    assert result.exit_code == 0, result.output
    local = ask(question(digest_of("seen")), "--config", str(webhook.folder / "config.yaml"))
    assert json.loads(result.stdout) == json.loads(local.stdout)


def test_a_caller_that_the_server_refuses_is_told_so(webhook: Gate) -> None:
    result = remote(webhook, question(digest_of("seen")), shown="other")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(" answers 401: the token is not valid\n")


def test_a_server_that_cannot_be_trusted_is_not_asked(webhook: Gate) -> None:
    result = remote(webhook, question(digest_of("seen")), ca="tls.crt")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "certificate is not valid" in result.stderr


def test_a_server_that_is_away_is_unavailable() -> None:
    result = ask(question(GOOD), "--server", "https://127.0.0.1:1")
    assert result.exit_code == 3


EIGHT = json.loads((SEED / "example_output.json").read_text("utf-8"))
# The published example has a placeholder; this is the hash of its value.
EIGHT["result"]["evidence_hash"]["value"] = "80be2eb0944c0453a6ad339a56e1c8f39f8cc57a4e627758246ccfd274176fd8"
ANSWERS: list[tuple[str, int, bytes, int]] = [
    ("a result", 200, json.dumps(EIGHT).encode(), 0),
    ("a bare result", 200, json.dumps(EIGHT["result"]).encode(), 3),
    ("a result without one member", 200, json.dumps({"result": {**EIGHT["result"], "lane": None}}).encode(), 3),
    ("another value", 200, json.dumps(EIGHT).replace("production", "staging").encode(), 3),
    ("more beside it", 200, json.dumps(EIGHT | {"more": 1}).encode(), 3),
    ("no JSON", 200, b"<html>", 3),
    ("without end", 200, b" " * (LIMITS.query_reply_bytes + 1), 3),
    ("a redirect", 307, b"{}", 3),
    ("bad request", 400, b'{"error": {"message": "no\\u001b[31m"}}', 2),
    ("forbidden", 403, b'{"error": {"message": "no"}}', 1),
    ("too many", 429, b'{"error": {"message": "no"}}', 3),
    ("unavailable", 503, b"{}", 3),
]


@pytest.mark.parametrize(("_name", "status", "body", "code"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_only_a_whole_result_is_one(tmp_path: Path, _name: str, status: int, body: bytes, code: int) -> None:
    with TlsAnswers(tmp_path, status, body) as server:
        result = ask(question(GOOD), "--server", server.url, "--server-ca", str(server.ca_file))
    assert result.exit_code == code, result.output
    assert bool(result.stdout) is (code == 0)
    assert "\x1b" not in result.output


def test_proxies_are_not_asked(webhook: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    assert remote(webhook, question(digest_of("seen"))).exit_code == 0
