"""Evidence about an image, and somebody who pushes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.attest.keys import private_pem
from tests.simulators.registry import MANIFEST
from tests.simulators.registry_writes import RegistryWithWriters
from tests.support.statements import predicate, statement
from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.signed import SignedEvidence
from webhook.attest.signing.statement import KeySigner
from webhook.model.image import ImageReference
from webhook.publish.access import Pace
from webhook.publish.registry import Layout, Pushed, RegistryPublisher
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.transport.messages import Patience

PATH = "shop/cart"
IMAGE_MANIFEST = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
QUICK = Pace(whole=10.0, quiet=0.2, fresh=5.0, listing=0.5)
"""A list stands still after a fifth of a second, whoever is slow; tests that look at a race choose their own."""
PATIENCE = Patience(connect=2.0, silence=2.0, whole=4.0)
SIGNER = KeySigner(SigningKey.from_pem(private_pem("Ed25519")))
UNTIL = "2026-11-24T06:36:35Z"


def evidence(*digests: str, note: str = "", **changes: Any) -> SignedEvidence:
    """Signs a statement.

    Args:
        digests: What it is about.
        note: Another note makes other evidence.
        changes: Members of the predicate that differ.

    Returns:
        The evidence; the same arguments give the same bytes.
    """
    return SIGNER.sign(statement(subjects=digests, note=note, predicate=predicate(observedUntil=UNTIL, **changes)))


def section(host: str, **more: Any) -> RegistryStoreSettings:
    """Gives a section `stores.registry` for a registry on loopback that speaks plain HTTP."""
    hosts = {host: {"insecure": True, "addresses": ["127.0.0.0/8"]}}
    return RegistryStoreSettings.model_validate({"allow": [f"{host}/*"], "hosts": hosts, **more})


@asynccontextmanager
async def publisher(
    settings: RegistryStoreSettings, pace: Pace = QUICK, patience: Patience = PATIENCE
) -> AsyncIterator[RegistryPublisher]:
    """Gives somebody who pushes.

    Args:
        settings: How registries are reached.
        pace: How long a push may take.
        patience: How long a registry is waited for.

    Yields:
        The publisher.
    """
    made = RegistryPublisher(settings, Path("/"), pace, patience)
    try:
        yield made
    finally:
        await made.close()


def image(host: str, digest: str, path: str = PATH) -> ImageReference:
    """Names an image by its digest."""
    return ImageReference.parse(f"{host}/{path}@{digest}")


async def push(
    registry: RegistryWithWriters, signed: SignedEvidence | None = None, layout: Layout = Layout.REFERRER, **more: Any
) -> Pushed:
    """Pushes evidence about an image, which is there.

    Args:
        registry: Where.
        signed: The evidence; by default one about `IMAGE_MANIFEST`.
        layout: Where it goes.
        more: `pace`, `patience`, and members of the section `stores.registry`.

    Returns:
        What was pushed.
    """
    digest = registry.add_manifest(PATH, IMAGE_MANIFEST)
    pace, patience = more.pop("pace", QUICK), more.pop("patience", PATIENCE)
    async with publisher(section(registry.host, **more), pace, patience) as somebody:
        return await somebody.push(image(registry.host, digest), signed or evidence(digest), layout)
