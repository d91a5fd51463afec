import base64
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attest.keys import KINDS, public_pem
from tests.attest.signing.making import signed_envelope
from webhook.cli.main import main
from webhook.limits import LIMITS

HEX = "ab" * 32
DIGEST = f"sha256:{HEX}"
PREDICATE = {
    "environment": "staging",
    "observedFrom": "2026-11-24T06:31:35Z",
    "observedUntil": "2026-11-24T06:36:35+00:00",
    "hotSymbolCount": 42,
    "uniqueCallPaths": 17,
}


def payload(**changes: Any) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example.com/shop/cart", "digest": {"sha256": HEX}}],
        "predicateType": "stella.ops/executionEvidence@v1",
        "predicate": PREDICATE,
    }
    return json.dumps(statement | changes).encode("utf-8")


def signed(body: bytes, kind: str = "P-256", owner: str = "staging") -> bytes:
    return signed_envelope(body, kind, owner)


def bundle(envelope: bytes, **material: Any) -> bytes:
    document = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material or {"publicKey": {"hint": "staging"}},
        "dsseEnvelope": json.loads(envelope),
    }
    return json.dumps(document).encode("utf-8")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for kind in KINDS:
        for owner in ("staging", "stranger"):
            (folder / f"{owner}-{kind}.pub").write_bytes(public_pem(kind, owner))
    return folder


@pytest.fixture(scope="module")
def verify(keys: Path) -> Callable[..., Result]:
    """Runs the command on standard input, with the key of the staging environment."""

    def run(content: bytes, *arguments: str, kind: str = "P-256", digest: str = DIGEST) -> Result:
        fixed = ["verify", "-", "--key", str(keys / f"staging-{kind}.pub"), "--image-digest", digest]
        return CliRunner().invoke(main, [*fixed, *arguments], input=content)

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_verified_is_told(kind: str, verify: Callable[..., Result]) -> None:
    envelope = signed(payload(), kind)
    result = verify(envelope, "-o", "json", kind=kind)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "verified": True,
        "imageDigest": DIGEST,
        "signers": [f"staging-{kind}.pub"],
        "environment": "staging",
        "hotSymbolCount": 42,
        "uniqueCallPaths": 17,
        "observedFrom": "2026-11-24T06:31:35Z",
        "observedUntil": "2026-11-24T06:36:35Z",
        "envelopeDigest": "sha256:" + sha256(envelope).hexdigest(),
    }


def test_the_text_has_one_fact_a_line(verify: Callable[..., Result]) -> None:
    envelope = signed(payload())
    assert verify(envelope).stdout.splitlines() == [
        "Verified",
        f"  image:          {DIGEST}",
        "  signer:         staging-P-256.pub",
        "  environment:    staging",
        "  hot symbols:    42",
        "  call paths:     17",
        "  observed from:  2026-11-24T06:31:35Z",
        "  observed until: 2026-11-24T06:36:35Z",
        f"  envelope:       sha256:{sha256(envelope).hexdigest()}",
    ]


def test_a_refusal_names_reason_and_finding(verify: Callable[..., Result]) -> None:
    envelope = signed(payload(), owner="stranger")
    result = verify(envelope)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Not verified",
        f"  image:          {DIGEST}",
        "  reason:         EvidenceUntrusted",
        "  found:          signed by no key that is trusted",
        f"  envelope:       sha256:{sha256(envelope).hexdigest()}",
    ]


def test_a_sigstore_bundle_signed_by_a_key_is_verified(verify: Callable[..., Result]) -> None:
    assert verify(bundle(signed(payload()))).exit_code == 0


def test_a_file_is_read_as_well_as_standard_input(keys: Path, tmp_path: Path) -> None:
    file = tmp_path / "cart.json"
    file.write_bytes(signed(payload()))
    arguments = ["verify", str(file), "--key", str(keys / "staging-P-256.pub"), "--image-digest", DIGEST]
    assert CliRunner().invoke(main, arguments).exit_code == 0


def test_any_one_of_several_keys_suffices(keys: Path, verify: Callable[..., Result]) -> None:
    result = verify(
        signed(payload()), "--key", str(keys / "stranger-P-256.pub"), "--key", str(keys / "staging-Ed25519.pub")
    )
    assert result.exit_code == 0


BEACONS = payload(
    predicateType="stella.ops/beaconAttestation@v1",
    predicate={
        "environment": "staging",
        "observedUntil": "2026-11-24T06:36:35Z",
        "beaconsExpected": 10,
        "beaconsVerified": 9,
    },
)


def test_beacon_data_is_told_to_whoever_asks_for_it(verify: Callable[..., Result]) -> None:
    envelope = signed(BEACONS)
    result = verify(envelope, "--kind", "beacon-attestation")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Verified",
        f"  image:          {DIGEST}",
        "  signer:         staging-P-256.pub",
        "  environment:    staging",
        "  beacons:        10",
        "  verified:       9",
        "  observed until: 2026-11-24T06:36:35Z",
        f"  envelope:       sha256:{sha256(envelope).hexdigest()}",
    ]
    machine = json.loads(verify(envelope, "--kind", "beacon-attestation", "-o", "json").stdout)
    assert (machine["beaconsExpected"], machine["beaconsVerified"]) == (10, 9)
    assert "hotSymbolCount" not in machine


