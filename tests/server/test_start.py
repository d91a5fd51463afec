"""What cannot be started says why in one clear line, and ends with code 2: a pod's log shows little more."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.harness.gate import Gate
from webhook.cli.main import main

COMMAND = Path(sys.executable).with_name("evidence-gate")
LISTEN = {"listen": "127.0.0.1:0", "ops-listen": "127.0.0.1:0"}


def run(gate: Gate, environment: Mapping[str, str] | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """Starts the webhook, which is expected to end by itself."""
    return subprocess.run(
        [COMMAND, "webhook", *arguments_for(gate, changes)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
        | dict(environment or {}),
    )


def arguments_for(gate: Gate, changes: Mapping[str, str]) -> list[str]:
    """The options of a good start, with some changed."""
    options = {
        "config": str(gate.folder / "config.yaml"),
        "tls-cert": str(gate.folder / "tls.crt"),
        "tls-key": str(gate.folder / "tls.key"),
        **LISTEN,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return [f"--{name}={value}" for name, value in options.items()]


def lines_of(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on standard error, after what holds for every bad start."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert all(json.loads(line) for line in result.stdout.splitlines())
    assert '"listening"' not in result.stdout
    return result.stderr.splitlines()


def encrypt(gate: Gate) -> None:
    path = gate.folder / "tls.key"
    key = load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")))


def misfit(gate: Gate) -> None:
    before = (gate.folder / "tls.key").read_bytes()
    gate.issue_certificate()
    (gate.folder / "tls.key").write_bytes(before)


def writes(name: str, content: bytes) -> Callable[[Gate], object]:
    return lambda gate: (gate.folder / name).write_bytes(content)


def configures(**sections: object) -> Callable[[Gate], object]:
    return lambda gate: gate.configure(gate.configuration | sections)


ONE_LINE: dict[str, tuple[Callable[[Gate], object], tuple[str, ...]]] = {
    "no YAML": (writes("config.yaml", b"PolicyGates: ["), ("config.yaml: line 1: is not YAML",)),
    "an unknown key": (
        writes("config.yaml", b"PolicyGates: {ExecutionEvidence: {Enabledd: true}}"),
        ("PolicyGates.ExecutionEvidence.Enabledd: unknown key, did you mean 'Enabled'",),
    ),
    "a key that is not there": (
        lambda gate: (gate.folder / "staging.pub").unlink(),
        ("trust.keys[0].file 'staging.pub': cannot be read",),
    ),
    "an empty certificate": (writes("tls.crt", b""), ("tls.crt", "tls.key", "cannot be used")),
    "an encrypted TLS key": (encrypt, ("tls.crt", "tls.key", "cannot be used")),
    "a certificate for another key": (misfit, ("tls.crt", "tls.key", "cannot be used")),
    "a cluster store without a cluster": (
        configures(stores={"cluster": {}}),
        ("stores.cluster needs a cluster: run in a pod, or give --kubeconfig",),
    ),
}


@pytest.mark.parametrize("case", ONE_LINE)
def test_a_file_that_cannot_be_used_is_named_in_one_line(gate: Gate, case: str) -> None:
    spoil, expected = ONE_LINE[case]
    spoil(gate)
    [line] = lines_of(run(gate))
    for part in expected:
        assert part in line


def test_a_client_ca_that_cannot_be_used_is_named_in_one_line(gate: Gate) -> None:
    path = gate.folder / "client-ca.pem"
    path.write_bytes((gate.folder / "tls.key").read_bytes())
    assert lines_of(run(gate, client_ca=str(path))) == [f"client CA {path} cannot be used"]


def test_every_fault_of_a_configuration_has_its_line(gate: Gate) -> None:
    text = "PolicyGates: {ExecutionEvidence: {Enabledd: true, MinHotSymbolCount: -1}}\nworkload: [Pod]\n"
    (gate.folder / "config.yaml").write_text(text)
    assert len(lines_of(run(gate))) == 3


USAGE: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "no configuration": ({"config": "/nowhere/config.yaml"}, ("--config", "/nowhere/config.yaml")),
    "a folder for a configuration": ({"config": "/"}, ("--config",)),
    "no certificate": ({"tls_cert": "/nowhere/tls.crt"}, ("--tls-cert", "/nowhere/tls.crt")),
    "no TLS key": ({"tls_key": "/nowhere/tls.key"}, ("--tls-key", "/nowhere/tls.key")),
    "no client CA": ({"client_ca": "/nowhere/ca.pem"}, ("--client-ca", "/nowhere/ca.pem")),
    "a client's name without a client CA": ({"client_name": "kube-apiserver"}, ("--client-name needs --client-ca",)),
    "no kubeconfig": ({"kubeconfig": "/nowhere/kubeconfig"}, ("--kubeconfig",)),
    "no port": ({"listen": "127.0.0.1"}, ("--listen", "HOST:PORT")),
    "a port in words": ({"listen": "127.0.0.1:https"}, ("--listen", "HOST:PORT")),
    "a port beyond the last": ({"ops_listen": "127.0.0.1:65536"}, ("--ops-listen", "HOST:PORT")),
}


@pytest.mark.parametrize("case", USAGE)
def test_an_option_that_cannot_be_used_is_named_in_the_last_line(gate: Gate, case: str) -> None:
    options, expected = USAGE[case]
    result = CliRunner().invoke(main, ["webhook", *arguments_for(gate, options)])
    assert result.exit_code == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    for part in expected:
        assert part in last


@pytest.mark.parametrize("option", ["listen", "ops_listen"])
def test_a_port_that_is_taken_is_named(gate: Gate, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [line] = lines_of(run(gate, None, **{option: f"127.0.0.1:{port}"}))
    assert line.startswith("cannot listen on ")
    assert str(port) in line


@pytest.mark.parametrize("host", ["host.invalid", "a..b"])
def test_a_host_that_does_not_exist_is_named(gate: Gate, host: str) -> None:
    [line] = lines_of(run(gate, None, listen=f"{host}:0"))
    assert line.startswith("cannot listen on ")
    assert host in line


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_kubeconfig_that_cannot_be_used_is_named(gate: Gate, content: bytes) -> None:
    gate.configure(gate.configuration | {"stores": {"cluster": {}}})
    path = gate.folder / "kubeconfig"
    path.write_bytes(content)
    [line] = lines_of(run(gate, None, kubeconfig=str(path)))
    assert "kubeconfig" in line


@pytest.mark.parametrize("level", ["LOUD", ""])
def test_a_log_level_that_does_not_exist_is_named(gate: Gate, level: str) -> None:
    [line] = lines_of(run(gate, {"LOG_LEVEL": level}))
    assert line == "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"


def test_a_log_level_in_lower_case_is_understood(gate: Gate) -> None:
    (gate.folder / "tls.crt").write_bytes(b"")
    [line] = lines_of(run(gate, {"LOG_LEVEL": "debug"}))
    assert "tls.crt" in line


def test_a_good_start_says_where_it_listens_and_what_is_hardly_meant(gate: Gate) -> None:
    gate.configure({"PolicyGates": {"ExecutionEvidence": {"Enabled": False}}, "server": {"drainSeconds": 0}})
    with gate:
        [entry] = gate.log("listening")
        assert entry["level"] == "INFO"
        assert entry["address"].startswith("https://127.0.0.1:")
        assert entry["ops_address"].startswith("http://127.0.0.1:")
        assert "PolicyGates.ExecutionEvidence.Enabled is false: every image is admitted." in entry["remarks"]
        assert gate.metric("execution_evidence_gate_configuration_ok") == 1
