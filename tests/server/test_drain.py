"""SIGTERM: not ready at once, in service through the drain time, then a clean end."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.admission.requests import SEEN, deployment, review
from tests.harness.gate import Gate
from tests.harness.load import Load
from tests.harness.polling import poll
from tests.server.serving import JSON

DRAIN = 2.0
BODY = review(deployment(SEEN))


def connect(gate: Gate, url: str | None = None) -> http.client.HTTPSConnection:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    return http.client.HTTPSConnection(urlsplit(url or gate.url).netloc, timeout=10, context=trust)


def ask(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("POST", "/admit/production?timeout=10s", BODY, JSON)
    answer = connection.getresponse()
    answer.read()
    return answer


@pytest.fixture
def draining(gate: Gate) -> Iterator[Gate]:
    gate.configure(gate.configuration | {"server": {"drainSeconds": DRAIN}})
    with gate:
        yield gate


def test_a_stopping_server_is_not_ready_and_still_answers(draining: Gate) -> None:
    kept = connect(draining)
    assert ask(kept).headers.get("Connection") is None
    assert (draining.probe("/healthz"), draining.probe("/readyz")) == (200, 200)
    begun = time.monotonic()
    draining.program.terminate()
    poll(lambda: draining.probe("/readyz") == 503, DRAIN, "it says that it is not ready")
    assert draining.probe("/healthz") == 200
    for connection in (kept, connect(draining)):
        answer = ask(connection)
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert draining.program.wait(DRAIN + 5) == 0
    assert DRAIN <= time.monotonic() - begun < DRAIN + 4
    assert [line["seconds"] for line in draining.log("draining")] == [DRAIN]
    assert "Traceback" not in draining.program.log.read_text()


def test_no_request_is_lost_under_load(draining: Gate) -> None:
    with Load(f"{draining.url}/admit/production?timeout=10s", draining.ca_pem, BODY) as load:
        poll(lambda: load.answered >= 50, 10, "the load runs")
        draining.program.terminate()
        poll(lambda: draining.probe("/readyz") == 503, DRAIN, "it says that it is not ready")
        after = load.answered
        poll(lambda: load.answered >= after + 20 and load.closing >= 4, DRAIN, "it answers and sends clients away")
        # The clients leave here, as API servers do once the endpoint is gone.
    assert load.failures == []
    assert draining.program.wait(DRAIN + 5) == 0
    decisions = draining.log("decision")
    assert len(decisions) == load.answered


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0_though_a_connection_is_idle(gate: Gate, number: signal.Signals) -> None:
    with gate:
        idle = connect(gate)
        ask(idle)
        os.kill(gate.program.pid, number)
        begun = time.monotonic()
        assert gate.program.wait(10) == 0
        assert time.monotonic() - begun < 4
        idle.close()
        assert "Traceback" not in gate.program.log.read_text()


def test_a_log_that_nobody_reads_holds_up_neither_answers_nor_the_end(gate: Gate, tmp_path: Path) -> None:
    options = {
        "config": gate.folder / "config.yaml",
        "tls-cert": gate.folder / "tls.crt",
        "tls-key": gate.folder / "tls.key",
        "listen": "127.0.0.1:0",
        "ops-listen": "127.0.0.1:0",
    }
    program = str(Path(sys.executable).with_name("evidence-gate"))
    command = [program, "webhook", *(f"--{name}={value}" for name, value in options.items())]
    with (
        (tmp_path / "stderr").open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        try:
            assert process.stdout is not None
            # Read until it listens, and never again.
            line = next(line for line in process.stdout if b'"listening"' in line)
            assert count_answers(gate, json.loads(line)["address"], 400) == 400
            process.terminate()
            assert process.wait(12) == 0
        finally:
            process.kill()


def count_answers(gate: Gate, url: str, wanted: int) -> int:
    """Asks so many times over four kept connections; far more lines than a pipe holds."""
    answered: list[int] = []

    def client() -> None:
        connection = connect(gate, url)
        answered.extend(ask(connection).status for _ in range(wanted // 4))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answered.count(200)
