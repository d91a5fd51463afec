"""Puts an observation together, for one time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from webhook.attest.builder import ExecutionEvidenceBuilder
from webhook.kube.client import KubeClient
from webhook.model.statement import PREDICATE_TYPES, Tracer
from webhook.observer.evidence import Attestor
from webhook.observer.observing import Parts
from webhook.observer.publishing import open_publishers
from webhook.observer.registry import Manifests, NoManifests
from webhook.observer.settings import ObserverFile, ObserverSettings
from webhook.observer.signing import open_signer
from webhook.observer.sources.opening import open_source
from webhook.observer.standing import Standing
from webhook.observer.subjects import ManifestReader, SubjectFinder
from webhook.stores.protocol import EvidenceStore


@asynccontextmanager
async def open_parts(
    settings: ObserverSettings, client: KubeClient, stores: Sequence[EvidenceStore], *, look_only: bool
) -> AsyncIterator[Parts]:
    """Opens who takes part in an observation.

    Args:
        settings: What it works with.
        client: The cluster.
        stores: Those of the gate's configuration, started.
        look_only: Whether nothing is signed and published; then no key is read.

    Yields:
        The parts.

    Raises:
        ConfigurationError: A file that one of them needs cannot be used.
        UnavailableError: The Sigstore that would sign cannot be reached.
    """
    file = settings.file
    async with AsyncExitStack() as stack:
        source = open_source(file.source, settings.folder)
        reader: ManifestReader = NoManifests()
        section = settings.gate.file.stores.registry
        if section is not None:
            reader = await stack.enter_async_context(Manifests(section, settings.gate.path.parent))
        attestor = None
        if not look_only:
            publishers = await stack.enter_async_context(open_publishers(settings, client))
            signer = await asyncio.to_thread(open_signer, file.signing, settings.folder)
            builder = partial(ExecutionEvidenceBuilder, predicate_type=_predicate_type(file))
            attestor = Attestor(builder, signer, settings.gate.trust, publishers, Tracer(name=source.kind))
        yield Parts(
            source,
            Standing(settings.gate, stores, settings.refresh_after),
            SubjectFinder(reader, multi_platform=file.multi_platform),
            attestor,
        )


def _predicate_type(file: ObserverFile) -> str:
    """Takes the spelling with a scheme where Sigstore's tools look; they read no other."""
    plain, with_scheme = PREDICATE_TYPES
    return plain if file.signing.keyless is None and file.publish.registry is None else with_scheme
