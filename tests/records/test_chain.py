"""The line of an entry: what it says, what its digest covers, what a signature covers."""

import base64
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.keys import KINDS, private_pem, public_pem
from tests.records.making import AT, decided, digest, log, parsed, record
from tests.support.envelopes import pae
from webhook.attest.signing.key import SigningKey
from webhook.records.entry import Decided, decision_entry, end_entry, summary_entry
from webhook.trust.keys import PublicKey

HEAD = {"chain", "decision", "level", "message", "reasons", "seconds", "timestamp", "uid", "verdict"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def head_of(line: bytes) -> bytes:
    """The head of a decision's line, by another implementation of RFC 8785."""
    document = parsed(line)
    assert set(document) - HEAD <= {"entry", "signature", "record"}
    return rfc8785.dumps({name: document[name] for name in HEAD})


@given(TEXT, st.floats(0, 1e6), st.floats(0, 4e9))
def test_an_entrys_digest_is_that_of_the_canonical_form_of_its_head(uid: str, seconds: float, at: float) -> None:
    content = record(uid)
    entry = decision_entry(Decided(at, uid, "Pass", "EvidenceSufficient", seconds, digest(content), content))
    [line] = log([entry])
    document = parsed(line)
    assert document["entry"] == digest(head_of(line))
    assert document["uid"] == uid
    assert document["seconds"] == round(seconds, 6)
    assert b"\n" not in line


def test_a_line_holds_the_record_byte_for_byte_as_its_last_member() -> None:
    content = record()
    [line] = log([decision_entry(decided())])
    assert line.endswith(b',"record":%b}' % content)
    assert parsed(line)["decision"] == digest(content)


def test_each_entry_names_the_digest_of_the_one_before() -> None:
    first, second, third = map(parsed, log([decision_entry(decided(uid)) for uid in "abc"]))
    chain = {"instance": "ab12-file", "lost": 0}
    assert first["chain"] == {**chain, "sequence": 0, "previous": None}
    assert second["chain"] == {**chain, "sequence": 1, "previous": first["entry"]}
    assert third["chain"] == {**chain, "sequence": 2, "previous": second["entry"]}


def test_what_was_lost_takes_its_numbers_with_it() -> None:
    first, second = map(parsed, log([decision_entry(decided()), end_entry(AT)], lost=[2, 3]))
    assert (first["chain"]["sequence"], first["chain"]["lost"]) == (2, 2)
    assert (second["chain"]["sequence"], second["chain"]["lost"]) == (6, 3)


def test_a_records_digest_depends_on_no_chain() -> None:
    [one] = log([decision_entry(decided())], "one")
    [_, other] = log([end_entry(AT), decision_entry(decided())], "other")
    assert parsed(one)["decision"] == parsed(other)["decision"]
    assert parsed(one)["entry"] != parsed(other)["entry"]


def test_a_closing_entry_carries_nothing() -> None:
    [line] = log([end_entry(AT)])
    assert set(parsed(line)) == {"chain", "level", "message", "timestamp", "entry"}
    assert parsed(line)["message"] == "end of records"
    assert parsed(line)["timestamp"] == "2026-11-24T07:23:36.931000+00:00"


def test_a_summary_carries_its_envelope() -> None:
    envelope = rfc8785.dumps({"payload": "e30=", "signatures": []})
    [line] = log([summary_entry(decided(), digest(envelope), envelope)])
    assert line.endswith(b',"envelope":%b}' % envelope)
    assert parsed(line)["summary"] == digest(envelope)
    assert parsed(line)["decision"] == decided().digest


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_covers_the_head_and_can_serve_for_nothing_else(kind: str) -> None:
    key = SigningKey.from_pem(private_pem(kind))
    [line] = log([decision_entry(decided())], key=key)
    signature = parsed(line)["signature"]
    public = PublicKey.from_pem(public_pem(kind))
    value = base64.standard_b64decode(signature["sig"])
    assert signature["keyid"] == public.key_id
    assert public.verifies(value, pae("application/vnd.stella.ops.log-entry+json", head_of(line)))
    assert not public.verifies(value, pae("application/vnd.in-toto+json", head_of(line)))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0"), (1e-7, "0"), (1e-6, "0.000001"), (0.0012, "0.0012"), (1.0, "1"), (10.5, "10.5"), (-1e-9, "0")],
)
def test_seconds_are_written_as_rfc_8785_writes_them(seconds: float, written: str) -> None:
    head = decision_entry(decided()._replace(seconds=seconds)).head
    assert json.loads(b"{" + head + b"}")["seconds"] == float(written)
    assert f'"seconds":{written},'.encode() in head
