"""Who a signing certificate names. It proves nothing: whether an authority vouches for it is seen to later.

Sources: Fulcio, docs/certificate-specification.md and docs/oid-info.md; RFC 5280, section 4.2.1.6.
"""

import re
from dataclasses import dataclass

from cryptography import x509

from webhook.errors import MalformedError, UntrustedError

_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_UTF8_STRING = 0x0C
_LONG_FORM = 0x80

_CHARACTERS = 1024
"""The longest subject or issuer."""
_SHOWN = 160
"""Characters of it in a message."""
_SEQUENCE = rb"0(?:[\x00-\x7f]|\x81.|\x82..)"
_NUMBERED = re.compile(
    _SEQUENCE * 2 + rb"(?:\xa0\x03\x02\x01.)?\x02[\x01-\x7f](?:[\x01-\x7f]|\x00[\x80-\xff])", re.DOTALL
)
"""How DER of a certificate begins whose serial number is positive, as RFC 5280, section 4.1.2.2, has it."""
_PRINTABLE = re.compile(r"[!-~]+")

# No text fits two of them, so that a rule for one kind of subject cannot be met by another kind.
_MAIL = re.compile(r"[^@:]+@[^@:/!]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+")
_USER = re.compile(r"[^@:!]+![^@:!]+")


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """Whom a certificate names.

    Attributes:
        issuer: Who has authenticated the subject, printable ASCII.
        subject: What the issuer knows it as, printable ASCII.
    """

    issuer: str
    subject: str

    @property
    def shown(self) -> str:
        """Both, for a message; long ones are cut."""
        return f"{_shortened(self.subject)} (issuer {_shortened(self.issuer)})"


def load_certificate(raw: bytes) -> x509.Certificate:
    """Reads a certificate.

    Args:
        raw: DER; the caller has capped it.

    Returns:
        The certificate, believed in nothing.

    Raises:
        MalformedError: It is none.
    """
    if not _NUMBERED.match(raw):
        # Of other numbers the library would warn, on the log and with nothing that helps.
        raise MalformedError("the bundle's certificate cannot be read")
    try:
        return x509.load_der_x509_certificate(raw)
    except (ValueError, x509.InvalidVersion):
        raise MalformedError("the bundle's certificate cannot be read") from None


def identity_of(certificate: x509.Certificate) -> CertificateIdentity:
    """Reads whom a certificate names.

    Args:
        certificate: A signing certificate, believed in nothing.

    Returns:
        The identity.

    Raises:
        UntrustedError: It does not name exactly one subject and one issuer, in printable ASCII.
    """
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        issuer = _issuer(certificate.extensions)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise UntrustedError("signed by a certificate that names no subject or no issuer of identities") from None
    if len(names) != 1:
        # Fulcio gives one. Who could choose a second could choose the one that is trusted.
        raise UntrustedError("signed by a certificate that names several subjects")
    subject = _subject(names[0])
    if not all(_PRINTABLE.fullmatch(text) and len(text) <= _CHARACTERS for text in (issuer, subject)):
        raise UntrustedError("signed by a certificate whose subject or issuer is too long or not printable")
    return CertificateIdentity(issuer, subject)


def _subject(name: x509.GeneralName) -> str:
    try:
        match name:
            case x509.RFC822Name():
                text, form = name.value, _MAIL
            case x509.UniformResourceIdentifier():
                text, form = name.value, _URI
            case x509.OtherName(type_id=kind) if kind == _USERNAME:
                text, form = _utf8_string(name.value), _USER
            case _:
                raise UntrustedError("signed by a certificate whose subject is no mail address, URI or user name")
    except ValueError:
        raise UntrustedError("signed by a certificate whose subject cannot be read") from None
    if not form.fullmatch(text):
        raise UntrustedError("signed by a certificate whose subject is not of the kind that it claims to be")
    return text


def _issuer(extensions: x509.Extensions) -> str:
    """Reads the issuer; the older extension holds bare text, the newer one a DER string, and they must agree."""
    found = set()
    for oid, read in ((_ISSUER_V1, bytes.decode), (_ISSUER_V2, _utf8_string)):
        try:
            value = extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            continue
        found.add(read(value.value) if isinstance(value, x509.UnrecognizedExtension) else "")
    if len(found) != 1:
        raise ValueError("no issuer, or two")
    return found.pop()


def _utf8_string(data: bytes) -> str:
    """Reads a DER UTF8String (X.690, 8.1.3 and 10.1: the length in its shortest form)."""
    size = len(data[2:])
    long = size >= _LONG_FORM
    octets = size if not long else size - (data[1] & (_LONG_FORM - 1))
    length = octets.to_bytes((octets.bit_length() + 7) // 8 or 1) if octets >= 0 else b""
    header = bytes([_UTF8_STRING]) + (bytes([_LONG_FORM | len(length)]) if octets >= _LONG_FORM else b"") + length
    if not data.startswith(header) or len(data) != len(header) + octets:
        raise ValueError("no UTF8String")
    return data[len(header) :].decode()


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
