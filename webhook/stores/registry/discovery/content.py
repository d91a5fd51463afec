"""What lies beside an image is mostly no execution evidence: SBOMs, provenance, signatures, whatever was attached.

It is sorted out here, before the caps, so that it neither pushes out what counts nor turns up in a user's message.
First by what its maker wrote about it, which saves the call, then by its content. Nothing here proves anything, and
what is kept is verified by `trust.verify` as everything else.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.statement import Statement
from webhook.model.strict_json import parse_json
from webhook.stores.registry.descriptor import Descriptor

_BUNDLE_CONTENT = "dev.sigstore.bundle.content"
_BUNDLE_PREDICATE = "dev.sigstore.bundle.predicateType"
_LAYER_PREDICATES = ("predicateType", "in-toto.io/predicate-type")
"""Annotations of cosign (pkg/oci/remote/write.go, `cosign attest`) and of BuildKit's attestations."""

_CLAIMS = re.compile(r"application/vnd\.(?:dsse\.envelope|dev\.sigstore\.bundle)\b")
_NO_JSON = re.compile(
    r"\+(?:gzip|zstd|xml|yaml|cbor|cose)$|\.(?:gzip|zstd)$|^(?:audio|font|image|video)/|wasm|helm"
    r"|spdx|cyclonedx|syft|sarif|simplesigning|jose\+json|cose|vnd\.oci\.empty\."
)
"""Media types of what is no envelope: compressed layers, SBOMs, signatures of cosign 2 and of Notation. A plain tar
stays in: it is what `oras attach` calls a file whose type nobody named."""


class Relevance(IntEnum):
    """How near a blob comes to being evidence; what is nearer is taken first when there is too much."""

    ABOUT_THE_IMAGE = 0
    """A statement of our type that names the digest."""
    CLAIMS = 1
    """A statement of our type about another digest, or broken bytes that are called an envelope."""


@dataclass(frozen=True, slots=True)
class Sorter:
    """Tells evidence from everything else.

    Attributes:
        predicate_types: Those of our statements.
    """

    predicate_types: frozenset[str]

    def is_called_other(self, annotations: Mapping[str, str]) -> bool:
        """Tells whether a manifest's maker says that it holds no statement of ours.

        Args:
            annotations: Of the manifest, or of the descriptor that lists it.

        Returns:
            True for a statement of another type and for a mere signature; False also if nothing is said.
        """
        said = annotations.get(_BUNDLE_PREDICATE)
        other = said is not None and said not in self.predicate_types
        return other or annotations.get(_BUNDLE_CONTENT) == "message-signature"

    def is_called_ours(self, annotations: Mapping[str, str]) -> bool:
        """Tells whether a maker says that it is a statement of ours.

        Args:
            annotations: Of a manifest, a layer, or the descriptor that lists it.

        Returns:
            False also if nothing is said.
        """
        return any(annotations.get(name) in self.predicate_types for name in (_BUNDLE_PREDICATE, *_LAYER_PREDICATES))

    def may_hold_evidence(self, layer: Descriptor) -> bool:
        """Tells whether a layer is worth fetching.

        Args:
            layer: Its descriptor.

        Returns:
            False for what is called a statement of another type, for media types of other things, and for what is
            too large to be evidence.
        """
        said = [layer.annotations[name] for name in _LAYER_PREDICATES if name in layer.annotations]
        if any(predicate_type not in self.predicate_types for predicate_type in said):
            return False
        return layer.size <= LIMITS.envelope_bytes and not _NO_JSON.search(_bare(layer.media_type))

    def promise(self, layer: Descriptor) -> tuple[bool, bool, int]:
        """Orders layers: what promises most and costs least comes first.

        Args:
            layer: A descriptor.

        Returns:
            A key to sort by.
        """
        return not self.is_called_ours(layer.annotations), not is_called_evidence(layer), layer.size

    def relevance(self, raw: bytes, digest: str, *, called_evidence: bool) -> Relevance | None:
        """Looks at a blob.

        A bundle signed by a certificate is looked into as well: of the one statement that is ours, its refusal is
        worth telling; of the provenance that a build service leaves beside every image, it is not.

        Args:
            raw: The blob.
            digest: The image's.
            called_evidence: What `is_called_evidence` says of it.

        Returns:
            How near it comes, or None if it is something else.
        """
        try:
            payload = _payload(parse_json(raw, "envelope"))
        except MalformedError:
            return Relevance.CLAIMS if called_evidence else None
        if payload is None:
            return None
        try:
            statement = Statement.parse(payload)
        except MalformedError:
            # SBOMs with more values or subjects than evidence may have end here; they do not name our type.
            return Relevance.CLAIMS if self._names_our_type(payload) else None
        if statement.predicate_type not in self.predicate_types:
            return None
        return Relevance.ABOUT_THE_IMAGE if digest in statement.digests() else Relevance.CLAIMS

    def _names_our_type(self, payload: bytes) -> bool:
        unescaped = payload.replace(rb"\/", b"/")
        return any(predicate_type.encode() in unescaped for predicate_type in self.predicate_types)


def is_called_evidence(layer: Descriptor) -> bool:
    """Tells whether a layer's media type is that of a DSSE envelope or of a Sigstore bundle.

    Args:
        layer: Its descriptor.

    Returns:
        True if so; then its bytes, if they are broken, are broken evidence and not something else.
    """
    return _CLAIMS.match(_bare(layer.media_type)) is not None


def _payload(document: Any) -> bytes | None:
    """Gives the payload of an envelope, bare or in a bundle; None if the document holds none."""
    envelope = document.get("dsseEnvelope", document) if isinstance(document, dict) else None
    text = envelope.get("payload") if isinstance(envelope, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("the envelope's payload is not base64") from None


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
