"""Bundles signed by a certificate, each part of which can be wrong by itself."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from sigstore.models import Bundle
from sigstore.verify import Verifier
from sigstore.verify.policy import VerificationPolicy

from tests.simulators.sigstore import assembled
from tests.simulators.sigstore_certificates import Leaf
from tests.support.envelopes import IN_TOTO, b64, dump, envelope, pae
from tests.support.identities import believing, identity
from tests.support.keys import ed25519_key, rsa_pkcs1, rsa_private
from tests.support.statements import IMAGE, OTHER_IMAGE, REPOSITORY
from tests.support.verdicts import MALFORMED, MISSING, UNTRUSTED, VERIFIED, names, trusting, verdict
from tests.trust.keyless_cases import (
    BODY,
    GOOD,
    NO_PROOF,
    NOT_CERTIFIED,
    NOT_IN_THE_LOG,
    NOT_LOGGED,
    OTHER,
    TIMELESS,
    UNREADABLE,
    V01,
    V02,
    WORLD,
    Make,
    parts,
    with_material,
)
from webhook.errors import EvidenceError, UntrustedError
from webhook.model.evidence import Lane
from webhook.trust.keyless import _SameCertificate
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import SignedTimes, TrustedRoot
from webhook.trust.verify import open_assertion, subject_digests, verify

POLICY = believing(WORLD)


def refusal(bundle: dict[str, Any], policy: TrustPolicy = POLICY) -> tuple[str, str]:
    """Reason and detail."""
    with pytest.raises(EvidenceError) as caught:
        verify(dump(bundle), IMAGE, REPOSITORY, policy)
    assert caught.value.__cause__ is None
    return caught.value.reason.value, caught.value.detail


@pytest.mark.parametrize(("what", "make"), GOOD, ids=names(GOOD))
def test_a_good_bundle_is_verified(what: str, make: Make) -> None:
    found = verify(dump(make()), IMAGE, REPOSITORY, POLICY)
    assert (found.lane, found.signers) == (Lane.VERIFIED, ("robot",)), what


@pytest.mark.parametrize("media_type", [V01, V02])
def test_an_older_bundle_with_a_chain_is_verified(media_type: str) -> None:
    signed = WORLD.sign(BODY)
    assert verdict(dump(assembled(signed, WORLD.entry(signed), media_type=media_type)), POLICY) == VERIFIED


@pytest.mark.parametrize(("what", "make"), NOT_CERTIFIED, ids=names(NOT_CERTIFIED))
def test_a_certificate_that_does_not_hold_is_refused(what: str, make: Make) -> None:
    reason, detail = refusal(make())
    assert (reason, detail[-len(NO_PROOF) :]) == (UNTRUSTED, NO_PROOF), what


@pytest.mark.parametrize(("what", "make"), NOT_IN_THE_LOG, ids=names(NOT_IN_THE_LOG))
def test_an_entry_or_signature_that_does_not_hold_is_refused(what: str, make: Make) -> None:
    reason, detail = refusal(make())
    assert (reason, detail[-len(NOT_LOGGED) :]) == (UNTRUSTED, NOT_LOGGED), what


@pytest.mark.parametrize(("what", "make"), TIMELESS, ids=names(TIMELESS))
def test_what_nobody_says_the_time_of_is_refused(what: str, make: Make) -> None:
    told = "signed by a certificate, and no transparency log or timestamp authority says when"
    assert refusal(make()) == (UNTRUSTED, told), what


def test_a_certificate_that_no_log_has_taken_up_is_refused() -> None:
    told = "signed by a certificate that no certificate log has taken up"
    assert refusal(WORLD.bundle(BODY, Leaf(timestamps=0))) == (UNTRUSTED, told)


def test_a_certificate_with_two_timestamps_of_logs_is_refused() -> None:
    # sigstore-python looks at one alone; which of them would say when is nobody's choice.
    told = "signed with a timestamp that cannot be read, or with several of one kind"
    assert refusal(WORLD.bundle(BODY, Leaf(timestamps=2))) == (UNTRUSTED, told)


@pytest.mark.parametrize(("what", "make"), UNREADABLE, ids=names(UNREADABLE))
def test_what_no_verifier_reads_is_malformed(what: str, make: Make) -> None:
    assert refusal(make())[0] == MALFORMED, what


def test_a_verified_statement_is_about_its_own_images_alone() -> None:
    assert verdict(dump(WORLD.bundle(BODY)), POLICY, OTHER_IMAGE) == MISSING


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_exactly_one_signature(count: int) -> None:
    bundle = WORLD.bundle(BODY)
    bundle["dsseEnvelope"]["signatures"] *= count
    assert refusal(bundle)[0] == MALFORMED


def test_a_certificate_counts_for_nothing_without_identities() -> None:
    told = "signed by a certificate, and no identity is trusted; name who may in trust.identities"
    assert refusal(WORLD.bundle(BODY), TrustPolicy()) == (UNTRUSTED, told)


def test_a_trusted_key_does_not_make_a_certificate_count() -> None:
    # Not even if that key has signed what the bundle holds.
    signer = ed25519_key()
    bundle = WORLD.bundle(BODY)
    bundle["dsseEnvelope"] = envelope(BODY, [signer])
    both = replace(trusting(signer), identities=POLICY.identities, root=POLICY.root)
    assert verdict(dump(bundle), both) == UNTRUSTED
    assert verdict(dump(envelope(BODY, [signer])), both) == VERIFIED


def test_an_identity_is_one_signer_under_however_many_names() -> None:
    two = believing(WORLD, identity(name="one"), identity(name="two"), threshold=2)
    assert refusal(WORLD.bundle(BODY), two) == (UNTRUSTED, "signed by 1 of 2 trusted keys that are needed")


@pytest.mark.parametrize(
    ("environments", "pattern", "expected"),
    [
        ({"staging"}, None, VERIFIED),
        ({"qa"}, None, UNTRUSTED),
        (None, "registry.example.com/shop/*", VERIFIED),
        (None, "registry.example.com/other/*", UNTRUSTED),
    ],
)
def test_an_identity_speaks_within_its_bounds(
    environments: set[str] | None, pattern: str | None, expected: str
) -> None:
    policy = believing(WORLD, identity(environments=environments, pattern=pattern))
    assert verdict(dump(WORLD.bundle(BODY)), policy) == expected


def test_an_assertion_needs_no_identity() -> None:
    raw = dump(WORLD.bundle(BODY))
    found = open_assertion(raw, TrustPolicy()).about(IMAGE, None)
    assert (found.lane, found.signers, found.identity) == (Lane.ASSERTED, (), None)
    assert subject_digests(raw) == {IMAGE}


MATERIAL: list[tuple[str, Any]] = [
    ("no log entries", lambda material: material.pop("tlogEntries")),
    ("an empty list of log entries", lambda material: material["tlogEntries"].clear()),
    ("two log entries", lambda material: material["tlogEntries"].append(material["tlogEntries"][0])),
    ("a chain beside the certificate", lambda material: material.update(_chain(material, 1))),
    ("a chain of nine", lambda material: (material.update(_chain(material, 9)), material.pop("certificate"))),
    ("an empty chain", lambda material: (material.update(_chain(material, 0)), material.pop("certificate"))),
    ("a certificate that is null", lambda material: material.update(certificate=None)),
    ("a certificate that is none", lambda material: material["certificate"].update(rawBytes=b64(b"certificate"))),
    ("65 nodes on the path", lambda material: _proof(material).update(hashes=[b64(bytes(32))] * 65)),
    ("a node of 31 bytes", lambda material: _proof(material).update(hashes=[b64(bytes(31))])),
    ("a proof without a checkpoint", lambda material: _proof(material).pop("checkpoint")),
    ("a checkpoint of 4 KiB", lambda material: _proof(material)["checkpoint"].update(envelope="x" * 4097)),
    ("no proof", lambda material: material["tlogEntries"][0].pop("inclusionProof")),
    ("an index below zero", lambda material: _proof(material).update(logIndex="-1")),
    ("an index beyond 63 bits", lambda material: _proof(material).update(logIndex=str(2**63))),
    ("a fraction of an index", lambda material: _proof(material).update(logIndex=1.5)),
    ("a time that no calendar has", lambda material: _entry(material).update(integratedTime="253402300800")),
    ("a body of 64 KiB", lambda material: _entry(material).update(canonicalizedBody=b64(bytes(65537)))),
    ("a body that is not base64", lambda material: _entry(material).update(canonicalizedBody="e30")),
    ("a promise of 4 KiB", lambda material: _entry(material)["inclusionPromise"].update(_promise(4097))),
    ("three timestamps", lambda material: material.update(_stamps([b64(b"0")] * 3))),
    ("a timestamp of 16 KiB", lambda material: material.update(_stamps([b64(bytes(16385))]))),
    ("timestamps that are a text", lambda material: material.update(timestampVerificationData="now")),
]


def _entry(material: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = material["tlogEntries"][0]
    return entry


def _proof(material: dict[str, Any]) -> dict[str, Any]:
    proof: dict[str, Any] = _entry(material)["inclusionProof"]
    return proof


def _promise(size: int) -> dict[str, str]:
    return {"signedEntryTimestamp": b64(bytes(size))}


def _chain(material: dict[str, Any], count: int) -> dict[str, Any]:
    return {"x509CertificateChain": {"certificates": [material["certificate"]] * count}}


def _stamps(stamps: list[str]) -> dict[str, Any]:
    listed = [{"signedTimestamp": stamp} for stamp in stamps]
    return {"timestampVerificationData": {"rfc3161Timestamps": listed}}


@pytest.mark.parametrize(("what", "change"), MATERIAL, ids=names(MATERIAL))
def test_material_beyond_the_contract_or_its_caps_is_malformed(what: str, change: Any) -> None:
    assert refusal(with_material(change))[0] == MALFORMED, what


LISTS: list[tuple[str, Any]] = [
    ("tlogEntries", lambda material: material["tlogEntries"].extend(["x"] * 1000)),
    ("tlogEntries.0.inclusionProof.hashes", lambda material: _proof(material).update(hashes=["x"] * 1000)),
    ("timestampVerificationData.rfc3161Timestamps", lambda material: material.update(_stamps(["x"] * 1000))),
    (
        "x509CertificateChain.certificates",
        lambda material: (material.update(_chain(material, 1000)), material.pop("certificate")),
    ),
]


@pytest.mark.parametrize(("place", "change"), LISTS, ids=names(LISTS))
def test_of_a_list_that_is_too_long_no_element_is_read(place: str, change: Any) -> None:
    # 180,000 elements that were read each, and told about each, took eight seconds.
    told = f"the bundle's verificationMaterial.{place} is missing, not as bundle v0.3 has it, or too large"
    assert refusal(with_material(change)) == (MALFORMED, told)


LARGE: list[tuple[str, Any]] = [
    ("kindVersion.kind", lambda material: _entry(material)["kindVersion"].update(kind="x" * 65)),
    ("kindVersion.version", lambda material: _entry(material)["kindVersion"].update(version="x" * 65)),
    ("inclusionProof.logIndex", lambda material: _proof(material).update(logIndex=str(2**63))),
    ("inclusionProof.treeSize", lambda material: _proof(material).update(treeSize=-1)),
]


@pytest.mark.parametrize(("place", "change"), LARGE, ids=names(LARGE))
def test_what_is_too_large_never_reaches_the_library(place: str, change: Any) -> None:
    told = (
        f"the bundle's verificationMaterial.tlogEntries.0.{place} is missing, not as bundle v0.3 has it, or too large"
    )
    assert refusal(with_material(change)) == (MALFORMED, told)


def test_a_certificate_has_a_cap_and_is_verified_below_it() -> None:
    large, too_large = (WORLD.bundle(BODY, Leaf(padding=size * 1024)) for size in (15, 16))
    assert verdict(dump(large), POLICY) == VERIFIED
    assert refusal(too_large)[0] == MALFORMED


def test_the_checkpoint_of_a_log_with_many_witnesses_is_verified() -> None:
    # C2SP signed-note: 16 lines are to be expected. A cosignature: key hash, time and Ed25519, 76 bytes.
    line = f"\u2014 witness.example.com/{'w' * 40} {b64(bytes(76))}\n"
    bundle = with_material(lambda material: _add(_proof(material)["checkpoint"], line * 15))
    assert verdict(dump(bundle), POLICY) == VERIFIED


def _add(checkpoint: dict[str, str], lines: str) -> None:
    checkpoint["envelope"] += lines


class Lying:
    """A library that says yes to something else, or raises what nobody expects."""

    def __init__(self, said: tuple[str, bytes] | BaseException) -> None:
        self._said = said

    def has_issued(self, _: x509.Certificate) -> bool:
        """Yes."""
        return True

    def verifier(self, _: SignedTimes) -> "Lying":
        """Itself, whatever the time."""
        return self

    def verify_dsse(self, bundle: Bundle, policy: VerificationPolicy) -> tuple[str, bytes]:
        """Calls the policy as a verifier does, and says what it was told to say."""
        policy.verify(bundle.signing_certificate)
        if isinstance(self._said, BaseException):
            raise self._said
        return self._said


@pytest.mark.parametrize(
    ("said", "expected"),
    [((IN_TOTO, BODY), VERIFIED), ((IN_TOTO, BODY + b" "), UNTRUSTED), (("text/plain", BODY), UNTRUSTED)],
)
def test_what_the_library_has_verified_must_be_what_was_read(said: tuple[str, bytes], expected: str) -> None:
    assert verdict(dump(WORLD.bundle(BODY)), by(Lying(said))) == expected


def test_a_certificate_for_a_key_that_is_not_ecdsa_is_refused() -> None:
    signed = WORLD.sign(BODY)
    key = rsa_private(2048)
    certificate = WORLD.authority.issue(key.public_key(), Leaf(), [WORLD.certificate_log])
    content = signed.envelope | {"signatures": [{"sig": b64(rsa_pkcs1().sign(pae(IN_TOTO, BODY)))}]}
    other = replace(signed, envelope=content, certificate=certificate)
    assert refusal(assembled(other, WORLD.entry(other))) == (UNTRUSTED, f"signed by a certificate, {NOT_LOGGED}")


class Watched:
    """A root that tells whether its verifier was asked for."""

    def __init__(self, root: TrustedRoot | None) -> None:
        assert root is not None
        self._root = root
        self.asked = 0

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """As the root."""
        return self._root.has_issued(certificate)

    def verifier(self, times: SignedTimes) -> Verifier:
        """As the root; counted."""
        self.asked += 1
        return self._root.verifier(times)


@pytest.mark.parametrize(
    ("make", "asked"),
    [
        (lambda: WORLD.bundle_v2(BODY), 1),
        (lambda: OTHER.bundle_v2(BODY), 0),
        (lambda: parts(authority=OTHER.authority).bundle_v2(BODY), 0),
        (lambda: WORLD.bundle_v2(BODY) | {"dsseEnvelope": WORLD.bundle_v2(BODY)["dsseEnvelope"]}, 0),
    ],
    ids=["good", "another Sigstore", "another authority", "another signature"],
)
def test_what_costs_is_not_done_for_strangers(make: Make, asked: int) -> None:
    # Anybody gets true timestamps, and certificates of others are public.
    watched = Watched(POLICY.root)
    assert verdict(dump(make()), by(watched)) == (VERIFIED if asked else UNTRUSTED)
    assert watched.asked == asked


def by(library: Lying | Watched) -> TrustPolicy:
    """The policy, with a library of the test."""
    policy = replace(POLICY)
    object.__setattr__(policy, "root", library)
    return policy


class Panic(BaseException):
    """What a Rust library raises instead of ending the process; no `Exception`."""


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), RecursionError(), Panic("x"), StopIteration()])
def test_whatever_the_library_raises_is_evidence_that_does_not_count(error: BaseException) -> None:
    reason, detail = refusal(WORLD.bundle(BODY), by(Lying(error)))
    assert (reason, detail[-len(NOT_LOGGED) :]) == (UNTRUSTED, NOT_LOGGED)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), MemoryError()])
def test_what_is_not_about_the_bundle_goes_on(error: BaseException) -> None:
    with pytest.raises(type(error)):
        verify(dump(WORLD.bundle(BODY)), IMAGE, REPOSITORY, by(Lying(error)))


def test_the_certificate_that_is_verified_must_be_the_one_that_was_read() -> None:
    one, two = (WORLD.sign(BODY).certificate for _ in range(2))
    same = _SameCertificate(one)
    with pytest.raises(UntrustedError):
        same.verify(two)
    assert not same.reached
    same.verify(one)
    assert same.reached


def test_a_timestamp_that_cannot_be_read_is_refused_even_beside_a_good_one() -> None:
    bundle = WORLD.bundle(BODY)
    bundle["verificationMaterial"].update(_stamps([b64(b"0\x03now")]))
    told = "signed with a timestamp that cannot be read, or with several of one kind"
    assert refusal(bundle) == (UNTRUSTED, told)


def test_members_that_nobody_knows_change_nothing() -> None:
    bundle = with_material(lambda material: (material.update(x=1), _entry(material).update(y=[2])))
    assert verdict(dump(bundle), POLICY) == VERIFIED


def test_the_other_certificates_of_a_chain_are_not_looked_at() -> None:
    junk = {"rawBytes": b64(b"no certificate")}
    signed = WORLD.sign(BODY)
    bundle = assembled(signed, WORLD.entry(signed), media_type=V02)
    bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].append(junk)
    assert verdict(dump(bundle), POLICY) == VERIFIED
