"""Pushing evidence beside its image."""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from webhook.attest.signing.signed import SignedEvidence
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.image import ImageReference
from webhook.publish.access import Access, Pace, jitter
from webhook.publish.documents import (
    EMPTY_CONTENT,
    LAYERS,
    MANIFESTS,
    About,
    Document,
    layer,
    listed_referrer,
    referrer,
)
from webhook.publish.failure import PublishError
from webhook.publish.keeping import Keeper
from webhook.publish.writer import PATIENCE, RegistryWriter
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.pull_secrets import open_keyrings
from webhook.stores.registry.discovery.routes import Routes
from webhook.stores.registry.reference import Repository, attestation_tag, fallback_tag
from webhook.stores.registry.transport.failure import Outcome, RegistryError
from webhook.stores.registry.transport.messages import Call, Patience

PACE = Pace()
_LOOK_SECONDS = 1.0


class Layout(StrEnum):
    """Where evidence lies in a registry."""

    REFERRER = "referrer"
    """A Sigstore bundle that refers to the image, as OCI 1.1 has it and cosign 3 does it."""
    COSIGN = "cosign"
    """An envelope under the tag `sha256-<hex>.att`, as cosign 2 does it."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed.

    Attributes:
        repository: Where, host and path.
        digest: Of the manifest, or of the envelope in the manifest that all share.
        tag: The tag at which it is listed, or None if the registry lists it by itself.
        listed: How many entries that list has; 0 without a tag.
    """

    repository: str
    digest: str
    tag: str | None = None
    listed: int = 0

    @property
    def too_many(self) -> bool:
        """Whether the gate may look at others first, and not come to this one."""
        return self.listed > LIMITS.referrers


class RegistryPublisher:
    """Pushes to registries; one for many pushes, whose connections and tokens are shared."""

    def __init__(
        self, section: RegistryStoreSettings, folder: Path, pace: Pace = PACE, patience: Patience = PATIENCE
    ) -> None:
        """Reads what the section names; nothing is connected to yet.

        Args:
            section: As the gate's `stores.registry`: how registries are reached, with whose credentials, which
                repositories are allowed, and the one repository for all evidence, if there is one.
            folder: What relative paths are relative to.
            pace: How long a push may take.
            patience: How long registries are waited for.

        Raises:
            ConfigurationError: A file that it names cannot be used.
        """
        self._pace = pace
        self._routes = Routes(section)
        # The pull secrets of pods are for pulling.
        self._keyrings = open_keyrings(section.model_copy(update={"pull_secrets": False}), folder, None)
        self._writer = RegistryWriter(section, folder, _ignore, patience)

    async def close(self) -> None:
        """Closes all connections."""
        await self._writer.close()

    async def push(self, image: ImageReference, evidence: SignedEvidence, layout: Layout = Layout.REFERRER) -> Pushed:
        """Pushes evidence. The same evidence twice is there once.

        Args:
            image: The image or index that it is attached to, by digest; the registry must have it.
            evidence: The evidence, which must be about this digest.
            layout: Where it goes.

        Returns:
            What was pushed.

        Raises:
            PublishError: The evidence is about something else, or is none in this layout.
            RegistryError: A registry cannot be asked, or refuses.
            UnavailableError: The credentials cannot be read.
            EvidenceError: The evidence is no statement of ours.
        """
        digest = _checked(image, evidence, layout)
        about = About.read(evidence.payload)
        own, target = self._places(image)
        keyring = await self._keyrings.keyring(None)
        until = time.monotonic() + self._pace.whole
        access = Access(self._writer, target, keyring, until)
        try:
            async with asyncio.timeout(self._pace.whole):
                subject = await Access(self._writer, own, keyring, until).subject(digest)
                if layout is Layout.COSIGN:
                    return await self._push_layer(access, digest, evidence.envelope or b"", about)
                for content in (EMPTY_CONTENT, evidence.bundle):
                    await access.push_blob(content)
                return await self._push_referrer(access, digest, referrer(evidence.bundle, about, subject), about)
        except TimeoutError:
            detail = f"pushing to {target.name} took more than {self._pace.whole:g} s; push again, it does no harm"
            raise RegistryError(detail, Outcome.TIMEOUT) from None

    def _places(self, image: ImageReference) -> tuple[Repository, Repository]:
        """Gives the image's repository, and the one that gets the evidence."""
        route = self._routes.find(image.repository)
        if route.image is None or not route.asked:
            raise PublishError(f"{image.repository} is not in stores.registry.allow, so nothing is pushed there")
        return route.image, route.asked[0]

    async def _push_layer(self, access: Access, image: str, envelope: bytes, about: About) -> Pushed:
        await access.push_blob(envelope)
        tag = attestation_tag(image)
        listed = await Keeper(access, tag, LAYERS, self._pace).keep(layer(envelope, about))
        return Pushed(access.repository.name, sha256_digest(envelope), tag, listed)

    async def _push_referrer(self, access: Access, image: str, manifest: Document, about: About) -> Pushed:
        """Pushes the manifest, and lists it where the registry does not ("Pushing Manifests with Subject")."""
        digest = sha256_digest(manifest.raw)
        answer = await access.push_manifest(digest, manifest)
        if answer.headers.get("OCI-Subject") == image or await self._is_listed(access, image, digest):
            return Pushed(access.repository.name, digest)
        tag = fallback_tag(image)
        listed = await Keeper(access, tag, MANIFESTS, self._pace).keep(listed_referrer(manifest, about))
        return Pushed(access.repository.name, digest, tag, listed)

    async def _is_listed(self, access: Access, image: str, digest: str) -> bool:
        """Asks the referrers API, where there is one, until it lists what was pushed; False where there is none."""
        until = time.monotonic() + self._pace.listing
        while (listed := await access.referrers(image)) is not None:
            if any(descriptor.digest == digest for descriptor in listed):
                return True
            if time.monotonic() >= until:
                raise RegistryError(f"registry {access.repository.host} took the evidence and does not list it")
            await asyncio.sleep(jitter(_LOOK_SECONDS))
        return False


def _checked(image: ImageReference, evidence: SignedEvidence, layout: Layout) -> str:
    if image.digest is None or image.digest not in evidence.digests:
        raise PublishError(f"the evidence is not about {image.digest or 'an image without a digest'}")
    if layout is Layout.COSIGN and evidence.envelope is None:
        raise PublishError(
            "evidence that was signed without a key has no place in the layout `cosign`: use `referrer`"
        )
    return image.digest


def _ignore(_: Call) -> None:
    """Nobody counts."""
