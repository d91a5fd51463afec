"""Why an envelope does not count is remembered; what it was read from is not."""

import sys
from pathlib import Path

import pytest

from tests.harness.polling import poll
from tests.providers.asking import STRANGER, candidate, signed
from tests.providers.test_identities import OTHER, WORLD, certified, configured
from tests.support.envelopes import b64, dump, envelope
from tests.support.keys import ed25519_key
from tests.support.statements import predicate, statement
from webhook.errors import EvidenceError
from webhook.providers.opening import EnvelopeOpener, read_about
from webhook.trust.verify import OpenedEnvelope

IMAGE = "sha256:" + "52da" * 16
SIGNER = ed25519_key()


def _with_certificate(raw: bytes) -> bytes:
    bundle = WORLD.bundle(statement())
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = b64(raw)
    return dump(bundle)


REFUSED: dict[str, bytes] = {
    "no JSON": b"{" + b" " * 4096 + b"x",
    "no base64": dump({"payloadType": "application/vnd.in-toto+json", "payload": "%" * 4096, "signatures": []}),
    "no statement": dump(envelope(b"x" * 4096, [SIGNER])),
    "a stranger's": signed(STRANGER).raw,
    "a stranger's certificate": certified(OTHER).raw,
    "no certificate": _with_certificate(b"x" * 4096),
    "no material": _with_certificate(b"x" * 65536),
}


@pytest.mark.parametrize("assertions_count", [False, True])
@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_keeps_nothing_of_the_envelope_alive(
    case: str,
    assertions_count: bool,  # noqa: FBT001 - a table's column
    tmp_path: Path,
) -> None:
    # Frames hold the bytes, the document, and what libraries made of them: 14 MiB for an envelope of 4.
    opener = EnvelopeOpener(configured(tmp_path).trust)
    raw = bytes(bytearray(REFUSED[case]))
    before = sys.getrefcount(raw)
    opened = await opener.open(candidate(raw), assertions_count=assertions_count)
    if isinstance(opened, EvidenceError):
        assert (opened.__context__, opened.__cause__, opened.__traceback__) == (None, None, None)
    # The thread that verified lets go of its work a moment after it is done.
    poll(lambda: sys.getrefcount(raw) <= before, 5.0, "nothing holds the bytes")


@pytest.mark.parametrize("changes", [{"hotSymbolCount": -1}, {"hotSymbolCount": "many"}, {"observedUntil": "x"}])
async def test_a_predicate_that_is_refused_keeps_nothing_alive_either(
    changes: dict[str, object], tmp_path: Path
) -> None:
    opener = EnvelopeOpener(configured(tmp_path).trust)
    raw = dump(WORLD.bundle(statement(predicate=predicate(**changes))))
    before = sys.getrefcount(raw)
    opened = await opener.open(candidate(raw), assertions_count=False)
    assert isinstance(opened, OpenedEnvelope)
    assert isinstance(opened._evidence, EvidenceError)
    about = read_about(opened, IMAGE, None, assertions_count=False)
    for kept in (opened._evidence, about):
        assert isinstance(kept, EvidenceError)
        assert (kept.__context__, kept.__cause__, kept.__traceback__) == (None, None, None)
    # The thread that verified lets go of its work a moment after it is done.
    poll(lambda: sys.getrefcount(raw) <= before, 5.0, "nothing holds the bytes")
