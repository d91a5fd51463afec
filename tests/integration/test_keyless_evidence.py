"""A real API server, the webhook's process, and evidence that an identity of a real Sigstore has signed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sigstore.dsse import Statement
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of, statement
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.sigstore import LocalSigstore
from tests.harness.workloads import deployment
from tests.integration.conftest import GateStarter
from tests.simulators.oidc_issuer import Kind
from tests.simulators.sigstore import Sigstore, root_bytes

UNTIL_SEEN = 5.0
WORKFLOWS = r"https://github\.com/shop/[a-z]+/\.github/workflows/.*"


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


def sign(sigstore: LocalSigstore, kind: Kind, name: str) -> str:
    """Signs sufficient evidence of an image without a key."""
    context = SigningContext.from_trust_config(ClientTrustConfig.from_json(sigstore.trust_config.read_text()))
    with context.signer(IdentityToken(sigstore.issuer.token(kind))) as signer:
        return signer.sign_dsse(Statement(json.dumps(statement(digest_of(name))).encode())).to_json()


def put(gate: Gate, name: str, bundle: str) -> None:
    (gate.evidence / f".{name}").write_text(bundle)
    (gate.evidence / f".{name}").rename(gate.evidence / f"{name}.json")


def trusting(root: Path, sigstore: LocalSigstore) -> dict[str, Any]:
    """The workflows of one organisation, by one issuer; nobody else and no key."""
    issuer = sigstore.issuer.name("github")
    identity = {"name": "soak", "issuer": issuer, "subjectRegExp": WORKFLOWS, "environments": ["staging"]}
    return {"trustedRoot": str(root), "identities": [identity]}


def found(namespace: Namespace, name: str) -> str:
    """The line of a denial that says what was found."""
    lines = namespace.create(deployment(f"try-{name}", image_of(name))).stderr.splitlines()
    return next(line.strip() for line in lines if line.strip().startswith("found:"))


def test_a_workload_is_admitted_by_the_evidence_of_a_trusted_identity_alone(
    sigstore: LocalSigstore, start_gate: GateStarter, control_plane: ControlPlane
) -> None:
    gate = start_gate("keyless", trust=trusting(sigstore.trusted_root, sigstore))
    namespace = Namespace.new(control_plane, "keyless")
    put(gate, "workflow", sign(sigstore, "github", "workflow"))
    put(gate, "person", sign(sigstore, "email", "person"))
    put(gate, "elsewhere", json.dumps(Sigstore().bundle(json.dumps(statement(digest_of("elsewhere"))).encode())))
    poll(lambda: namespace.admits(image_of("workflow")), UNTIL_SEEN, "the workflow's evidence is seen")
    poll(lambda: "certificate for observer@example.com" in found(namespace, "person"), UNTIL_SEEN, "the person's is")
    assert found(namespace, "person").endswith("who is no trusted identity (EvidenceUntrusted)")
    assert found(namespace, "elsewhere").endswith("(EvidenceUntrusted)")
    assert found(namespace, "nobody") == "found: no statement about this digest (EvidenceMissing)"


def test_another_trusted_root_ends_the_trust_in_what_the_first_certified(
    sigstore: LocalSigstore, start_gate: GateStarter, control_plane: ControlPlane, tmp_path: Path
) -> None:
    root = tmp_path / "root.json"
    root.write_bytes(sigstore.trusted_root.read_bytes())
    gate = start_gate("uprooted", trust=trusting(root, sigstore))
    namespace = Namespace.new(control_plane, "uprooted")
    put(gate, "workflow", sign(sigstore, "github", "workflow"))
    poll(lambda: namespace.admits(image_of("workflow")), UNTIL_SEEN, "the evidence is seen")
    root.write_bytes(root_bytes(Sigstore()))
    poll(lambda: not namespace.admits(image_of("workflow")), UNTIL_SEEN, "the new root is in force")
