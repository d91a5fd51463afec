"""Envelopes, case groups 15 and 16: each line is signed properly where a signature could matter."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.envelopes import IN_TOTO, b64, dump, envelope, pae, signature
from tests.support.keys import ed25519_key
from tests.support.statements import ABSENT, changed, predicate, statement
from tests.support.verdicts import MALFORMED, UNTRUSTED, VERIFIED, reason_of, trusting, verdict
from webhook.limits import LIMITS
from webhook.trust.dsse import Envelope, Signature, encode_envelope, pre_authentication_encoding
from webhook.trust.verify import open_assertion, subject_digests

SIGNER = ed25519_key()
STRANGER = ed25519_key("stranger")
POLICY = trusting(SIGNER)
BODY = statement()
ENVELOPE = envelope(BODY, [SIGNER])
RAW = dump(ENVELOPE)
GOOD = signature(BODY, SIGNER)
BAD = signature(BODY, STRANGER)

# What is done to the members, the verdict.
MEMBERS: list[tuple[str, dict[str, Any], str]] = [
    ("as signed", {}, VERIFIED),
    ("members of others", {"x": 1}, VERIFIED),
    ("another payload", {"payload": b64(statement(predicate=predicate(hotSymbolCount=9999)))}, UNTRUSTED),
    ("payload with a space more", {"payload": b64(BODY + b" ")}, UNTRUSTED),
    ("no payload", {"payload": ABSENT}, MALFORMED),
    ("payload null", {"payload": None}, MALFORMED),
    ("payload empty", {"payload": ""}, MALFORMED),
    ("payload a number", {"payload": 1}, MALFORMED),
    ("payload the statement itself", {"payload": json.loads(BODY)}, MALFORMED),
    ("payload not encoded", {"payload": BODY.decode()}, MALFORMED),
    ("no payloadType", {"payloadType": ABSENT}, MALFORMED),
    ("payloadType null", {"payloadType": None}, MALFORMED),
    ("payloadType empty", {"payloadType": ""}, MALFORMED),
    ("payloadType a list", {"payloadType": [IN_TOTO]}, MALFORMED),
    ("payloadType JSON", {"payloadType": "application/json"}, MALFORMED),
    ("payloadType upper case", {"payloadType": IN_TOTO.upper()}, MALFORMED),
    ("payloadType with a parameter", {"payloadType": IN_TOTO + ";v=1"}, MALFORMED),
    ("payloadType with a space", {"payloadType": IN_TOTO + " "}, MALFORMED),
    ("no signatures", {"signatures": ABSENT}, MALFORMED),
    ("signatures null", {"signatures": None}, MALFORMED),
    ("signatures an object", {"signatures": GOOD}, MALFORMED),
    ("signatures a text", {"signatures": GOOD["sig"]}, MALFORMED),
    ("signatures empty", {"signatures": []}, UNTRUSTED),
    ("a signature null", {"signatures": [GOOD, None]}, MALFORMED),
    ("a signature a text", {"signatures": [GOOD["sig"]]}, MALFORMED),
    ("a signature without sig", {"signatures": [{"keyid": "staging"}]}, MALFORMED),
    ("sig null", {"signatures": [{"sig": None}]}, MALFORMED),
    ("sig empty", {"signatures": [{"sig": ""}]}, MALFORMED),
    ("sig a number", {"signatures": [{"sig": 1}]}, MALFORMED),
    ("sig a list", {"signatures": [{"sig": [1]}]}, MALFORMED),
    ("sig no base64", {"signatures": [{"sig": "!"}]}, MALFORMED),
    ("sig too short", {"signatures": [{"sig": b64(b"x")}]}, UNTRUSTED),
    ("sig in member signature", {"signatures": [{"signature": GOOD["sig"]}]}, MALFORMED),
    ("no keyid", {"signatures": [{"sig": GOOD["sig"]}]}, VERIFIED),
    ("keyid empty", {"signatures": [GOOD | {"keyid": ""}]}, VERIFIED),
    ("keyid null", {"signatures": [GOOD | {"keyid": None}]}, VERIFIED),
    ("keyid a number", {"signatures": [GOOD | {"keyid": 1}]}, VERIFIED),
    ("keyid a list", {"signatures": [GOOD | {"keyid": ["staging"]}]}, VERIFIED),
    ("lying keyid on a good signature", {"signatures": [GOOD | {"keyid": "stranger"}]}, VERIFIED),
    ("lying keyid on a stranger's", {"signatures": [BAD | {"keyid": "staging"}]}, UNTRUSTED),
    ("a stranger's beside a good one", {"signatures": [BAD, GOOD]}, VERIFIED),
    ("garbage beside a good one", {"signatures": [{"sig": b64(b"\x30\x00")}, GOOD]}, VERIFIED),
    ("as many as allowed", {"signatures": [BAD] * (LIMITS.signatures - 1) + [GOOD]}, VERIFIED),
    ("one more than allowed", {"signatures": [GOOD] * (LIMITS.signatures + 1)}, MALFORMED),
    ("10,000", {"signatures": [BAD] * 10_000}, MALFORMED),
    ("over the raw payload", {"signatures": [{"sig": b64(SIGNER.sign(BODY))}]}, UNTRUSTED),
    ("over the encoded payload", {"signatures": [{"sig": b64(SIGNER.sign(b64(BODY).encode()))}]}, UNTRUSTED),
    ("over another payloadType", {"signatures": [signature(BODY, SIGNER, "application/json")]}, UNTRUSTED),
    ("over an empty payloadType", {"signatures": [signature(BODY, SIGNER, "")]}, UNTRUSTED),
    ("over nothing", {"signatures": [{"sig": b64(SIGNER.sign(b""))}]}, UNTRUSTED),
]

# What is done to the bytes, the verdict.
BYTES: list[tuple[str, bytes, str]] = [
    ("white space around", b"\n " + RAW + b"\n", VERIFIED),
    ("empty", b"", MALFORMED),
    ("not JSON", b"hello", MALFORMED),
    ("null", b"null", MALFORMED),
    ("a list", b"[" + RAW + b"]", MALFORMED),
    ("a text", json.dumps(RAW.decode()).encode(), MALFORMED),
    ("a number", b"1", MALFORMED),
    ("true", b"true", MALFORMED),
    ("an empty object", b"{}", MALFORMED),
    ("cut", RAW[:-1], MALFORMED),
    ("trailing bytes", RAW + b"x", MALFORMED),
    ("trailing zero", RAW + b"\x00", MALFORMED),
    ("two envelopes", RAW + b"\n" + RAW, MALFORMED),
    ("a byte order mark", b"\xef\xbb\xbf" + RAW, MALFORMED),
    ("UTF-16", RAW.decode().encode("utf-16"), MALFORMED),
    ("not UTF-8", RAW[:-1] + b',"x":"\xff"}', MALFORMED),
    ("a duplicate payload", RAW[:-1] + b',"payload":"e30="}', MALFORMED),
    ("a duplicate payload, escaped", RAW[:-1] + b',"p\\u0061yload":"e30="}', MALFORMED),
    ("duplicate signatures", RAW[:-1] + b',"signatures":[]}', MALFORMED),
    ("a duplicate in a member of others", RAW[:-1] + b',"x":{"a":1,"a":2}}', MALFORMED),
    ("NaN", RAW[:-1] + b',"x":NaN}', MALFORMED),
    ("Infinity", RAW[:-1] + b',"x":-Infinity}', MALFORMED),
    ("1e400", RAW[:-1] + b',"x":1e400}', MALFORMED),
    ("a huge integer", RAW[:-1] + b',"x":' + b"9" * 100_000 + b"}", MALFORMED),
    ("a lone surrogate", RAW[:-1] + b',"x":"\\ud800"}', MALFORMED),
    ("deep nesting", RAW[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", MALFORMED),
    ("nesting above the limit", RAW[:-1] + b',"x":' + b"[" * 64 + b"1" + b"]" * 64 + b"}", MALFORMED),
    ("nesting of 100,000 without an end", b'{"payload":' * 100_000, MALFORMED),
    ("YAML", b"payloadType: x\n", MALFORMED),
    ("as large as allowed", RAW + b" " * (LIMITS.envelope_bytes - len(RAW)), VERIFIED),
    ("one byte larger", RAW + b" " * (LIMITS.envelope_bytes + 1 - len(RAW)), MALFORMED),
]

# Signed payloads that are no statement of ours: CVE-2026-39395, a malformed payload was reported OK.
PAYLOADS = [
    b"hello world",
    b"{}",
    b"[]",
    b"null",
    b"\xff",
    b"\xef\xbb\xbf" + BODY,
    BODY[:-1],
    BODY + b"x",
    BODY[:-1] + b',"predicateType":"x"}',
    BODY[:-1] + b',"x":NaN}',
    BODY[:-1] + b',"x":1e400}',
    BODY[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    statement(predicate=None),
    statement(predicate=[]),
]


@pytest.mark.parametrize(("what", "changes", "expected"), MEMBERS, ids=[row[0] for row in MEMBERS])
def test_members_of_an_envelope_decide(what: str, changes: dict[str, Any], expected: str) -> None:
    assert verdict(dump(changed(ENVELOPE, changes)), POLICY) == expected, what


@pytest.mark.parametrize(("what", "raw", "expected"), BYTES, ids=[row[0] for row in BYTES])
def test_bytes_of_an_envelope_decide(what: str, raw: bytes, expected: str) -> None:
    assert verdict(raw, POLICY) == expected, what


@pytest.mark.parametrize("payload", PAYLOADS, ids=[str(payload)[:40] for payload in PAYLOADS])
def test_signed_payload_that_is_malformed_is_refused(payload: bytes) -> None:
    assert verdict(dump(envelope(payload, [SIGNER])), POLICY) == MALFORMED


@pytest.mark.parametrize("media_type", [None, "", 1, True, [], {}, ["x"], {"a": 1}, "application/json"], ids=repr)
def test_media_type_of_any_kind_is_refused_and_crashes_nothing(media_type: Any) -> None:
    assert verdict(dump(ENVELOPE | {"mediaType": media_type}), POLICY) == MALFORMED


READERS: list[Callable[[bytes], object]] = [
    Envelope.parse,
    subject_digests,
    lambda raw: open_assertion(raw, POLICY),
]


@pytest.mark.parametrize("reader", READERS, ids=["parse", "subject_digests", "open_assertion"])
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", RAW[:-1], RAW + b"x", RAW + b" " * LIMITS.envelope_bytes])
def test_every_reader_refuses_what_is_no_envelope(reader: Callable[[bytes], object], raw: bytes) -> None:
    assert reason_of(lambda: reader(raw)) == MALFORMED


def test_pre_authentication_encoding_is_the_specifications() -> None:
    # DSSE protocol.md, "Test Vectors".
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == expected


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("", b"", b"DSSEv1 0  0 "),
        ("\u20ac", b"\x00\xff", b"DSSEv1 3 \xe2\x82\xac 2 \x00\xff"),
        ("a", b"b" * 1000, b"DSSEv1 1 a 1000 " + b"b" * 1000),
        ("a 1 b", b"", b"DSSEv1 5 a 1 b 0 "),
    ],
)
def test_pre_authentication_encoding_counts_bytes(kind: str, body: bytes, expected: bytes) -> None:
    assert pre_authentication_encoding(kind, body) == expected == pae(kind, body)


def test_envelope_gives_the_signed_bytes() -> None:
    assert Envelope.parse(RAW).pae() == pae(IN_TOTO, BODY)


def test_encoded_envelope_is_the_one_built_by_hand() -> None:
    made = encode_envelope(BODY, [Signature("staging", SIGNER.sign(pae(IN_TOTO, BODY)))])
    assert made == ENVELOPE
    assert verdict(dump(made), POLICY) == VERIFIED


@pytest.mark.parametrize(
    ("keyid", "expected"), [("staging", "staging"), ("", ""), (None, ""), (1, ""), (["staging"], ""), (ABSENT, "")]
)
def test_key_id_is_a_text_or_empty(keyid: Any, expected: str) -> None:
    entry = changed(dict(GOOD), {"keyid": keyid})
    found = Envelope.parse(dump(ENVELOPE | {"signatures": [entry]}))
    assert [one.keyid for one in found.signatures] == [expected]
