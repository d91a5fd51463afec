"""Spellings of base64, case group 15: DSSE allows the standard and the URL-safe alphabet; one text for the bytes."""

import base64

import pytest

from tests.support.envelopes import b64, dump, envelope
from tests.support.keys import ed25519_key
from tests.support.statements import predicate, statement
from tests.support.verdicts import MALFORMED, VERIFIED, trusting, verdict
from webhook.trust.dsse import Envelope

SIGNER = ed25519_key()
POLICY = trusting(SIGNER)


def _body() -> bytes:
    # A payload whose encoding holds `+`, `/` and `==`, so that each spelling really differs.
    for spaces in range(9):
        padding = " " * (spaces % 3)
        body = statement(predicate=predicate(note=padding + ">>>???>>>???")) + b" " * (spaces // 3)
        text = b64(body)
        if "+" in text and "/" in text and text.endswith("=="):
            return body
    raise AssertionError("no padding gives every character")


BODY = _body()
TEXT = b64(BODY)
URL_SAFE = base64.urlsafe_b64encode(BODY).decode()
NEXT_DIGIT = TEXT[:-3] + chr(ord(TEXT[-3]) + 1) + "=="

SPELLINGS = [
    ("standard", TEXT, VERIFIED),
    ("URL-safe", URL_SAFE, VERIFIED),
    ("both alphabets", TEXT.replace("+", "-"), VERIFIED),
    ("without padding", TEXT.rstrip("="), MALFORMED),
    ("with half of the padding", TEXT[:-1], MALFORMED),
    ("with more padding", TEXT + "=", MALFORMED),
    ("with a block of padding", TEXT + "====", MALFORMED),
    ("with a byte after the padding", TEXT + "A", MALFORMED),
    ("with a text after the padding", TEXT + "e30=", MALFORMED),
    ("with padding inside", TEXT[:4] + "====" + TEXT[4:], MALFORMED),
    ("with unused bits set", NEXT_DIGIT, MALFORMED),
    ("with a line break at the end", TEXT + "\n", MALFORMED),
    ("with line breaks", TEXT[:76] + "\n" + TEXT[76:], MALFORMED),
    ("with a space before", " " + TEXT, MALFORMED),
    ("with a NUL", TEXT + "\x00", MALFORMED),
    ("with a comma", TEXT[:4] + "," + TEXT[4:], MALFORMED),
    ("with a letter of no alphabet", TEXT[:4] + "\u00e9" + TEXT[4:], MALFORMED),
    ("with full-width letters", "\uff21" + TEXT[1:], MALFORMED),
    ("percent-encoded", TEXT.replace("=", "%3D"), MALFORMED),
    ("a data URL", "data:application/json;base64," + TEXT, MALFORMED),
    ("padding alone", "====", MALFORMED),
]


def test_sample_holds_each_character_that_spellings_differ_in() -> None:
    assert URL_SAFE != TEXT
    assert base64.b64decode(NEXT_DIGIT) == BODY


@pytest.mark.parametrize(("what", "text", "expected"), SPELLINGS, ids=[row[0] for row in SPELLINGS])
def test_payload_has_one_text_an_alphabet(what: str, text: str, expected: str) -> None:
    assert verdict(dump(envelope(BODY, [SIGNER]) | {"payload": text}), POLICY) == expected, what


@pytest.mark.parametrize(
    ("change", "expected"), [("", VERIFIED), ("=", MALFORMED), ("\n", MALFORMED), ("AA", MALFORMED)]
)
def test_signature_is_read_as_strictly(change: str, expected: str) -> None:
    document = envelope(BODY, [SIGNER])
    document["signatures"][0]["sig"] += change
    assert verdict(dump(document), POLICY) == expected


def test_url_safe_signature_is_accepted() -> None:
    document = envelope(BODY, [SIGNER])
    standard = base64.b64decode(document["signatures"][0]["sig"])
    document["signatures"][0]["sig"] = base64.urlsafe_b64encode(standard).decode()
    assert verdict(dump(document), POLICY) == VERIFIED


def test_both_alphabets_give_the_same_bytes() -> None:
    document = envelope(BODY, [SIGNER])
    assert Envelope.parse(dump(document | {"payload": URL_SAFE})) == Envelope.parse(dump(document))
