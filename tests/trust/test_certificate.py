"""Whom a certificate names, and which trusted identity that is."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.simulators.sigstore_certificates import BEGAN, ISSUER, SIGNED_AT, SUBJECT, USERNAME, Leaf, der, username
from tests.support.envelopes import b64, dump
from tests.support.identities import believing, identity
from tests.support.statements import IMAGE, REPOSITORY
from tests.support.verdicts import MALFORMED, UNTRUSTED, VERIFIED, names, verdict
from tests.trust.keyless_cases import BODY, WORLD
from webhook.errors import MalformedError, UntrustedError
from webhook.trust.certificate import CertificateIdentity, identity_of, load_certificate
from webhook.trust.identity import TextRule
from webhook.trust.verify import verify

WORKFLOW = "https://github.com/shop/cart/.github/workflows/soak.yml@refs/heads/main"
MAIL, URI = x509.RFC822Name, x509.UniformResourceIdentifier
ANYTHING = TextRule.pattern("(?s).*")


def verdict_of(leaf: Leaf, **rules: Any) -> str:
    return verdict(dump(WORLD.bundle(BODY, leaf)), believing(WORLD, identity(**rules)))


def named(*found: x509.GeneralName) -> Leaf:
    return Leaf(names=found)


SUBJECTS: list[tuple[str, x509.GeneralName, TextRule | str, str]] = [
    ("a mail address", MAIL(SUBJECT), SUBJECT, VERIFIED),
    ("another one", MAIL("other@example.com"), SUBJECT, UNTRUSTED),
    ("upper case", MAIL("Robot@example.com"), SUBJECT, UNTRUSTED),
    ("longer at the end", MAIL(SUBJECT + ".evil.test"), SUBJECT, UNTRUSTED),
    ("longer at the start", MAIL("a." + SUBJECT), SUBJECT, UNTRUSTED),
    ("a dot too many", MAIL(SUBJECT + "."), SUBJECT, UNTRUSTED),
    ("the address as a URI", URI(SUBJECT), SUBJECT, UNTRUSTED),
    ("the address with its scheme", URI("mailto:" + SUBJECT), SUBJECT, UNTRUSTED),
    ("the address as a user's name", username(SUBJECT), SUBJECT, UNTRUSTED),
    ("a workflow", URI(WORKFLOW), WORKFLOW, VERIFIED),
    ("another branch", URI(WORKFLOW + "x"), WORKFLOW, UNTRUSTED),
    ("the workflow as a mail address", MAIL(WORKFLOW), WORKFLOW, UNTRUSTED),
    ("a user", username("robot!example.com"), "robot!example.com", VERIFIED),
    ("the user as a mail address", MAIL("robot!example.com"), "robot!example.com", UNTRUSTED),
    ("the user as a URI", URI("robot!example.com"), "robot!example.com", UNTRUSTED),
    ("a name of another kind", x509.OtherName(x509.ObjectIdentifier("1.2.3"), der(0x0C, b"a!b")), "a!b", UNTRUSTED),
    ("a host", x509.DNSName("example.com"), "example.com", UNTRUSTED),
    ("a directory's name", x509.DirectoryName(x509.Name([])), "", UNTRUSTED),
    ("a pattern", URI(WORKFLOW), TextRule.pattern("https://github.com/shop/[a-z]+/.*"), VERIFIED),
    ("a pattern with anchors", URI(WORKFLOW), TextRule.pattern("^https://github.com/shop/.*$"), VERIFIED),
    ("a pattern of the beginning", URI(WORKFLOW), TextRule.pattern("https://github.com/shop"), UNTRUSTED),
    ("a pattern of the end", URI("https://evil.test/" + WORKFLOW), TextRule.pattern(WORKFLOW), UNTRUSTED),
    ("a pattern within an alternative", URI("https://a.test/x"), TextRule.pattern("https://a.test|b"), UNTRUSTED),
    ("a pattern by lines", URI(WORKFLOW), TextRule.pattern("(?m)^https://github.com/shop$"), UNTRUSTED),
    ("a text that would be a pattern", URI(WORKFLOW), ".*", UNTRUSTED),
    ("a mail address with a port", MAIL("robot@example.com:x"), ANYTHING, UNTRUSTED),
    ("a user's name with three parts", username("a!b!c"), ANYTHING, UNTRUSTED),
    ("an escape sequence", URI("https://a.test/\x1b[2J"), ANYTHING, UNTRUSTED),
    ("a line break", URI("https://a.test/\nx"), ANYTHING, UNTRUSTED),
    ("a space", URI("https://a.test/a b"), ANYTHING, UNTRUSTED),
    ("a letter of another script", username("rob\u043et!example.com"), ANYTHING, UNTRUSTED),
    ("1024 characters", URI("https:" + "a" * 1018), ANYTHING, VERIFIED),
    ("1025 characters", URI("https:" + "a" * 1019), ANYTHING, UNTRUSTED),
]


@pytest.mark.parametrize(("what", "name", "rule", "expected"), SUBJECTS, ids=names(SUBJECTS))
def test_a_subject_is_whom_the_rule_means(
    what: str, name: x509.GeneralName, rule: TextRule | str, expected: str
) -> None:
    assert verdict_of(named(name), subject=rule) == expected, what


UTF8 = ISSUER.encode()
LONG = b"https://" + b"a" * 192
ISSUERS: list[tuple[str, dict[str, Any], TextRule | str, str]] = [
    ("both extensions", {}, ISSUER, VERIFIED),
    ("the older alone", {"issuer_v2": None}, ISSUER, VERIFIED),
    ("the newer alone", {"issuer_v1": None}, ISSUER, VERIFIED),
    ("neither", {"issuer_v1": None, "issuer_v2": None}, ANYTHING, UNTRUSTED),
    ("two that differ", {"issuer_v1": b"https://evil.test"}, ANYTHING, UNTRUSTED),
    ("another one", {}, "https://evil.test", UNTRUSTED),
    ("a slash too many", {}, ISSUER + "/", UNTRUSTED),
    ("a pattern of the beginning", {}, TextRule.pattern("https://issuer"), UNTRUSTED),
    ("a pattern", {}, TextRule.pattern(r"https://issuer\.example\.com"), VERIFIED),
    ("empty", {"issuer_v1": None, "issuer_v2": der(0x0C, b"")}, ANYTHING, UNTRUSTED),
    ("of another type", {"issuer_v1": None, "issuer_v2": der(0x16, UTF8)}, ANYTHING, UNTRUSTED),
    ("with something after it", {"issuer_v1": None, "issuer_v2": der(0x0C, UTF8) + b"x"}, ANYTHING, UNTRUSTED),
    ("cut off", {"issuer_v1": None, "issuer_v2": der(0x0C, UTF8)[:-1]}, ANYTHING, UNTRUSTED),
    ("a length that is too long", {"issuer_v1": None, "issuer_v2": b"\x0c\x81\x1a" + UTF8}, ANYTHING, UNTRUSTED),
    ("a length of no end", {"issuer_v1": None, "issuer_v2": b"\x0c\x80" + UTF8 + b"\0\0"}, ANYTHING, UNTRUSTED),
    ("200 characters", {"issuer_v1": None, "issuer_v2": der(0x0C, LONG)}, LONG.decode(), VERIFIED),
    ("nothing at all", {"issuer_v1": None, "issuer_v2": b""}, ANYTHING, UNTRUSTED),
    ("no UTF-8", {"issuer_v1": None, "issuer_v2": der(0x0C, b"https://\xff")}, ANYTHING, UNTRUSTED),
    ("no UTF-8 in the older", {"issuer_v1": b"https://\xff", "issuer_v2": None}, ANYTHING, UNTRUSTED),
    ("1025 characters", {"issuer_v1": b"a" * 1025, "issuer_v2": None}, ANYTHING, UNTRUSTED),
]


@pytest.mark.parametrize(("what", "says", "rule", "expected"), ISSUERS, ids=names(ISSUERS))
def test_an_issuer_is_whom_the_rule_means(
    what: str, says: dict[str, Any], rule: TextRule | str, expected: str
) -> None:
    assert verdict_of(Leaf(**says), issuer=rule) == expected, what


SEVERAL: list[tuple[x509.GeneralName, ...]] = [
    (),
    (MAIL(SUBJECT), MAIL("other@example.com")),
    (MAIL("other@example.com"), MAIL(SUBJECT)),
    (MAIL(SUBJECT), MAIL(SUBJECT)),
    (MAIL(SUBJECT), URI(WORKFLOW)),
]


@pytest.mark.parametrize("found", SEVERAL, ids=[len(found) for found in SEVERAL])
def test_a_certificate_names_exactly_one_subject(found: tuple[x509.GeneralName, ...]) -> None:
    assert verdict_of(named(*found)) == UNTRUSTED
    assert verdict_of(named(*found), subject=ANYTHING) == UNTRUSTED


def test_subject_and_issuer_must_be_those_of_one_identity() -> None:
    # A stranger's account with one issuer must not get what another issuer's subject may.
    policy = believing(
        WORLD, identity(issuer="https://other.example.com"), identity("other@example.com", name="second")
    )
    assert verdict(dump(WORLD.bundle(BODY)), policy) == UNTRUSTED


def test_every_identity_that_the_certificate_is_signs() -> None:
    policy = believing(
        WORLD, identity(name="b"), identity(name="a", subject=ANYTHING), identity("x@y.test", name="c")
    )
    found = verify(dump(WORLD.bundle(BODY)), IMAGE, REPOSITORY, policy)
    assert (found.signers, found.identity) == (("a", "b"), CertificateIdentity(ISSUER, SUBJECT))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("robot", f"robot as {SUBJECT} (issuer {ISSUER})"), (SUBJECT, f"{SUBJECT} (issuer {ISSUER})")],
)
def test_people_are_told_the_entry_and_whom_the_certificate_names(name: str, expected: str) -> None:
    # On the command line the entry is called as the option's text.
    found = verify(dump(WORLD.bundle(BODY)), IMAGE, REPOSITORY, believing(WORLD, identity(name=name)))
    assert found.signed_by == expected


def test_the_refusal_names_whom_the_certificate_names_within_bounds() -> None:
    long = "https:" + "a" * 900
    with pytest.raises(UntrustedError) as caught:
        verify(dump(WORLD.bundle(BODY, named(URI(long)))), IMAGE, REPOSITORY, believing(WORLD))
    shown = long[:159] + "…"
    assert caught.value.detail == (
        f"signed by a certificate for {shown} (issuer {ISSUER}), who is no trusted identity"
    )


def test_a_certificate_with_an_extension_twice_names_nobody() -> None:
    certificate = WORLD.sign(BODY).certificate

    class Twice:
        """What cryptography does with such a certificate."""

        @property
        def extensions(self) -> x509.Extensions:
            raise x509.DuplicateExtension("twice", USERNAME)

    assert identity_of(certificate).subject == SUBJECT
    with pytest.raises(UntrustedError):
        identity_of(Twice())  # type: ignore[arg-type]  # stands for a certificate that no library makes


POLICY = believing(WORLD)
P256 = ec.generate_private_key(ec.SECP256R1())
BUNDLE = WORLD.bundle(BODY)
LEAF = base64.b64decode(BUNDLE["verificationMaterial"]["certificate"]["rawBytes"])


def with_certificate(raw: bytes) -> str:
    material = BUNDLE["verificationMaterial"] | {"certificate": {"rawBytes": b64(raw)}}
    return verdict(dump(BUNDLE | {"verificationMaterial": material}), POLICY)


@pytest.mark.parametrize("version", [1, 3, 4, 127, 128, 255])
def test_a_certificate_of_another_version_cannot_be_read(version: int) -> None:
    # cryptography raises an error of its own for these, which is no ValueError.
    third = bytes.fromhex("a003020102")
    assert LEAF.count(third) == 1
    assert with_certificate(LEAF.replace(third, third[:-1] + bytes([version]))) == MALFORMED


@pytest.mark.parametrize("octet", [0x00, 0x80, 0xFF], ids=["zero", "-128", "-1"])
def test_a_serial_that_is_not_positive_is_refused_before_a_library_warns_of_it(octet: int) -> None:
    # RFC 5280, section 4.1.2.2. A warning would be an error here.
    builder = x509.CertificateBuilder(x509.Name([]), x509.Name([]), P256.public_key(), 1, BEGAN, SIGNED_AT)
    raw = builder.sign(P256, hashes.SHA256()).public_bytes(Encoding.DER)
    version = bytes.fromhex("a003020102")
    assert load_certificate(raw).serial_number == 1
    assert raw.count(version + b"\x02\x01\x01") == 1
    with pytest.raises(MalformedError, match="the bundle's certificate cannot be read"):
        load_certificate(raw.replace(version + b"\x02\x01\x01", version + bytes([2, 1, octet])))


@pytest.mark.parametrize("change", [0x00, 0x01, 0x7F, 0x80, 0xFF], ids=hex)
def test_a_certificate_with_any_other_byte_is_refused(change: int) -> None:
    for position in range(len(LEAF)):
        damaged = bytearray(LEAF)
        damaged[position] = change if damaged[position] != change else change ^ 0x10
        assert with_certificate(bytes(damaged)) in {MALFORMED, UNTRUSTED}, position
