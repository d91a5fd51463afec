"""What `evidence-gate review` needs: manifests, evidence, a configuration."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from tests.support.envelopes import dump, envelope
from tests.support.keys import Signer, ecdsa
from tests.support.rules import OPEN
from tests.support.statements import predicate, statement
from webhook.admission.answer import build_response
from webhook.cli.main import main
from webhook.cli.manifests import Manifest
from webhook.cli.preflight import preflight
from webhook.cli.rules import open_rules
from webhook.settings.loading import load_settings

GOOD, POOR, FOREIGN, UNKNOWN = (f"sha256:{number:064x}" for number in range(1, 5))
SHOP = "registry.example.com/shop/cart"
KINDS = {"Deployment": "apps/v1", "Rollout": "argoproj.io/v1alpha1"}


def site(folder: Path) -> Path:
    """Evidence about three images: sufficient, insufficient, and a stranger's; a key and a configuration."""
    evidence = folder / "evidence"
    evidence.mkdir()
    staging, stranger = ecdsa(owner="staging"), ecdsa(owner="stranger")
    rows: list[tuple[str, Signer, int]] = [(GOOD, staging, 42), (POOR, staging, 1), (FOREIGN, stranger, 42)]
    for digest, signer, symbols in rows:
        seen = predicate(
            observedFrom="2025-11-23T06:00:00Z", observedUntil="2025-11-24T06:00:00Z", hotSymbolCount=symbols
        )
        (evidence / digest[-1]).write_bytes(dump(envelope(statement(subjects=[digest], predicate=seen), [signer])))
    (folder / "staging.pub").write_bytes(staging.pem)
    configure(folder)
    return folder


def configure(folder: Path, stores: dict[str, Any] | None = None, **section: Any) -> None:
    """Writes the configuration; the gate blocks unless a section says otherwise."""
    document = {
        "PolicyGates": {"ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block", **section}},
        "stores": {"directory": {"path": "evidence"}} if stores is None else stores,
        "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
        "disclosure": OPEN,
    }
    (folder / "gate.json").write_text(json.dumps(document))


def workload(digest: str = GOOD, kind: str = "Deployment", **metadata: Any) -> dict[str, Any]:
    """A workload with one container."""
    pod = {"spec": {"containers": [{"name": "cart", "image": f"{SHOP}@{digest}"}]}}
    return {
        "apiVersion": KINDS.get(kind, "v1"),
        "kind": kind,
        "metadata": {"name": "cart"} | metadata,
        "spec": {"template": pod},
    }


def arguments(folder: Path, *more: str, environment: str = "production") -> list[str]:
    """The command line."""
    return ["review", "--environment", environment, "--config", str(folder / "gate.json"), *more]


def review(folder: Path, *documents: Any, environment: str = "production", more: tuple[str, ...] = ()) -> Result:
    """Reviews documents as one file; a text is written as it is."""
    file = folder / "manifest.yaml"
    texts = [text if isinstance(text, str) else yaml.safe_dump(text) for text in documents]
    file.write_text("---\n".join(texts))
    return CliRunner().invoke(main, arguments(folder, "-f", str(file), *more, environment=environment))


def answers(result: Result) -> list[dict[str, Any]]:
    """The JSON output."""
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def as_json(folder: Path, *documents: Any, environment: str = "production") -> list[dict[str, Any]]:
    """As `review`, the JSON output."""
    return answers(review(folder, *documents, environment=environment, more=("-o", "json")))


def webhook_warnings(folder: Path, document: dict[str, Any], environment: str) -> list[str]:
    """What the API server would hand on to the user, were the workload created."""

    async def decided() -> dict[str, Any]:
        settings = load_settings(folder / "gate.json")
        async with open_rules(settings, None) as rules:
            manifest = Manifest(document, document["kind"], "default", document["metadata"]["name"])
            made = await preflight(manifest, environment, rules, time.monotonic() + 10)
        return build_response("a-uid", made.decision, made.record.digest, settings)

    found: list[str] = asyncio.run(decided())["response"].get("warnings", [])
    return found


def warnings(result: Result) -> list[str]:
    """What `review` warns of."""
    return [line.removeprefix("Warning: ") for line in result.stdout.splitlines() if line.startswith("Warning: ")]
