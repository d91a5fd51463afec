"""Schemathesis against the live service, by the document that it serves."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.server.query.asking import PROVIDER, QUERY, RPC, TOKEN
from webhook.limits import LIMITS

PROGRAM = Path(sys.executable).with_name("schemathesis")
# JSON Schema takes 1.0 for an integer, and this gate does not; at /rpc a query that no provider knows is a fault.
STRICTER = "positive_data_acceptance"
# A Decision Gate drops the text of any answer but 200.
ALWAYS_200 = "negative_data_rejection"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A real process that serves evidence."""
    gate = Gate(tmp_path_factory.mktemp("service"), {}, events={"enabled": False})
    gate.publish(digest_of("seen"))
    (gate.folder / "tokens").write_text(TOKEN)
    (gate.folder / "ca.pem").write_bytes(gate.ca_pem)
    gate.options = {"query-listen": "127.0.0.1:0", "query-token-file": gate.folder / "tokens"}
    with gate:
        yield gate


@pytest.mark.parametrize(
    ("path", "excluded"), [(QUERY, STRICTER), (RPC, STRICTER), (PROVIDER, f"{STRICTER},{ALWAYS_200}")]
)
def test_the_service_keeps_to_its_document(service: Gate, tmp_path: Path, path: str, excluded: str) -> None:
    (line,) = service.log("evidence service listening")
    options = {
        "include-path": path,
        "exclude-checks": excluded,
        "tls-verify": service.folder / "ca.pem",
        "header": f"Authorization: Bearer {TOKEN}",
        "max-examples": 50,
        "rate-limit": f"{LIMITS.query_rate * 0.8:g}/s",
        "seed": 1,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [PROGRAM, "run", f"{line['address']}/openapi.json", *arguments],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    assert service.metric("execution_evidence_gate_incidents_total") == 0
