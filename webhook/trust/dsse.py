"""DSSE envelopes, bare or inside a Sigstore bundle.

Sources: DSSE v1.0.2 (envelope.md, protocol.md); Sigstore bundle v0.3 (sigstore_bundle.proto).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.statement import PAYLOAD_TYPE
from webhook.model.strict_json import parse_json
from webhook.trust.base64_text import Base64Error, decode_base64

_BUNDLE_TYPES = frozenset(
    {
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
    }
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope.

    Attributes:
        keyid: A hint that anybody may write; never decides anything.
        value: The raw signature bytes.
    """

    keyid: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope, decoded and not yet verified.

    Attributes:
        payload: The signed bytes.
        signatures: All of them; an envelope without any is one that nobody signed.
        material: The bundle's `verificationMaterial` as it was found, if it is signed by a certificate; None if by
            keys.
    """

    payload: bytes
    signatures: tuple[Signature, ...]
    material: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, raw: bytes) -> "Envelope":
        """Reads a DSSE envelope or a Sigstore bundle that holds one.

        Args:
            raw: UTF-8 JSON.

        Returns:
            The envelope; its payload type was `application/vnd.in-toto+json`.

        Raises:
            MalformedError: The bytes are neither.
        """
        if len(raw) > LIMITS.envelope_bytes:
            raise MalformedError(f"the envelope is larger than {LIMITS.envelope_bytes} bytes")
        document = parse_json(raw, "envelope")
        if not isinstance(document, dict):
            raise MalformedError("the envelope is no JSON object")
        if "mediaType" not in document:
            return _from_envelope(document, None)
        material = _material_of(document)
        envelope = document.get("dsseEnvelope")
        if not isinstance(envelope, dict) or "messageSignature" in document:
            raise MalformedError("the bundle holds no DSSE envelope")
        return _from_envelope(envelope, None if "publicKey" in material else material)

    def pae(self) -> bytes:
        """Gives the bytes that the signatures cover.

        Returns:
            The pre-authentication encoding (DSSE protocol.md), which binds the payload type to the payload.
        """
        return pre_authentication_encoding(PAYLOAD_TYPE, self.payload)


def may_be_certified(raw: bytes) -> bool:
    """Tells whether bytes can be a bundle that is signed by a certificate, without reading them.

    Args:
        raw: The bytes as a store gave them.

    Returns:
        False only if they are none: the member is not named, and nothing is written by its number.
    """
    # Both of its spellings hold the word: `certificate`, and `certificates` of a chain.
    return b"certificate" in raw or b"\\u" in raw


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Encodes payload type and payload for signing (DSSE protocol.md, "PAE").

    Args:
        payload_type: The envelope's `payloadType`.
        payload: The decoded payload.

    Returns:
        `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in bytes as ASCII decimals.
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode_envelope(payload: bytes, signatures: list[Signature]) -> dict[str, Any]:
    """Writes an envelope.

    Args:
        payload: The in-toto statement's bytes.
        signatures: Signatures over the pre-authentication encoding.

    Returns:
        The envelope as a JSON object, standard base64 with padding.
    """
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [
            {"keyid": entry.keyid, "sig": base64.b64encode(entry.value).decode("ascii")} for entry in signatures
        ],
    }


def _material_of(document: dict[str, Any]) -> dict[str, Any]:
    media_type = document["mediaType"]
    if not isinstance(media_type, str) or media_type not in _BUNDLE_TYPES:
        raise MalformedError("the bundle's mediaType is not one of Sigstore bundle v0.1 to v0.3")
    material = document.get("verificationMaterial")
    if not isinstance(material, dict):
        raise MalformedError("the bundle has no verificationMaterial")
    certified = "certificate" in material or "x509CertificateChain" in material
    if not certified and "publicKey" not in material:
        raise MalformedError("the bundle's verificationMaterial names no key")
    if certified and "publicKey" in material:
        # One of them would go unchecked, so a bundle that shows a certificate beside a key claims too much.
        raise MalformedError("the bundle names a key and a certificate")
    return material


def _from_envelope(document: dict[str, Any], material: dict[str, Any] | None) -> Envelope:
    if document.get("payloadType") != PAYLOAD_TYPE:
        raise MalformedError(f"the envelope's payloadType is not {PAYLOAD_TYPE}")
    signatures = document.get("signatures")
    if not isinstance(signatures, list):
        raise MalformedError("the envelope's signatures are no list")
    if len(signatures) > LIMITS.signatures:
        raise MalformedError(f"the envelope has more than {LIMITS.signatures} signatures")
    payload = _decode(document.get("payload"), "payload")
    return Envelope(payload, tuple([_signature(entry) for entry in signatures]), material)


def _signature(entry: Any) -> Signature:
    if not isinstance(entry, dict):
        raise MalformedError("a signature of the envelope is no JSON object")
    keyid = entry.get("keyid")
    return Signature(keyid if isinstance(keyid, str) else "", _decode(entry.get("sig"), "signature"))


def _decode(text: Any, what: str) -> bytes:
    if not isinstance(text, str) or not text:
        raise MalformedError(f"the envelope's {what} is missing")
    try:
        return decode_base64(text)
    except Base64Error as error:
        raise MalformedError(f"the envelope's {what} {error}") from None
