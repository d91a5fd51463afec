"""The one way from bytes to a verified statement: each step, and their order. Case groups 17 to 20."""

import hashlib

import pytest

from tests.support.envelopes import bundle, dump, envelope
from tests.support.keys import KINDS, ecdsa, ed25519_key
from tests.support.statements import IMAGE, OTHER_IMAGE, PREDICATE_TYPE, REPOSITORY, predicate, statement
from tests.support.verdicts import MALFORMED, MISSING, UNTRUSTED, VERIFIED, reason_of, trusting, verdict
from webhook.errors import EvidenceError, UntrustedError
from webhook.model.evidence import Lane
from webhook.model.statement import ExecutionEvidence
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy
from webhook.trust.verify import open_assertion, subject_digests, verify

SIGNER = ed25519_key()
STRANGER = ed25519_key("stranger")
POLICY = trusting(SIGNER)
HEX = IMAGE.removeprefix("sha256:")


def _signed(body: bytes) -> bytes:
    return dump(envelope(body, [SIGNER]))


PREDICATE_TYPES = [
    (PREDICATE_TYPE, VERIFIED),
    ("https://stella.ops/executionEvidence@v1", VERIFIED),
    ("", MISSING),
    ("stella.ops/executionEvidence@v2", MISSING),
    ("stella.ops/executionEvidence@v1.0", MISSING),
    ("stella.ops/executionEvidence@v10", MISSING),
    ("stella.ops/executionEvidence@v1/", MISSING),
    ("stella.ops/executionEvidence@v1 ", MISSING),
    ("stella.ops/executionEvidence@v1\n", MISSING),
    ("stella.ops/executionEvidence", MISSING),
    ("stella.ops/executionevidence@v1", MISSING),
    ("Stella.ops/executionEvidence@v1", MISSING),
    ("http://stella.ops/executionEvidence@v1", MISSING),
    ("https://stella.ops/executionEvidence@v1/", MISSING),
    ("https://evil.example/stella.ops/executionEvidence@v1", MISSING),
    ("stella.ops/executionEvidence%40v1", MISSING),
    ("stella\uff0eops/executionEvidence@v1", MISSING),
    ("https://slsa.dev/provenance/v1", MISSING),
    ("https://cosign.sigstore.dev/attestation/vuln/v1", MISSING),
]

# Subjects of the statement, the image that is asked about, the verdict.
SUBJECTS = [
    ([IMAGE], IMAGE, VERIFIED),
    ([OTHER_IMAGE], IMAGE, MISSING),
    ([OTHER_IMAGE, IMAGE, "sha256:" + "7" * 64], IMAGE, VERIFIED),
    (["sha512:" + HEX * 2], IMAGE, MISSING),
    (["sha512:" + HEX], IMAGE, MISSING),
    (["sha256:" + HEX.upper()], IMAGE, MISSING),
    (["sha256:" + HEX.upper()], "sha256:" + HEX.upper(), MISSING),
    (["sha256:" + HEX[:32]], IMAGE, MISSING),
    ([IMAGE], "sha256:" + HEX.upper(), MISSING),
    ([IMAGE], HEX, MISSING),
    ([IMAGE], "", MISSING),
    ([IMAGE], IMAGE + "\n", MISSING),
]
INDEX, CHILD, ATTESTATION = "sha256:" + "1" * 64, "sha256:" + "2" * 64, "sha256:" + "3" * 64
MULTI_PLATFORM = [
    ([INDEX], INDEX, VERIFIED),
    ([INDEX], CHILD, MISSING),
    ([CHILD], CHILD, VERIFIED),
    ([CHILD], INDEX, MISSING),
    ([INDEX, CHILD], INDEX, VERIFIED),
    ([INDEX, CHILD], CHILD, VERIFIED),
    ([INDEX, CHILD], ATTESTATION, MISSING),  # the `unknown/unknown` child of a build's attestations
]


