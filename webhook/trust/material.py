"""What a bundle brings along so that a certificate's signature can be verified without asking anybody.

Read strictly and within caps before a library sees it, which then gets what was read and nothing else: so both
understand the same bytes the same way.

Source: Sigstore bundle v0.3 (sigstore_bundle.proto, sigstore_rekor.proto); the caps on lists follow sigstore-go.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from webhook.errors import MalformedError
from webhook.trust.base64_text import decode_base64

_HASH = 32
_CERTIFICATE_BYTES = 16 * 1024
_SIGNATURE_BYTES = 4 * 1024
_BODY_BYTES = 64 * 1024
_CHECKPOINT_CHARACTERS = 4 * 1024
"""Rekor's have some 200, and C2SP's signed-note expects up to 16 lines of signatures: 150 each. The library makes an
object of each line, and anybody may add lines to a bundle of somebody who is trusted."""
_TIMESTAMP_BYTES = 16 * 1024
_DIGITS = len(str(2**64))
_LAST_SECOND = 253402300799
"""The end of the year 9999."""


def _limited(limit: int) -> BeforeValidator:
    """Measures a text before it is decoded: four characters are three bytes, less one for each `=` at the end."""

    def read(value: Any) -> bytes:
        if not isinstance(value, str) or len(value) // 4 * 3 - value[-2:].count("=") > limit:
            raise ValueError("no base64 text, or one that is too long")
        return decode_base64(value)

    return BeforeValidator(read)


def _listed(least: int, most: int) -> BeforeValidator:
    """Counts before anything is read: a list of 200,000 wrong elements would cost seconds in error reports."""

    def count(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise ValueError("no list, or one of another length")
        return tuple(value)

    return BeforeValidator(count)


def _number(value: Any) -> Any:
    """Reads a number as protocol buffers write it in JSON: as a text, or as a number."""
    if isinstance(value, str) and len(value) <= _DIGITS and value.isascii() and value.isdigit():
        return int(value)
    return value


_Encoded = PlainSerializer(lambda data: base64.b64encode(data).decode(), return_type=str)
_Hash = Annotated[bytes, _limited(_HASH), Field(min_length=_HASH, max_length=_HASH), _Encoded]
_Signature = Annotated[bytes, _limited(_SIGNATURE_BYTES), _Encoded]
_Natural = Annotated[
    int, BeforeValidator(_number), Field(strict=True, ge=0, lt=2**63), PlainSerializer(str, return_type=str)
]


class _Part(BaseModel):
    """A message of a bundle; members that nobody knows are left out."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True)


class _Certificate(_Part):
    raw_bytes: Annotated[bytes, _limited(_CERTIFICATE_BYTES), _Encoded]


class _Chain(_Part):
    certificates: Annotated[tuple[_Certificate, ...], _listed(1, 8)]


class _LogId(_Part):
    key_id: _Hash


class _KindVersion(_Part):
    kind: Annotated[str, Field(max_length=64)]
    version: Annotated[str, Field(max_length=64)]


class _Promise(_Part):
    signed_entry_timestamp: _Signature


class _Checkpoint(_Part):
    envelope: Annotated[str, Field(max_length=_CHECKPOINT_CHARACTERS)]


class _Proof(_Part):
    log_index: _Natural = 0
    root_hash: _Hash
    tree_size: _Natural
    hashes: Annotated[tuple[_Hash, ...], _listed(0, 64)] = ()
    checkpoint: _Checkpoint


class _LogEntry(_Part):
    log_index: _Natural = 0
    log_id: _LogId
    kind_version: _KindVersion
    integrated_time: Annotated[_Natural, Field(le=_LAST_SECOND)] = 0
    inclusion_promise: _Promise | None = None
    inclusion_proof: _Proof
    canonicalized_body: Annotated[bytes, _limited(_BODY_BYTES), _Encoded]


class _Timestamp(_Part):
    signed_timestamp: Annotated[bytes, _limited(_TIMESTAMP_BYTES), _Encoded]


class _Timestamps(_Part):
    rfc3161_timestamps: Annotated[tuple[_Timestamp, ...], Field(alias="rfc3161Timestamps"), _listed(0, 2)] = ()


class CertifiedMaterial(_Part):
    """The verification material of a bundle that is signed by a certificate."""

    certificate: _Certificate | None = None
    x509_certificate_chain: Annotated[_Chain | None, Field(alias="x509CertificateChain")] = None
    tlog_entries: Annotated[tuple[_LogEntry, ...], _listed(1, 1)]
    timestamp_verification_data: _Timestamps | None = None

    @property
    def leaf(self) -> bytes:
        """The signing certificate, DER. The others of a chain are not looked at: the trusted root has its own."""
        if self.certificate is not None:
            return self.certificate.raw_bytes
        if self.x509_certificate_chain is not None:
            return self.x509_certificate_chain.certificates[0].raw_bytes
        raise MalformedError("the bundle has no certificate")

    @property
    def entry(self) -> _LogEntry:
        """The entry of the transparency log."""
        return self.tlog_entries[0]

    @property
    def timestamps(self) -> tuple[bytes, ...]:
        """Answers of timestamp authorities, DER."""
        data = self.timestamp_verification_data
        return () if data is None else tuple([entry.signed_timestamp for entry in data.rfc3161_timestamps])

    def document(self) -> dict[str, Any]:
        """Writes the material anew, as a bundle v0.3 has it.

        Returns:
            The JSON object; what was not set is left out.
        """
        material = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        material.pop("x509CertificateChain", None)
        material["certificate"] = {"rawBytes": base64.b64encode(self.leaf).decode()}
        if not self.entry.integrated_time:
            del material["tlogEntries"][0]["integratedTime"]
        return material


def read_material(material: Mapping[str, Any]) -> CertifiedMaterial:
    """Reads the material.

    Args:
        material: The bundle's `verificationMaterial`.

    Returns:
        The material, within the caps.

    Raises:
        MalformedError: Something is missing, of the wrong kind or too large; the first such place is named.
    """
    try:
        read = CertifiedMaterial.model_validate(material)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        known = ".".join(str(part) for part in place)
        raise MalformedError(
            f"the bundle's verificationMaterial.{known} is missing, not as bundle v0.3 has it, or too large"
        ) from None
    if (read.certificate is None) == (read.x509_certificate_chain is None):
        raise MalformedError("the bundle has a certificate and a chain of certificates, or neither")
    return read
