"""The signature policy: with keys, only what one of them signed is an answer."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.providers.remote.asking import ask, said
from tests.simulators.decision_gate import DecisionGateSimulator, absent, failed, result_of, signed

BOARD, OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32))), Ed25519PrivateKey.generate()
GOOD = result_of({"approved": True})


@pytest.fixture
def policy(tmp_path: Path) -> dict[str, Any]:
    """The keys of the board, of which the other's is one under another id."""
    for name, key in {"board": BOARD, "other": OTHER}.items():
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub").write_bytes(pem)
    keys = [{"keyId": "board", "file": "board.pub"}, {"keyId": "other", "file": "other.pub"}]
    return {"signature": {"keys": keys}}


@pytest.mark.parametrize("key_id", ["board", "other"])
async def test_an_answer_that_a_key_signed_is_one(
    gate: DecisionGateSimulator, policy: dict[str, Any], key_id: str
) -> None:
    gate.result = signed(GOOD, BOARD if key_id == "board" else OTHER, key_id)
    result = await ask(gate, **policy)
    assert result.error is None
    assert result.signature is not None
    assert result.signature.key_id == key_id


async def test_a_signed_answer_whose_value_is_hidden_stays_hidden(
    gate: DecisionGateSimulator, policy: dict[str, Any]
) -> None:
    gate.result = signed(GOOD, BOARD, "board") | {"value": None, "content_type": None}
    result = await ask(gate, **policy)
    assert (result.value, result.error) == (None, None)
    assert result.evidence_hash is not None


UNTRUSTED: dict[str, tuple[dict[str, Any], str]] = {
    "unsigned": (GOOD, "the answer is not signed"),
    "absent": (absent(), "the answer has no value that could be signed"),
    "absent and signed": (
        absent(signature=signed(GOOD, BOARD, "board")["signature"]),
        "the answer has no value that could be signed",
    ),
    "by a stranger": (signed(GOOD, OTHER, "board"), "the answer's signature is not valid"),
    "by an unknown key": (signed(GOOD, BOARD, "nobody"), "the answer is signed by a key that is not trusted"),
    "of another value": (
        result_of(value="x") | {"signature": signed(GOOD, BOARD, "board")["signature"]},
        "the answer's signature is not valid",
    ),
    "in another way": (
        signed(GOOD, BOARD, "board", scheme="rsa"),
        "the answer is signed by a scheme that is not known",
    ),
}


@pytest.mark.parametrize("case", UNTRUSTED)
@pytest.mark.parametrize("path", ["/rpc", "/provider/rpc"])
async def test_any_other_answer_is_an_error_and_never_absent(
    gate: DecisionGateSimulator, policy: dict[str, Any], case: str, path: str
) -> None:
    result, expected = UNTRUSTED[case]
    gate.result = result
    assert said(await ask(gate, path, **policy)) == ("evidence_untrusted", expected)


async def test_without_keys_a_signature_is_not_looked_at(gate: DecisionGateSimulator) -> None:
    gate.result = signed(GOOD, OTHER, "nobody")
    assert (await ask(gate)).error is None


async def test_an_error_needs_no_signature(gate: DecisionGateSimulator, policy: dict[str, Any]) -> None:
    gate.result = failed("provider_error", "no")
    assert said(await ask(gate, **policy)) == ("provider_error", "it says: no")


async def test_a_signature_lifts_no_lane(gate: DecisionGateSimulator, policy: dict[str, Any]) -> None:
    gate.result = signed(GOOD | {"lane": "asserted"}, BOARD, "board")
    assert said(await ask(gate, **policy))[0] == "evidence_untrusted"
