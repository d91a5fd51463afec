"""Verification summaries, as cosign verifies them: another implementation of DSSE and in-toto."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.admission.world import World
from tests.attest.keys import private_pem, public_pem
from tests.harness.command import run
from tests.harness.evidence import digest_of
from tests.records.making import AT
from tests.tools.build import program
from webhook.attest.signing.key import SigningKey
from webhook.records.entry import Decided
from webhook.records.summary import SummaryWriter

TYPE = "https://slsa.dev/verification_summary/v1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.build(tmp_path_factory.mktemp("world"))


async def envelope(world: World, image: str, kind: str = "P-256") -> dict[str, Any]:
    record = await world.record(review(deployment(image)))
    writer = SummaryWriter("https://gate.example.com", SigningKey.from_pem(private_pem(kind)))
    [entry] = writer.of(Decided(AT, "u", "", "", 0.0, record.digest, record.content))
    document: dict[str, Any] = json.loads(entry.content)
    return document


def verify(
    folder: Path, envelope: dict[str, Any], image: str, *, kind: str = "P-256", owner: str = "staging"
) -> dict[str, Any]:
    """Runs cosign, which takes an envelope in a bundle alone; gives the statement."""
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "dsseEnvelope": envelope,
    }
    (folder / "summary.json").write_text(json.dumps(bundle))
    (folder / "key.pub").write_bytes(public_pem(kind, owner))
    flags = ("--bundle=summary.json", "--key=key.pub", f"--type={TYPE}", "--insecure-ignore-tlog")
    digest = ("--digestAlg=sha256", f"--digest={digest_of(image).removeprefix('sha256:')}")
    run([program("cosign"), "verify-blob-attestation", *flags, *digest], folder, {"HOME": str(folder)})
    statement: dict[str, Any] = json.loads(base64.standard_b64decode(envelope["payload"]))
    return statement


# With a key on P-384 or P-521 cosign checks SHA-256, which is not what Sigstore's algorithm registry says.
@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA-2048"])
async def test_cosign_verifies_a_summary(world: World, tmp_path: Path, kind: str) -> None:
    statement = verify(tmp_path, await envelope(world, SEEN, kind), "seen", kind=kind)
    assert statement["predicate"]["verificationResult"] == "PASSED"


async def test_cosign_verifies_that_an_image_has_failed(world: World, tmp_path: Path) -> None:
    statement = verify(tmp_path, await envelope(world, UNSEEN), "unseen")
    assert statement["predicate"]["verificationResult"] == "FAILED"


async def test_cosign_refuses_a_summary_of_another_image(world: World, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="digest"):
        verify(tmp_path, await envelope(world, SEEN), "unseen")


async def test_cosign_refuses_a_stranger(world: World, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="signature"):
        verify(tmp_path, await envelope(world, SEEN), "seen", owner="stranger")


async def test_cosign_refuses_a_changed_summary(world: World, tmp_path: Path) -> None:
    failed = await envelope(world, UNSEEN)
    payload = base64.standard_b64decode(failed["payload"]).replace(b'"FAILED"', b'"PASSED"')
    failed["payload"] = base64.standard_b64encode(payload).decode()
    with pytest.raises(AssertionError, match="signature"):
        verify(tmp_path, failed, "unseen")
