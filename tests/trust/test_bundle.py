"""Sigstore bundles signed by a key; those signed by a certificate are not trusted here. Case group 21."""

from typing import Any

import pytest

from tests.support.envelopes import BUNDLE_V03, bundle, dump, envelope, signature
from tests.support.keys import ed25519_key
from tests.support.statements import ABSENT, IMAGE, OTHER_IMAGE, changed, predicate, statement
from tests.support.verdicts import MALFORMED, MISSING, UNTRUSTED, VERIFIED, trusting, verdict

SIGNER = ed25519_key()
POLICY = trusting(SIGNER)
ENVELOPE = envelope(statement(), [SIGNER])
BUNDLE = bundle(ENVELOPE)
KEY = {"publicKey": {"hint": "x"}}
CERTIFICATE = {"certificate": {"rawBytes": "MAA="}}
CHAIN = {"x509CertificateChain": {"certificates": [{"rawBytes": "MAA="}]}}

BUNDLES: list[tuple[str, dict[str, Any], str]] = [
    ("as cosign writes it", {}, VERIFIED),
    ("v0.3, older spelling", {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.3"}, VERIFIED),
    ("v0.2", {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2"}, VERIFIED),
    ("v0.1", {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"}, VERIFIED),
    ("v0.4", {"mediaType": "application/vnd.dev.sigstore.bundle.v0.4+json"}, MALFORMED),
    ("mediaType upper case", {"mediaType": BUNDLE_V03.upper()}, MALFORMED),
    ("mediaType with a space", {"mediaType": BUNDLE_V03 + " "}, MALFORMED),
    ("no mediaType", {"mediaType": ABSENT}, MALFORMED),
    ("no material", {"verificationMaterial": ABSENT}, MALFORMED),
    ("material null", {"verificationMaterial": None}, MALFORMED),
    ("material a list", {"verificationMaterial": ["publicKey"]}, MALFORMED),
    ("material a text", {"verificationMaterial": "publicKey"}, MALFORMED),
    ("a certificate", {"verificationMaterial": CERTIFICATE}, UNTRUSTED),
    ("a chain", {"verificationMaterial": CHAIN}, UNTRUSTED),
    ("neither", {"verificationMaterial": {}}, MALFORMED),
    ("a key and a certificate", {"verificationMaterial": KEY | CERTIFICATE}, MALFORMED),
    ("a key and a chain", {"verificationMaterial": KEY | CHAIN}, MALFORMED),
    ("a key without a hint", {"verificationMaterial": {"publicKey": {}}}, VERIFIED),
    ("a hint that lies", {"verificationMaterial": {"publicKey": {"hint": "stranger"}}}, VERIFIED),
    ("empty log entries", {"verificationMaterial": KEY | {"tlogEntries": []}}, VERIFIED),
    ("no envelope", {"dsseEnvelope": ABSENT}, MALFORMED),
    ("envelope null", {"dsseEnvelope": None}, MALFORMED),
    ("envelope a text", {"dsseEnvelope": dump(ENVELOPE).decode()}, MALFORMED),
    ("envelope empty", {"dsseEnvelope": {}}, MALFORMED),
    ("a bundle in a bundle", {"dsseEnvelope": BUNDLE}, MALFORMED),
    ("a message signature", {"dsseEnvelope": ABSENT, "messageSignature": {"signature": "AA=="}}, MALFORMED),
    ("both contents", {"messageSignature": {"signature": "AA=="}}, MALFORMED),
    ("an envelope's members beside it", ENVELOPE, VERIFIED),
    ("an unsigned envelope inside, a signed beside it", ENVELOPE | {"dsseEnvelope": envelope(b"{}", [])}, UNTRUSTED),
]


@pytest.mark.parametrize(("what", "changes", "expected"), BUNDLES, ids=[row[0] for row in BUNDLES])
def test_bundle_signed_by_a_key_is_read(what: str, changes: dict[str, Any], expected: str) -> None:
    assert verdict(dump(changed(BUNDLE, changes)), POLICY) == expected, what


FIRST = statement(subjects=[IMAGE])
SECOND = statement(subjects=[OTHER_IMAGE], predicate=predicate(hotSymbolCount=9))
ONE, TWO = envelope(FIRST, [SIGNER]), envelope(SECOND, [SIGNER])
STRANGERS = envelope(FIRST, [ed25519_key("stranger")])

# CVE-2022-36056, CVE-2022-23649: parts that were not bound to each other.
SWAPPED: list[tuple[str, dict[str, Any], str]] = [
    ("the first", ONE, VERIFIED),
    ("the second, for the first's image", TWO, MISSING),
    ("the second's signatures on the first", ONE | {"signatures": TWO["signatures"]}, UNTRUSTED),
    ("the second's payload under the first's signatures", ONE | {"payload": TWO["payload"]}, UNTRUSTED),
    ("both signatures on the first", ONE | {"signatures": TWO["signatures"] + ONE["signatures"]}, VERIFIED),
    ("both signatures on the second", TWO | {"signatures": ONE["signatures"] + TWO["signatures"]}, MISSING),
    ("a stranger's signature", ONE | {"signatures": STRANGERS["signatures"]}, UNTRUSTED),
    (
        "a signature for another payload type",
        ONE | {"signatures": [signature(FIRST, SIGNER, "text/plain")]},
        UNTRUSTED,
    ),
]


@pytest.mark.parametrize("wrap", [dict, bundle], ids=["envelope", "bundle"])
@pytest.mark.parametrize(("what", "document", "expected"), SWAPPED, ids=[row[0] for row in SWAPPED])
def test_parts_of_two_envelopes_do_not_mix(wrap: Any, what: str, document: dict[str, Any], expected: str) -> None:
    assert verdict(dump(wrap(document)), POLICY) == expected, what


def test_material_of_another_bundle_changes_nothing() -> None:
    swapped = bundle(STRANGERS) | {"verificationMaterial": BUNDLE["verificationMaterial"]}
    assert verdict(dump(swapped), POLICY) == UNTRUSTED
