"""A bundle and a trusted root of the public Sigstore, made by nobody here (recorded/README.md)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.sigstore import Sigstore
from tests.support.envelopes import dump
from tests.support.identities import believing, identity
from tests.support.verdicts import UNTRUSTED, VERIFIED, verdict
from webhook.trust.certificate import CertificateIdentity
from webhook.trust.policy import TrustPolicy
from webhook.trust.verify import open_envelope, subject_digests

RECORDED = Path(__file__).parent / "recorded"
RAW = (RECORDED / "bundle.json").read_bytes()
ROOT = (RECORDED / "trusted_root.json").read_bytes()
ISSUER, SUBJECT = "https://github.com/login/oauth", "cody@soyland.com"
(IMAGE,) = subject_digests(RAW)


def policy(subject: str = SUBJECT, issuer: str = ISSUER, root: bytes | Sigstore = ROOT) -> TrustPolicy:
    believed = believing(root, identity(subject, issuer))
    return TrustPolicy(
        identities=believed.identities,
        root=believed.root,
        predicate_types=frozenset({"https://cosign.sigstore.dev/attestation/v1"}),
    )


def test_a_real_bundle_is_verified() -> None:
    opened = open_envelope(RAW, policy())
    assert [signer.who for signer in opened._signers] == [CertificateIdentity(ISSUER, SUBJECT)]


@pytest.mark.parametrize(
    "believed",
    [policy(subject="somebody@else.example"), policy(issuer="https://accounts.google.com"), policy(root=Sigstore())],
    ids=["another subject", "another issuer", "another root"],
)
def test_a_real_bundle_is_nobody_elses(believed: TrustPolicy) -> None:
    assert verdict(RAW, believed, IMAGE) == UNTRUSTED


def test_a_real_bundle_with_one_other_bit_is_refused() -> None:
    document: dict[str, Any] = json.loads(RAW)
    payload = document["dsseEnvelope"]["payload"]
    document["dsseEnvelope"]["payload"] = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    assert verdict(dump(document), policy(), IMAGE) in {UNTRUSTED, "EvidenceMalformed"}
    assert verdict(dump(json.loads(RAW)), policy(), IMAGE) != UNTRUSTED
    assert verdict(RAW, policy(), IMAGE) != VERIFIED  # What it says is no execution evidence.
