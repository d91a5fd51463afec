"""The service is off unless it is asked for, and never opens to everybody."""

import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.harness.clients import ClientAuthority
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.server.query.asking import TOKEN

COMMAND = Path(sys.executable).with_name("evidence-gate")


def start(gate: Gate, *more: str) -> subprocess.CompletedProcess[str]:
    """Starts the webhook, which is expected to end by itself."""
    options = {"config": "config.yaml", "tls-cert": "tls.crt", "tls-key": "tls.key"}
    arguments = [f"--{name}={gate.folder / value}" for name, value in options.items()]
    return subprocess.run(
        [COMMAND, "webhook", *arguments, "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"},
    )


ON = "--query-listen=127.0.0.1:0"
REFUSED: list[tuple[str, list[str], str]] = [
    ("nobody to let in", [ON], "--query-listen needs one of --query-token-file and --query-cluster-callers"),
    (
        "two ways in",
        [ON, "--query-token-file=TOKENS", "--query-cluster-callers"],
        "--query-listen needs one of --query-token-file and --query-cluster-callers",
    ),
    (
        "no cluster",
        [ON, "--query-cluster-callers"],
        "--query-cluster-callers needs a cluster: run in a pod, or give --kubeconfig",
    ),
    ("no token", [ON, "--query-token-file=EMPTY"], "token file EMPTY must hold 1 to 64 tokens"),
]


@pytest.mark.parametrize(("_name", "more", "text"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_service_that_would_be_open_or_shut_to_all_does_not_start(
    gate: Gate, _name: str, more: list[str], text: str
) -> None:
    (gate.folder / "tokens").write_text(TOKEN)
    (gate.folder / "empty").write_text("")
    files = {"TOKENS": str(gate.folder / "tokens"), "EMPTY": str(gate.folder / "empty")}
    for name, path in files.items():
        more = [part.replace(name, path) for part in more]
        text = text.replace(name, path)
    result = start(gate, *more)
    assert (result.returncode, result.stderr) == (2, f"{text}\n")
    messages = [json.loads(line)["message"] for line in result.stdout.splitlines()]
    assert not {"listening", "evidence service listening"} & set(messages)


@pytest.mark.parametrize("more", [["--query-cluster-callers"], ["--query-token-file=/dev/null"]])
def test_callers_without_a_service_are_a_usage_error(gate: Gate, more: list[str]) -> None:
    result = start(gate, *more)
    assert result.returncode == 2
    assert result.stderr.endswith("--query-token-file and --query-cluster-callers need --query-listen\n")


def serve(gate: Gate, **more: object) -> None:
    """Sets the gate up to serve evidence."""
    (gate.folder / "tokens").write_text(TOKEN)
    gate.options = {"query-listen": "127.0.0.1:0", "query-token-file": gate.folder / "tokens"} | more


def listed(gate: Gate) -> http.client.HTTPResponse:
    """Asks for the tools, without a client certificate."""
    (line,) = gate.log("evidence service listening")
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    connection = http.client.HTTPSConnection(urlsplit(line["address"]).netloc, timeout=10, context=trust)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    try:
        connection.request("POST", "/rpc", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_callers_need_no_certificate_where_the_api_server_needs_one(gate: Gate) -> None:
    (gate.folder / "client-ca.pem").write_bytes(ClientAuthority().pem)
    serve(gate, **{"client-ca": gate.folder / "client-ca.pem"})
    with gate:
        assert listed(gate).status == 200


def test_a_process_that_stops_still_answers_and_sends_callers_elsewhere(gate: Gate) -> None:
    gate.configure(gate.configuration | {"server": {"drainSeconds": 10}})
    serve(gate)
    with gate:
        assert listed(gate).headers["Connection"] is None
        gate.program.terminate()
        poll(lambda: gate.log("draining"), 10, "it drains")
        answer = listed(gate)
        assert (answer.status, answer.headers["Connection"]) == (200, "close")


def test_by_default_nothing_is_served(gate: Gate) -> None:
    with gate:
        assert gate.log("evidence service listening") == []
