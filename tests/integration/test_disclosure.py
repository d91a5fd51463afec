"""What may not be shown is shown nowhere: a marker in the evidence, and every surface that shows evidence.

The same walk with everything allowed finds the marker on each surface, so it would be seen.
"""

import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.harness.cluster import Namespace, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.workloads import admission_review, deployment
from tests.server.query.asking import PROVIDER, QUERY, RPC, TOKEN, call, question
from tests.support.rules import OPEN

COMMAND = Path(sys.executable).with_name("evidence-gate")
MARKER = "marker-7f3a9c"
ENVIRONMENT = "guarded"
KEY = "DEPLOY_NOTE"
SECONDS = 10.0

Surfaces = dict[str, str]
Walk = Callable[[dict[str, Any]], Surfaces]


def about_image(check: str = "metadata") -> dict[str, Any]:
    """Asks about an image that was observed in an environment whose name is the marker."""
    asked = question(digest_of("elsewhere"), check_id=check)
    asked["query"]["params"]["environment"] = ENVIRONMENT
    return asked


def about_note() -> dict[str, Any]:
    """Asks for an environment variable whose value is the marker."""
    return question("", provider_id="env", check_id="get", params={"key": KEY})


def configuration(gate: Gate, disclosure: dict[str, Any]) -> dict[str, Any]:
    condition = {
        "name": "note",
        "environments": [ENVIRONMENT],
        "query": {"provider": "env", "check": "get", "params": {"key": KEY}},
        "comparator": "equals",
        "expected": "something else",
        "action": "Warn",
    }
    sections = {"providers": {"env": {"allowlist": [KEY]}}, "gates": {"conditions": [condition]}}
    return gate.configuration | sections | {"disclosure": disclosure}


def in_the_cluster(namespace: Namespace, gate: Gate) -> Surfaces:
    """What a user, the API server's Events and the webhook's own answer show of a denied Deployment."""
    denied = namespace.create(deployment("cart", image_of("elsewhere")))
    assert "denied the request" in denied.stderr
    poll(namespace.events, SECONDS, "an Event about the denial")
    return {"denial": denied.stderr, "events": json.dumps(namespace.events()), "answer": reviewed(gate)}


def reviewed(gate: Gate) -> str:
    body = admission_review(deployment("cart", image_of("elsewhere")), "uid-1", "guarded")
    return post(gate, f"{gate.url}/admit/{ENVIRONMENT}?timeout=10s", body)


def post(gate: Gate, url: str, body: bytes) -> str:
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    with urlopen(Request(url, body, headers), context=trust, timeout=SECONDS) as answer:  # noqa: S310 - https, our own
        text: str = answer.read().decode()
    return text


def in_the_service(gate: Gate) -> Surfaces:
    """What the evidence service answers, on each path."""
    (line,) = gate.log("evidence service listening")
    shown = {}
    for name, asked in {"image": about_image(), "note": about_note()}.items():
        for path, body in {QUERY: asked, RPC: call(asked), PROVIDER: call(asked)}.items():
            shown[f"{path} {name}"] = post(gate, line["address"] + path, json.dumps(body).encode())
    return shown


def on_the_command_line(gate: Gate) -> Surfaces:
    """What commands print that answer by the same configuration."""
    config = gate.folder / "config.yaml"
    manifest = gate.folder / "cart.yaml"
    manifest.write_text(yaml.safe_dump(deployment("cart", image_of("elsewhere"))))
    reviewing = ["review", "-f", manifest, "--environment", ENVIRONMENT, "--config", config]
    frame = json.dumps(call(about_note())).encode()
    framed = b"Content-Length: %d\r\n\r\n%b" % (len(frame), frame)
    return {
        "query": run(["query", "-f", "-", "--config", config], json.dumps(about_image()).encode()),
        "review": run(reviewing),
        "review as JSON": run([*reviewing, "-o", "json"]),
        "provider": run(["provider", "--stdio", "--config", config], framed),
    }


def run(arguments: list[Any], data: bytes = b"") -> str:
    done = subprocess.run([COMMAND, *arguments], input=data, capture_output=True, check=False, timeout=30)
    return (done.stdout + done.stderr).decode()


@pytest.fixture
def walk(control_plane: ControlPlane, account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """Walks all surfaces of a gate with a disclosure policy."""
    monkeypatch.setenv(KEY, MARKER)
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    gate = Gate(tmp_path, {"RequiredEnvironments": [ENVIRONMENT]}, account)
    gate.publish(digest_of("elsewhere"), environment=MARKER)
    (gate.folder / "tokens").write_text(TOKEN)
    gate.options = {"query-listen": "127.0.0.1:0", "query-token-file": gate.folder / "tokens"}

    def _walk(disclosure: dict[str, Any]) -> Surfaces:
        gate.configure(configuration(gate, disclosure))
        with gate, registered(control_plane, gate, [ENVIRONMENT]):
            shown = in_the_cluster(Namespace.new(control_plane, ENVIRONMENT), gate) | in_the_service(gate)
            poll(lambda: len(gate.log("decision")) > 1, SECONDS, "the decisions are logged")
            shown |= {"log and records": gate.program.log.read_text(), "metrics": metrics(gate)}
        return shown | on_the_command_line(gate)

    return _walk


def metrics(gate: Gate) -> str:
    with urlopen(f"{gate.ops_url}/metrics", timeout=SECONDS) as answer:  # noqa: S310 - our own listener
        text: str = answer.read().decode()
    return text


NOTHING_SHOWN: dict[str, dict[str, Any]] = {
    "by default": {},
    "without the providers' consent": {"allowRawValues": True},
    "without ours": {"requireProviderOptIn": False},
}


@pytest.mark.parametrize("disclosure", NOTHING_SHOWN.values(), ids=NOTHING_SHOWN)
def test_what_may_not_be_shown_is_shown_nowhere(walk: Walk, disclosure: dict[str, Any]) -> None:
    shown = walk(disclosure)
    assert [surface for surface, text in shown.items() if MARKER in text] == []
    # Each of them has answered: an empty surface would hide nothing.
    assert all(shown.values())


def test_what_may_be_shown_is_seen_by_the_same_walk(walk: Walk) -> None:
    hidden = [surface for surface, text in walk(OPEN).items() if MARKER not in text]
    # No metric ever had a value of evidence for a label.
    assert hidden == ["metrics"]
