"""Whatever the bytes, the trust core answers with a statement or with an EvidenceError."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import Signer, ed25519_key
from tests.support.mutations import JSON, damaged_bytes, damaged_tree
from tests.support.statements import IMAGE, REPOSITORY, beacon_statement, predicate, statement
from tests.support.verdicts import trusting
from webhook.errors import EvidenceError
from webhook.model.beacon import BeaconAttestation
from webhook.model.statement import ExecutionEvidence, Statement
from webhook.model.strict_json import parse_json
from webhook.trust.dsse import Envelope
from webhook.trust.policy import Evidence
from webhook.trust.verify import open_assertion, subject_digests, verify

SIGNER = ed25519_key()
POLICY = trusting(SIGNER)
PREDICATE = predicate(hotSymbolCount=1, hotSymbols=[{"symbol": "main", "share": 1.0}], tracer={"name": "perf"})
BODY = statement(predicate=PREDICATE)
ENVELOPE = envelope(BODY, [SIGNER])
BUNDLE = bundle(ENVELOPE)
EVIDENCE = verify(dump(ENVELOPE), IMAGE, REPOSITORY, POLICY).evidence
BEACONS = beacon_statement()
BEACON_ENVELOPE = envelope(BEACONS, [SIGNER])
BEACON_DATA = verify(dump(BEACON_ENVELOPE), IMAGE, REPOSITORY, POLICY).evidence


def _all_readers(raw: bytes) -> None:
    for read in (
        Envelope.parse,
        subject_digests,
        lambda data: open_assertion(data, POLICY).about(IMAGE, None),
        lambda data: verify(data, IMAGE, REPOSITORY, POLICY),
    ):
        try:
            read(raw)
        except EvidenceError:
            continue


def _still_says_the_same(raw: bytes, evidence: Evidence = EVIDENCE) -> None:
    try:
        found = verify(raw, IMAGE, REPOSITORY, POLICY)
    except EvidenceError:
        return
    assert (type(found.evidence), found.evidence) == (type(evidence), evidence)
    assert found.signers == ("staging",)


def _dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def _signed(body: bytes, signer: Signer = SIGNER) -> bytes:
    return dump(envelope(body, [signer]))


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_evidence_errors(raw: bytes) -> None:
    _all_readers(raw)


@given(JSON)
def test_arbitrary_json_raises_nothing_but_evidence_errors(document: Any) -> None:
    _all_readers(json.dumps(document).encode())


@given(st.one_of(damaged_bytes(dump(ENVELOPE)), damaged_bytes(dump(BUNDLE))))
def test_damaged_envelope_is_refused_or_says_the_same(raw: bytes) -> None:
    _all_readers(raw)
    _still_says_the_same(raw)


@given(st.one_of(damaged_tree(ENVELOPE), damaged_tree(BUNDLE)))
def test_envelope_with_other_members_is_refused_or_says_the_same(document: Any) -> None:
    raw = json.dumps(document).encode()
    _all_readers(raw)
    _still_says_the_same(raw)


@given(damaged_tree(json.loads(BODY)))
def test_signed_statement_with_other_members_raises_nothing_but_evidence_errors(document: Any) -> None:
    _all_readers(_signed(json.dumps(document).encode()))


@given(st.one_of(st.binary(max_size=200), damaged_bytes(BODY)))
def test_signed_bytes_raise_nothing_but_evidence_errors(body: bytes) -> None:
    # An envelope without a payload is one of the cases.
    _all_readers(_signed(body))


@given(st.one_of(st.binary(max_size=200), damaged_bytes(BODY)))
def test_statement_parser_raises_nothing_but_evidence_errors(payload: bytes) -> None:
    try:
        Statement.parse(payload).read_predicate(ExecutionEvidence)
    except EvidenceError:
        return


@given(st.one_of(damaged_bytes(dump(BEACON_ENVELOPE)), damaged_tree(BEACON_ENVELOPE).map(_dumped)))
def test_damaged_envelope_with_beacons_is_refused_or_says_the_same(raw: bytes) -> None:
    _all_readers(raw)
    _still_says_the_same(raw, BEACON_DATA)


@given(damaged_tree(json.loads(BEACONS)))
def test_signed_beacons_with_other_members_keep_their_kind(document: Any) -> None:
    raw = _signed(json.dumps(document).encode())
    _all_readers(raw)
    try:
        found = verify(raw, IMAGE, REPOSITORY, POLICY).evidence
    except EvidenceError:
        return
    assert isinstance(found, BeaconAttestation)
    assert 0 <= found.beacons_verified <= found.beacons_expected


@given(st.one_of(st.binary(max_size=200), damaged_bytes(BEACONS)))
def test_beacon_parser_raises_nothing_but_evidence_errors(payload: bytes) -> None:
    try:
        Statement.parse(payload).read_predicate(BeaconAttestation)
    except EvidenceError:
        return


@given(damaged_tree(BUNDLE))
def test_stranger_is_never_verified(document: Any) -> None:
    with pytest.raises(EvidenceError):
        verify(json.dumps(document).encode(), IMAGE, REPOSITORY, trusting(ed25519_key("stranger")))


@given(st.binary(max_size=200))
def test_strict_json_raises_nothing_but_evidence_errors(data: bytes) -> None:
    try:
        parse_json(data, "document")
    except EvidenceError:
        return


@given(JSON)
def test_strict_json_reads_what_any_reader_reads(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        found = parse_json(data, "document")
    except EvidenceError:
        return
    assert found == json.loads(data)
    assert json.loads(json.dumps(found)) == found
