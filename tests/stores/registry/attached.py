"""Attestations in a simulated registry, laid out by the letter of the tools' own specifications."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.simulators.registry import INDEX, MANIFEST, RegistrySimulator
from tests.stores.registry.simulated import NOBODY, PATH, Client, at, plain
from tests.support.envelopes import dump, envelope
from tests.support.keys import ed25519_key
from tests.support.statements import IMAGE, statement
from webhook.model.statement import PREDICATE_TYPES
from webhook.stores.registry.discovery.discovery import Discoverer
from webhook.stores.registry.discovery.place import Allowance, Place
from webhook.stores.registry.discovery.search import Discovery

DSSE = "application/vnd.dsse.envelope.v1+json"
OURS = "https://stella.ops/executionEvidence@v1"
SPDX = "https://spdx.dev/Document/v2.3"
TYPES = frozenset(PREDICATE_TYPES)
SIGNER = ed25519_key()
ATT = f"{IMAGE.replace(':', '-')}.att"
FALLBACK = IMAGE.replace(":", "-")


def evidence(note: str = "", image: str = IMAGE, **changes: Any) -> bytes:
    """An envelope about an image; another note makes other bytes."""
    return dump(envelope(statement(subjects=(image,), note=note, **changes), [SIGNER]))


def sbom(note: str = "") -> bytes:
    """An envelope about the image that is no execution evidence."""
    return evidence(note, predicateType=SPDX)


def layer(
    registry: RegistrySimulator, raw: bytes, media_type: str = DSSE, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """Puts a blob there and gives its descriptor."""
    return registry.add_blob(PATH, raw, media_type) | ({"annotations": annotations} if annotations else {})


def manifest(
    registry: RegistrySimulator,
    layers: Sequence[dict[str, Any]],
    *,
    tag: str | None = None,
    subject: str | None = None,
    **more: Any,
) -> str:
    """Puts a manifest there and gives its digest; with a subject the referrers API lists it."""
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": list(layers), **more}
    if subject is not None:
        content["subject"] = {"mediaType": MANIFEST, "digest": subject, "size": 2}
    return registry.add_manifest(PATH, content, tag)


def listed(digest: str, **more: Any) -> dict[str, Any]:
    """An entry of an index."""
    return {"mediaType": MANIFEST, "digest": digest, "size": 500, **more}


def fallback(registry: RegistrySimulator, entries: Sequence[dict[str, Any]], tag: str = FALLBACK) -> None:
    """Puts an index at the fallback tag."""
    registry.add_manifest(PATH, {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}, tag)


def attach_by_tag(registry: RegistrySimulator, *raws: bytes, image: str = IMAGE) -> str:
    """Attaches as cosign 2 does."""
    layers = [layer(registry, raw) for raw in raws]
    return manifest(registry, layers, tag=f"{image.replace(':', '-')}.att")


def attach(registry: RegistrySimulator, raw: bytes, media_type: str = DSSE, image: str = IMAGE, **more: Any) -> str:
    """Attaches as a referrer."""
    return manifest(registry, [layer(registry, raw, media_type)], subject=image, **more)


async def discover(
    registry: RegistrySimulator, discoverer: Discoverer | None = None, image: str = IMAGE, *, hasty: bool = False
) -> Discovery:
    """Looks for attestations of an image."""
    async with Client({registry.host: plain()}) as asker, Allowance(asyncio.Semaphore(1)) as allowance:
        place = Place(asker.client, at(registry), NOBODY, allowance)
        return await (discoverer or Discoverer(TYPES)).discover(place, image, hasty=hasty)


def raws(discovery: Discovery) -> set[bytes]:
    """The bytes that were found."""
    return {sighting.raw for sighting in discovery.sightings}


def gaps(discovery: Discovery) -> list[str]:
    """What could not be read."""
    return [gap.detail for gap in discovery.gaps]


def oddities(discovery: Discovery) -> list[str]:
    """What is wrong with what lies there."""
    return list(discovery.oddities)