# CVE-2022-35930: a pipeline that relies on one kind must not be content with the other.
@pytest.mark.parametrize(("content", "kind"), [(BEACONS, None), (payload(), "beacon-attestation")])
def test_a_statement_of_the_other_kind_is_refused(
    content: bytes, kind: str | None, verify: Callable[..., Result]
) -> None:
    result = verify(signed(content), "-o", "json", *(() if kind is None else ("--kind", kind)))
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["verified"], answer["reason"]) == (False, "EvidenceMissing")
    assert answer["detail"] == "a statement of another predicate type"


REFUSALS = {
    "signed by a stranger": (signed(payload(), owner="stranger"), "EvidenceUntrusted"),
    "signed by another kind of key": (signed(payload(), "Ed25519"), "EvidenceUntrusted"),
    "bundle with a certificate": (
        bundle(signed(payload()), certificate={"rawBytes": "AA=="}),
        "EvidenceUntrusted",
    ),
    "about another image": (
        signed(payload(subject=[{"name": "x", "digest": {"sha256": "cd" * 32}}])),
        "EvidenceMissing",
    ),
    "not JSON": (b"cart", "EvidenceMalformed"),
    "empty": (b"", "EvidenceMalformed"),
    "a statement without envelope": (payload(), "EvidenceMalformed"),
    "two documents": (signed(payload()) * 2, "EvidenceMalformed"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_count_is_refused_with_its_reason(case: str, verify: Callable[..., Result]) -> None:
    content, reason = REFUSALS[case]
    result = verify(content, "-o", "json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["verified"], answer["reason"]) == (False, reason)


@pytest.mark.parametrize(("environment", "exit_code"), [("staging", 0), ("Staging", 0), ("production", 1)])
def test_an_environment_may_be_asked_for(environment: str, exit_code: int, verify: Callable[..., Result]) -> None:
    result = verify(signed(payload()), "--environment", environment, "-o", "json")
    assert result.exit_code == exit_code
    if exit_code:
        assert json.loads(result.stdout)["reason"] == "EvidenceFromOtherEnvironment"


_PAYLOAD = payload()
_ENVELOPE = json.loads(signed(_PAYLOAD))


@given(st.integers(0, len(_PAYLOAD) - 1), st.integers(1, 255))
@settings(deadline=None)
def test_no_byte_of_the_payload_can_be_changed(verify: Callable[..., Result], index: int, difference: int) -> None:
    changed = bytearray(_PAYLOAD)
    changed[index] ^= difference
    tampered = _ENVELOPE | {"payload": base64.b64encode(changed).decode("ascii")}
    assert verify(json.dumps(tampered).encode("ascii")).exit_code == 1


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_get_an_answer(verify: Callable[..., Result], content: bytes) -> None:
    result = verify(content)
    assert result.exit_code == 1
    assert "EvidenceMalformed" in result.stdout


def test_an_envelope_may_be_as_large_as_the_limit_and_no_larger(verify: Callable[..., Result]) -> None:
    envelope = signed(payload()).ljust(LIMITS.envelope_bytes)
    assert verify(envelope).exit_code == 0
    larger = verify(envelope + b" ", "-o", "json")
    assert larger.exit_code == 1
    answer = json.loads(larger.stdout)
    assert answer["reason"] == "EvidenceMalformed"
    assert "envelopeDigest" not in answer


def test_an_endless_file_gets_an_answer(keys: Path) -> None:
    arguments = ["verify", "/dev/zero", "--key", str(keys / "staging-P-256.pub"), "--image-digest", DIGEST]
    assert CliRunner().invoke(main, arguments).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image-digest", DIGEST], "Missing option '--key'"),
        (["--key", "{keys}/staging-P-256.pub"], "Missing option '--image-digest'"),
        (["--key", "{keys}/staging-P-256.pub", "--image-digest", HEX], "write `sha256:`"),
        (["--key", "{keys}/staging-P-256.pub", "--image-digest", DIGEST.upper()], "write `sha256:`"),
        (["--key", "{keys}/none.pub", "--image-digest", DIGEST], "cannot be read"),
        (["--key", "{keys}", "--image-digest", DIGEST], "cannot be read"),
        (["--key", "/dev/zero", "--image-digest", DIGEST], "/dev/zero is too large for a key"),
        (["--key", "/dev/null", "--image-digest", DIGEST], "/dev/null: it holds no PEM public key"),
        (["--key", "{keys}/staging-P-256.pub"] * (LIMITS.trusted_keys + 1) + ["--image-digest", DIGEST], "more than"),
    ],
)
def test_a_usage_error_or_an_unusable_key_exits_with_2(arguments: list[str], message: str, keys: Path) -> None:
    command = ["verify", "-", *(argument.format(keys=keys) for argument in arguments)]
    result = CliRunner().invoke(main, command, input=signed(payload()))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_file_that_cannot_be_read_exits_with_2(keys: Path, tmp_path: Path) -> None:
    fixed = ["--key", str(keys / "staging-P-256.pub"), "--image-digest", DIGEST]
    # /proc/self/mem can be opened; reading its first page fails.
    for unreadable in (tmp_path / "none.json", tmp_path, Path("/proc/self/mem")):
        assert CliRunner().invoke(main, ["verify", str(unreadable), *fixed]).exit_code == 2
