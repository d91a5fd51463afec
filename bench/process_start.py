"""The webhook's process as the scenarios need it: on a core of its own, with byte code, watched closely."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import SERVER_CORE, on_core
from tests.harness.gate import Gate
from tests.harness.process import Program, free_ports

BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""An image holds byte code, so the processes that are timed may write it, whatever the shell says."""

_READY_SECONDS = 60.0
_INTERVAL = 0.001


@contextmanager
def serving(gate: Gate) -> Iterator[Gate]:
    """Runs a webhook on the server's core.

    Args:
        gate: Its files.

    Yields:
        The same, once it is ready.
    """
    with on_core(SERVER_CORE):
        gate.start()
    try:
        yield gate
    finally:
        gate.program.kill()


@contextmanager
def started(gate: Gate, kubeconfig: Path) -> Iterator[tuple[Program, float]]:
    """Starts a webhook on the server's core and asks every millisecond whether it is ready.

    Args:
        gate: Its files.
        kubeconfig: With which it talks to the API server.

    Yields:
        The process, and the seconds from its start to the first 200 of `/readyz`.

    Raises:
        AssertionError: It ended, or did not get ready.
    """
    port, ops_port = free_ports(2)
    options = {
        "config": gate.folder / "config.yaml",
        "tls-cert": gate.folder / "tls.crt",
        "tls-key": gate.folder / "tls.key",
        "listen": f"127.0.0.1:{port}",
        "ops-listen": f"127.0.0.1:{ops_port}",
        "kubeconfig": kubeconfig,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [str(Path(sys.executable).with_name("evidence-gate")), "webhook", *arguments]
    with on_core(SERVER_CORE):
        began = time.perf_counter()
        program = Program(command, gate.folder / f"timed-{ops_port}.log", BYTE_CODE)
    try:
        while not _ready(ops_port):
            assert program.exit_code is None, program.tail()
            assert time.perf_counter() - began < _READY_SECONDS, program.tail()
            time.sleep(_INTERVAL)
        yield program, time.perf_counter() - began
    finally:
        program.kill()


def import_seconds() -> float:
    """Times an interpreter that imports the three big libraries and ends.

    Returns:
        Seconds from start to end.
    """
    command = [sys.executable, "-c", "import aiohttp, pydantic, kubernetes.aio"]
    with on_core(SERVER_CORE):
        began = time.perf_counter()
        subprocess.run(command, check=True, env=os.environ | BYTE_CODE)
        return time.perf_counter() - began


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
