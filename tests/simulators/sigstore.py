"""A whole Sigstore in one object: authority, certificate log, transparency log, timestamp authority.

It makes the trusted root and bundles that verify under it. Every part of a bundle can be exchanged for a wrong one.
`test_sigstore_crosscheck.py` holds it against the real programs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.simulators.sigstore_certificates import BEGAN, SIGNED_AT, Authority, CertificateLog, Leaf, spki
from tests.simulators.sigstore_log import HOST, TransparencyLog, dsse_body, hashedrekord_body
from tests.simulators.sigstore_timestamps import TimestampAuthority
from tests.support.envelopes import BUNDLE_V03, IN_TOTO, b64, dump, pae


@dataclass(frozen=True)
class Signed:
    """An envelope with the certificate of who signed it."""

    envelope: dict[str, Any]
    certificate: x509.Certificate


@dataclass
class Sigstore:
    """One instance; another one knows nothing of it."""

    authority: Authority = field(default_factory=Authority)
    certificate_log: CertificateLog = field(default_factory=CertificateLog)
    log: TransparencyLog = field(default_factory=TransparencyLog)
    timestamps: TimestampAuthority = field(default_factory=TimestampAuthority)

    def sign(
        self,
        payload: bytes,
        leaf: Leaf | None = None,
        *,
        logs: Sequence[CertificateLog] | None = None,
        curve: ec.EllipticCurve | None = None,
    ) -> Signed:
        """Signs a payload with a new key, and has the key certified.

        Args:
            payload: The statement.
            leaf: What the certificate says.
            logs: Whose timestamps it gets; by default as many of this instance's as `leaf` says.
            curve: The key's; P-256 by default.
        """
        leaf = leaf or Leaf()
        key = ec.generate_private_key(curve or ec.SECP256R1())
        stamps = [self.certificate_log] * leaf.timestamps if logs is None else logs
        certificate = self.authority.issue(key.public_key(), leaf, stamps)
        signature = key.sign(pae(IN_TOTO, payload), ec.ECDSA(hashes.SHA256()))
        envelope = {"payloadType": IN_TOTO, "payload": b64(payload), "signatures": [{"sig": b64(signature)}]}
        return Signed(envelope, certificate)

    def entry(self, signed: Signed, at: datetime = SIGNED_AT) -> dict[str, Any]:
        """Has it logged as by Rekor 1, with a promise."""
        return self.log.append(dsse_body(signed.envelope, signed.certificate), at)

    def entry_v2(self, signed: Signed) -> dict[str, Any]:
        """Has it logged as by Rekor 2, which tells no time."""
        return self.log.append(hashedrekord_body(signed.envelope, signed.certificate), None)

    def bundle(self, payload: bytes, leaf: Leaf | None = None, *, at: datetime = SIGNED_AT) -> dict[str, Any]:
        """A good bundle, with an entry of Rekor 1."""
        signed = self.sign(payload, leaf)
        return assembled(signed, self.entry(signed, at))

    def bundle_v2(self, payload: bytes, leaf: Leaf | None = None, *, at: datetime = SIGNED_AT) -> dict[str, Any]:
        """A good bundle, with an entry of Rekor 2 and a signed timestamp."""
        signed = self.sign(payload, leaf)
        return assembled(signed, self.entry_v2(signed), self.stamp(signed, at))

    def stamp(self, signed: Signed, at: datetime = SIGNED_AT) -> bytes:
        """A timestamp of the envelope's signature."""
        return self.timestamps.stamp(signed.envelope["signatures"][0]["sig"], at)

    def trusted_root(self, **windows: tuple[datetime, datetime | None]) -> dict[str, Any]:
        """What a verifier must know, as `trusted_root.json` has it.

        Args:
            windows: From when until when something is valid: `authority`, `certificate_log`, `log`, `timestamps`.
        """
        valid = {name: _valid_for(*windows.get(name, (BEGAN, None))) for name in _PARTS}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self.log.key, self.log.log_id, f"https://{HOST}", valid["log"])],
            "certificateAuthorities": [_authority("signing", self.authority.chain, valid["authority"])],
            "ctlogs": [
                _log(self.certificate_log.key, None, "https://certificates.example.com", valid["certificate_log"])
            ],
            "timestampAuthorities": [_authority("timestamps", self.timestamps.chain, valid["timestamps"])],
        }


_PARTS = ("authority", "certificate_log", "log", "timestamps")


def assembled(signed: Signed, entry: dict[str, Any], *stamps: bytes, media_type: str = BUNDLE_V03) -> dict[str, Any]:
    """A bundle of the parts that are given, whether they belong together or not."""
    material: dict[str, Any] = {"tlogEntries": [entry]}
    raw = {"rawBytes": b64(signed.certificate.public_bytes(Encoding.DER))}
    if media_type.endswith(("=0.1", "=0.2")):
        material["x509CertificateChain"] = {"certificates": [raw]}
    else:
        material["certificate"] = raw
    if stamps:
        listed = [{"signedTimestamp": b64(stamp)} for stamp in stamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": listed}
    return {"mediaType": media_type, "verificationMaterial": material, "dsseEnvelope": signed.envelope}


def root_bytes(sigstore: Sigstore) -> bytes:
    """The trusted root as a file holds it."""
    return dump(sigstore.trusted_root())


def _valid_for(start: datetime, end: datetime | None) -> dict[str, str]:
    def text(at: datetime) -> str:
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    return {"start": text(start)} | ({} if end is None else {"end": text(end)})


def _log(
    key: ec.EllipticCurvePrivateKey, log_id: bytes | None, url: str, valid_for: dict[str, str]
) -> dict[str, Any]:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki(key))
    public = {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid_for}
    identifier = {"keyId": b64(log_id or digest.finalize())}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": identifier}


def _authority(name: str, chain: Sequence[x509.Certificate], valid_for: dict[str, str]) -> dict[str, Any]:
    certificates = [{"rawBytes": b64(entry.public_bytes(Encoding.DER))} for entry in chain]
    return {
        "subject": {"organization": name, "commonName": name},
        "uri": f"https://{name}.example.com",
        "certChain": {"certificates": certificates},
        "validFor": valid_for,
    }


LATER = SIGNED_AT + timedelta(days=1)
"""After every certificate's end."""
