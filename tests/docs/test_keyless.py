"""docs/evidence.md, "Without a key": its scripts run with the real cosign and Sigstore, its snippets are taken."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tests.docs.console import ROOT
from tests.docs.tables import section
from tests.harness.control_plane import ControlPlane
from tests.harness.sigstore import LocalSigstore
from tests.tools.build import program
from webhook.attest.signing.keyless_identity import TOKEN_VARIABLE

SECTION = section((ROOT / "docs" / "evidence.md").read_text("utf-8"), "### Without a key")
EXAMPLE = ROOT / "manifests" / "examples" / "profiles" / "cart.folded"
SIGNING, CONFIGURING = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
GITHUB, GITLAB, KUBERNETES = (
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
)


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


def run(script: str, folder: Path, **variables: str) -> None:
    programs = (program("cosign").parent, Path(sys.executable).parent, Path("/usr/bin"), Path("/bin"))
    environment = {"PATH": os.pathsep.join(map(str, programs)), "HOME": str(folder), **variables}
    command = ["sh", "-euc", script]
    result = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def sign(folder: Path, sigstore: LocalSigstore) -> None:
    (folder / "cart.folded").write_bytes(EXAMPLE.read_bytes())
    run(
        SIGNING,
        folder,
        image=f"registry.example.com/shop/cart@sha256:{'52' * 32}",
        identity="observer@example.com",
        issuer=sigstore.issuer.name(),
        SIGSTORE_ID_TOKEN=sigstore.issuer.token(),
    )


def test_evidence_is_signed_and_verified_as_the_page_says(sigstore: LocalSigstore, tmp_path: Path) -> None:
    (tmp_path / "trust_config.json").write_bytes(sigstore.trust_config.read_bytes())
    (tmp_path / "trusted_root.json").write_bytes(sigstore.trusted_root.read_bytes())
    sign(tmp_path, sigstore)


def test_a_sigstore_of_ones_own_is_described_as_the_page_says(sigstore: LocalSigstore, tmp_path: Path) -> None:
    root = json.loads(sigstore.trusted_root.read_bytes())
    for name, (authority,) in (
        ("fulcio.pem", root["certificateAuthorities"]),
        ("tsa.pem", root["timestampAuthorities"]),
    ):
        chain = [base64.b64decode(one["rawBytes"]) for one in authority["certChain"]["certificates"]]
        pem = [x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in chain]
        (tmp_path / name).write_bytes(b"".join(pem))
    for name, (log,) in (("rekor.pub", root["tlogs"]), ("ctlog.pub", root["ctlogs"])):
        key = load_der_public_key(base64.b64decode(log["publicKey"]["rawBytes"]))
        (tmp_path / name).write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    where = sigstore.addresses
    services = {"fulcio": where.fulcio, "rekor": where.rekor, "tsa": where.tsa, "ctlog": where.ct_log}
    run(CONFIGURING, tmp_path, since="2026-01-01T00:00:00Z", origin="127.0.0.1", **services)
    sign(tmp_path, sigstore)


def test_the_snippets_give_a_job_its_token() -> None:
    assert GITHUB["permissions"]["id-token"] == "write"
    assert GITLAB["evidence"]["id_tokens"] == {TOKEN_VARIABLE: {"aud": "sigstore"}}


@pytest.mark.integration
def test_a_real_api_server_takes_the_pod() -> None:
    with ControlPlane() as cluster:
        cluster.kubectl("create", "namespace", KUBERNETES["metadata"]["namespace"])
        creating = ("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-")
        made = json.loads(cluster.kubectl(*creating, stdin=json.dumps(KUBERNETES)).stdout)
    (source,) = made["spec"]["volumes"][0]["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "sigstore"
