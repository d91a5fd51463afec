"""What evidence looks like in a registry (image specification 1.1, manifest.md). Pure.

As cosign 3.1.3 leaves it there: a manifest with a Sigstore bundle whose subject is the image; and in its older
layout an image whose layers are envelopes, under a tag that names the image. The first has the end of the observation
for its date, and not today's, so that the same evidence is the same manifest, whoever pushes it how often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.model.canonical import sha256_digest
from webhook.model.predicate import Observation
from webhook.model.statement import Statement
from webhook.model.timestamp import format_rfc3339
from webhook.publish.merge import Listed, encoded

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
SUBJECTS = frozenset({MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX})
"""What evidence may be about."""
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_CONTENT = b"{}"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_NEVER = "0001-01-01T00:00:00Z"
MANIFESTS, LAYERS = "manifests", "layers"


@dataclass(frozen=True, slots=True)
class Document:
    """What is put at a digest or a tag.

    Attributes:
        raw: Its bytes.
        media_type: Its type.
        condition: Headers that say under which condition (RFC 9110, section 13); many registries do not heed them.
    """

    raw: bytes
    media_type: str
    condition: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class About:
    """What a statement says that a registry is told.

    Attributes:
        predicate_type: Its predicate type.
        until: The end of the observation, RFC 3339.
    """

    predicate_type: str
    until: str

    @classmethod
    def read(cls, payload: bytes) -> "About":
        """Reads a statement.

        Args:
            payload: The statement.

        Returns:
            The parts.

        Raises:
            EvidenceError: It is no statement of ours.
        """
        statement = Statement.parse(payload)
        return cls(statement.predicate_type, format_rfc3339(statement.read_predicate(Observation).observed_until))


def descriptor(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Points at content.

    Args:
        media_type: Of the content.
        content: The bytes.
        more: Further members, `artifactType` or `annotations`.

    Returns:
        The descriptor as a JSON object.
    """
    return {"mediaType": media_type, "digest": sha256_digest(content), "size": len(content), **more}


def referrer(bundle: bytes, about: About, subject: dict[str, Any]) -> Document:
    """Makes the manifest that refers to an image.

    Args:
        bundle: The Sigstore bundle.
        about: What is said of it.
        subject: The image's descriptor.

    Returns:
        The manifest.
    """
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": descriptor(EMPTY, EMPTY_CONTENT),
        "layers": [descriptor(BUNDLE, bundle)],
        "subject": subject,
        "annotations": _annotations(about),
    }
    return Document(encoded(content), MANIFEST)


def listed_referrer(manifest: Document, about: About) -> dict[str, Any]:
    """Makes the entry of a manifest in a list of referrers, as the specification wants it there.

    Args:
        manifest: What `referrer` gave.
        about: The same.

    Returns:
        The descriptor.
    """
    return descriptor(MANIFEST, manifest.raw, artifactType=BUNDLE, annotations=_annotations(about))


def layer(envelope: bytes, about: About) -> dict[str, Any]:
    """Makes the entry of an envelope in an attestation manifest.

    Args:
        envelope: The DSSE envelope.
        about: What is said of it.

    Returns:
        The descriptor.
    """
    annotations = {"dev.cosignproject.cosign/signature": "", "predicateType": about.predicate_type}
    return descriptor(ENVELOPE, envelope, annotations=annotations)


def new_list(member: str) -> Listed:
    """Begins a list where there is none.

    Args:
        member: `MANIFESTS` or `LAYERS`.

    Returns:
        The empty list.
    """
    return Listed.new(member, {"schemaVersion": 2, "mediaType": INDEX if member == MANIFESTS else MANIFEST})


def list_types(member: str) -> tuple[str, ...]:
    """Gives the types of documents that hold a list.

    Args:
        member: `MANIFESTS` or `LAYERS`.

    Returns:
        Media types.
    """
    return (INDEX,) if member == MANIFESTS else (MANIFEST, DOCKER_MANIFEST)


def config_of(listed: Listed) -> bytes:
    """Makes the config of an attestation manifest: an image of no system, which has these layers.

    Args:
        listed: The layers.

    Returns:
        The config; all of it follows from the layers.
    """
    digests = listed.digests()
    return encoded(
        {
            "architecture": "",
            "os": "",
            "created": _NEVER,
            "config": {},
            "history": [{"created": _NEVER} for _ in digests],
            "rootfs": {"type": "layers", "diff_ids": digests},
        }
    )


def with_config(document: dict[str, Any], config: bytes) -> dict[str, Any]:
    """Gives an attestation manifest its config.

    Args:
        document: The manifest.
        config: Its config.

    Returns:
        The manifest; the config is of the type that it had.
    """
    before = document.get("config")
    media_type = before.get("mediaType") if isinstance(before, dict) else None
    return document | {"config": descriptor(media_type if isinstance(media_type, str) else _CONFIG, config)}


def _annotations(about: About) -> dict[str, str]:
    return {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": about.predicate_type,
        "org.opencontainers.image.created": about.until,
    }