@pytest.mark.parametrize("wrap", [dict, bundle], ids=["envelope", "bundle"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_key_verifies_in_every_format(kind: str, wrap: type[dict[str, object]]) -> None:
    signer = KINDS[kind]()
    raw = dump(wrap(envelope(statement(), [signer])))
    found = verify(raw, IMAGE, REPOSITORY, trusting(signer))
    assert found.signers == ("staging",)
    assert found.lane is Lane.VERIFIED
    assert isinstance(found.evidence, ExecutionEvidence)
    assert (found.evidence.hot_symbol_count, found.evidence.unique_call_paths) == (42, 17)


# kyverno #2739: an attestation's signature was not checked. One wrong-key test for each format and kind.
@pytest.mark.parametrize("wrap", [dict, bundle], ids=["envelope", "bundle"])
@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519"])
def test_wrong_key_of_the_same_kind_is_untrusted(kind: str, wrap: type[dict[str, object]]) -> None:
    stranger = ed25519_key("stranger") if kind == "ed25519" else ecdsa(kind.removeprefix("ecdsa-"), "stranger")
    raw = dump(wrap(envelope(statement(), [stranger])))
    assert verdict(raw, trusting(KINDS[kind]())) == UNTRUSTED


@pytest.mark.parametrize("trusted", sorted(KINDS))
@pytest.mark.parametrize("used", sorted(KINDS))
def test_key_of_another_kind_is_untrusted(trusted: str, used: str) -> None:
    same_key = trusted == used or {trusted, used} == {"rsa-pkcs1", "rsa-pss"}
    raw = dump(envelope(statement(), [KINDS[used]()]))
    assert verdict(raw, trusting(KINDS[trusted]())) == (VERIFIED if same_key else UNTRUSTED)


def test_key_that_was_rotated_out_is_untrusted() -> None:
    old, new = ed25519_key("old"), ed25519_key("new")
    raw = dump(envelope(statement(), [old]))
    assert verdict(raw, trusting(old, new)) == VERIFIED
    assert verdict(raw, trusting(new)) == UNTRUSTED


# CVE-2022-35930, CVE-2022-35929: any validly signed attestation passed for another type.
@pytest.mark.parametrize(
    ("predicate_type", "expected"), PREDICATE_TYPES, ids=[repr(row[0]) for row in PREDICATE_TYPES]
)
def test_predicate_type_is_compared_exactly(predicate_type: str, expected: str) -> None:
    assert verdict(_signed(statement(predicateType=predicate_type)), POLICY) == expected


@pytest.mark.parametrize("predicate_type", [None, 1, [PREDICATE_TYPE]])
def test_predicate_type_that_is_no_text_is_malformed(predicate_type: object) -> None:
    assert verdict(_signed(statement(predicateType=predicate_type)), POLICY) == MALFORMED


def test_configured_predicate_types_replace_the_default() -> None:
    policy = TrustPolicy(POLICY.keys, predicate_types=frozenset({"https://example.com/mine@v1"}))
    assert verdict(_signed(statement(predicateType="https://example.com/mine@v1")), policy) == VERIFIED
    assert verdict(_signed(statement()), policy) == MISSING


@pytest.mark.parametrize(("subjects", "image", "expected"), SUBJECTS + MULTI_PLATFORM)
def test_statement_counts_for_its_own_images_only(subjects: list[str], image: str, expected: str) -> None:
    assert verdict(_signed(statement(subjects=subjects)), POLICY, image) == expected


@pytest.mark.parametrize("count", [-1, 1.0, "42", True, None, 2**63])
def test_signed_count_that_breaks_the_contract_is_malformed(count: object) -> None:
    assert verdict(_signed(statement(predicate=predicate(hotSymbolCount=count))), POLICY) == MALFORMED


# Two faults each: the one of the earlier step speaks, and nothing is parsed that no trusted key has signed.
ORDER = [
    ("0 before 1", dump(envelope(statement(), [STRANGER]) | {"payloadType": "x"}), MALFORMED),
    ("2 before 3", dump(envelope(b"no statement", [STRANGER])), UNTRUSTED),
    ("2 before 4", dump(envelope(statement(predicateType="x"), [STRANGER])), UNTRUSTED),
    ("2 before 5", dump(envelope(statement(subjects=[OTHER_IMAGE]), [STRANGER])), UNTRUSTED),
    ("2 before 6", dump(envelope(statement(predicate=None), [STRANGER])), UNTRUSTED),
    ("3 before 4", _signed(statement(type="x", predicateType="x")), MALFORMED),
    ("4 before 6", _signed(statement(predicateType="x", predicate=None)), MISSING),
    ("5 before 6", _signed(statement(subjects=[OTHER_IMAGE], predicate=None)), MISSING),
]


@pytest.mark.parametrize(("what", "raw", "expected"), ORDER, ids=[row[0] for row in ORDER])
def test_steps_come_in_their_order(what: str, raw: bytes, expected: str) -> None:
    assert verdict(raw, POLICY) == expected, what


def test_predicate_speaks_before_the_keys_bounds() -> None:
    bound = TrustPolicy((TrustedKey("qa", POLICY.keys[0].key, environments=frozenset({"qa"})),))
    assert verdict(_signed(statement(predicate=None)), bound) == MALFORMED
    assert verdict(_signed(statement()), bound) == UNTRUSTED


def test_digest_of_the_envelope_is_that_of_its_bytes_as_found() -> None:
    raw = b" " + _signed(statement()) + b"\n"
    expected = "sha256:" + hashlib.sha256(raw).hexdigest()
    assert verify(raw, IMAGE, REPOSITORY, POLICY).envelope_digest == expected
    assert open_assertion(raw, POLICY).about(IMAGE, None).envelope_digest == expected


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (dump(envelope(statement(), [STRANGER])), "signed by no key that is trusted"),
        (_signed(statement(predicateType="x")), "a statement of another predicate type"),
        (_signed(statement(subjects=[OTHER_IMAGE])), "a statement about other images"),
        (_signed(b"hello"), "the statement is not JSON"),
        (
            _signed(statement(predicate=predicate(hotSymbolCount=-1))),
            "the predicate is not valid at `hotSymbolCount`",
        ),
    ],
)
def test_refusal_says_what_was_found(raw: bytes, detail: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        verify(raw, IMAGE, REPOSITORY, POLICY)
    assert caught.value.detail == detail


def test_refusal_of_a_bound_key_names_key_and_environment() -> None:
    bound = TrustPolicy((TrustedKey("qa-key", POLICY.keys[0].key, environments=frozenset({"qa"})),))
    with pytest.raises(UntrustedError) as caught:
        verify(_signed(statement()), IMAGE, REPOSITORY, bound)
    assert "qa-key" in caught.value.detail
    assert "'staging'" in caught.value.detail


# policy-controller #1971: one discovery route returned envelopes as verified without checking.
@pytest.mark.parametrize("signers", [[], [STRANGER], [SIGNER]], ids=["unsigned", "stranger", "trusted"])
def test_assertion_is_never_verified(signers: list[object]) -> None:
    raw = dump(envelope(statement(), [one for one in (SIGNER, STRANGER) if one in signers]))
    found = open_assertion(raw, POLICY).about(IMAGE, None)
    assert found.lane is Lane.ASSERTED
    assert found.signers == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (statement(), "accepted"),
        (statement(predicateType="x"), MISSING),
        (statement(subjects=[OTHER_IMAGE]), MISSING),
        (statement(predicate=None), MALFORMED),
        (b"hello", MALFORMED),
    ],
)
def test_assertion_is_read_as_strictly(body: bytes, expected: str) -> None:
    raw = dump(envelope(body, []))
    assert reason_of(lambda: open_assertion(raw, POLICY).about(IMAGE, None)) == expected


def test_verified_statement_keeps_the_summary_alone() -> None:
    full = predicate(hotSymbolCount=1, hotSymbols=[{"symbol": "f", "share": 1}], tracer={"name": "perf"})
    found = verify(_signed(statement(predicate=full)), IMAGE, REPOSITORY, POLICY).evidence
    assert isinstance(found, ExecutionEvidence)
    assert (found.hot_symbols, found.tracer, found.profile, found.counting) == (None, None, None, None)
    assert (found.environment, found.hot_symbol_count, found.unique_call_paths) == ("staging", 1, 17)
    assert format(found.observed_until, "%Y-%m-%dT%H:%M:%S%z") == "2026-11-24T06:00:00+0000"


def test_subjects_are_told_whoever_signed() -> None:
    body = statement(subjects=[IMAGE, OTHER_IMAGE, "sha512:00"], predicateType="x", predicate=None)
    assert subject_digests(dump(bundle(envelope(body, [STRANGER])))) == {IMAGE, OTHER_IMAGE}


def test_key_read_twice_from_pem_is_the_same_key() -> None:
    assert PublicKey.from_pem(SIGNER.pem).key_id == PublicKey.from_pem(SIGNER.pem).key_id
