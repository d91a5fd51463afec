"""Bundles that are signed by a short-lived certificate: who signed, verified offline by sigstore-python.

Sources: Sigstore client specification, section 4 (verification); the steps of sigstore-python's `Verifier`.
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from webhook.errors import EvidenceError, MalformedError, UntrustedError
from webhook.model.statement import PAYLOAD_TYPE
from webhook.trust.certificate import CertificateIdentity, identity_of, load_certificate
from webhook.trust.dsse import Envelope, encode_envelope
from webhook.trust.identity import TrustedIdentity
from webhook.trust.material import CertifiedMaterial, read_material
from webhook.trust.policy import TrustPolicy
from webhook.trust.root import SignedTimes

if TYPE_CHECKING:
    from sigstore.verify import Verifier

_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_NOT_CERTIFIED = (
    "signed by a certificate that does not hold under the trusted root: no authority or certificate log of the root "
    "vouches for it, or nothing proves that it was valid when it signed"
)
_NOT_LOGGED = "signed by a certificate, but its entry in the transparency log or the signature itself does not hold"


def verify_certified(envelope: Envelope, policy: TrustPolicy) -> tuple[CertificateIdentity, list[TrustedIdentity]]:
    """Verifies an envelope that a certificate's key has signed.

    The steps, of which those that cost come last:

    1. Somebody is trusted to sign so.
    2. There is exactly one signature, and the material is as bundle v0.3 has it, within its caps.
    3. The certificate names exactly one subject and one issuer, and some trusted identity is them.
    4. An authority of the trusted root has issued the certificate, and the certificate's key has signed the payload:
       0.2 ms that keep strangers from what costs more.
    5. The trusted root names authorities and logs for the times that the bundle claims.
    6. sigstore's verifier, offline, under what the root names for these times: a time by the transparency log's
       promise or a signed timestamp; the certificate's chain to an authority at that time; the certificate log's
       timestamp; key usage; the very certificate of step 3; inclusion proof, checkpoint and promise of the log
       entry; the signature over the pre-authentication encoding; and that the entry is about this signature and
       payload.
    7. What it has verified is the payload that was read.

    Args:
        envelope: One with `material`.
        policy: The trusted identities, and the root.

    Returns:
        Whom the certificate names, and all trusted identities that it is.

    Raises:
        EvidenceError: With the reason EvidenceMalformed or EvidenceUntrusted.
    """
    try:
        return _verify(envelope, policy)
    except (EvidenceError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 - whatever hostile bytes set off, a panic of a Rust library too
        raise UntrustedError("signed by a certificate, and it could not be verified") from None


def _verify(envelope: Envelope, policy: TrustPolicy) -> tuple[CertificateIdentity, list[TrustedIdentity]]:
    if not policy.identities or policy.root is None or envelope.material is None:  # (1)
        raise UntrustedError("signed by a certificate, and no identity is trusted; name who may in trust.identities")
    if len(envelope.signatures) != 1:  # (2)
        raise MalformedError("the bundle is signed by a certificate and has not exactly one signature")
    material = read_material(envelope.material)
    certificate = load_certificate(material.leaf)
    identity = identity_of(certificate)  # (3)
    meant = [entry for entry in policy.identities if entry.matches(identity.issuer, identity.subject)]
    if not meant:
        raise UntrustedError(f"signed by a certificate for {identity.shown}, who is no trusted identity")
    if not policy.root.has_issued(certificate):  # (4)
        raise UntrustedError(_NOT_CERTIFIED)
    if not _has_signed(certificate, envelope):
        raise UntrustedError(_NOT_LOGGED)
    verifier = policy.root.verifier(_claimed_times(material, certificate))  # (5)
    payload = _verified_payload(verifier, envelope, material, certificate)  # (6)
    if payload != (PAYLOAD_TYPE, envelope.payload):  # (7)
        raise UntrustedError("the bundle's signature is over another payload")
    return identity, meant


def _has_signed(certificate: x509.Certificate, envelope: Envelope) -> bool:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        # SHA-256 whatever the curve, as the library has it.
        key.verify(envelope.signatures[0].value, envelope.pae(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


class _SameCertificate:
    """The policy for sigstore's verifier: the certificate that it verifies is the one whose identity was read."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate
        self.reached = False

    def verify(self, cert: x509.Certificate) -> None:
        """Is called once chain, certificate log and key usage have been verified.

        Args:
            cert: The certificate that they were verified for.

        Raises:
            UntrustedError: It is another one.
        """
        if cert != self._certificate:
            raise UntrustedError("the bundle's certificate is read in two ways")
        self.reached = True


def _verified_payload(
    verifier: "Verifier", envelope: Envelope, material: CertifiedMaterial, certificate: x509.Certificate
) -> tuple[str, bytes]:
    from sigstore.models import Bundle  # noqa: PLC0415 - of the extra, and not needed without identities

    document = {
        "mediaType": _BUNDLE_TYPE,
        "verificationMaterial": material.document(),
        "dsseEnvelope": encode_envelope(envelope.payload, list(envelope.signatures)),
    }
    same = _SameCertificate(certificate)
    try:
        bundle = Bundle.from_json(json.dumps(document))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 - whatever hostile bytes set off, a panic of a Rust library too
        raise MalformedError("the bundle's log entry or certificate is of a kind that nobody knows") from None
    try:
        return verifier.verify_dsse(bundle, same)
    except (EvidenceError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 - as above
        raise UntrustedError(_NOT_LOGGED if same.reached else _NOT_CERTIFIED) from None


def _claimed_times(material: CertifiedMaterial, certificate: x509.Certificate) -> SignedTimes:
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - as above

    try:
        stamped = [
            decode_timestamp_response(stamp).tst_info.gen_time.replace(tzinfo=UTC) for stamp in material.timestamps
        ]
        listed = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
        (taken_up,) = (entry.timestamp.replace(tzinfo=UTC) for entry in listed)
    except x509.ExtensionNotFound:
        raise UntrustedError("signed by a certificate that no certificate log has taken up") from None
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 - as above
        raise UntrustedError("signed with a timestamp that cannot be read, or with several of one kind") from None
    entry = material.entry
    promised = entry.inclusion_promise is not None and entry.integrated_time > 0
    if not promised and not stamped:
        raise UntrustedError("signed by a certificate, and no transparency log or timestamp authority says when")
    by_log = (datetime.fromtimestamp(entry.integrated_time, UTC),) if promised else ()
    return SignedTimes(by_log, tuple(stamped), taken_up)
