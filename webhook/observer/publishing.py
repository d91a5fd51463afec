"""Brings evidence to where the gate of the configuration looks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import UnavailableError
from webhook.kube.client import KubeClient
from webhook.model.image import ImageReference
from webhook.observer.evidence import Published, Publisher
from webhook.observer.settings import ObserverSettings, RegistryPublishSettings
from webhook.publish.failure import PublishError
from webhook.publish.registry import Layout, RegistryPublisher
from webhook.publish.resource import apply_evidence
from webhook.settings.stores import RegistryStoreSettings


class ClusterDestination:
    """ExecutionEvidence resources; a `Publisher`."""

    def __init__(self, client: KubeClient) -> None:
        """Remembers the cluster.

        Args:
            client: The cluster.
        """
        self._client = client

    async def publish(
        self,
        evidence: SignedEvidence,
        image: ImageReference,  # noqa: ARG002 - the protocol's
        digests: Sequence[str],  # noqa: ARG002 - likewise
    ) -> Published:
        """As `Publisher.publish`; the statement names its images itself."""
        try:
            applied = await apply_evidence(self._client, evidence)
        except UnavailableError as error:
            return Published(failures=(error.detail,))
        return Published((f"executionevidence {applied.name}",))


class RegistryDestination:
    """The image's registry; a `Publisher`."""

    def __init__(self, publisher: RegistryPublisher, layout: Layout) -> None:
        """Remembers how.

        Args:
            publisher: Pushes.
            layout: How it is attached.
        """
        self._publisher = publisher
        self._layout = layout

    async def publish(self, evidence: SignedEvidence, image: ImageReference, digests: Sequence[str]) -> Published:
        """As `Publisher.publish`; once for each digest, since the gate looks beside the one that it is given."""
        places, failures = [], []
        for digest in digests:
            subject = ImageReference(image.host, image.path, None, digest)
            try:
                pushed = await self._publisher.push(subject, evidence, self._layout)
            except PublishError as error:
                failures.append(f"{digest} got no evidence in its registry: {error}")
            except UnavailableError as error:
                failures.append(f"{digest} got no evidence in its registry: {error.detail}")
            else:
                places.append(f"{pushed.repository}@{pushed.digest}")
        return Published(tuple(places), tuple(failures))


@asynccontextmanager
async def open_publishers(settings: ObserverSettings, client: KubeClient) -> AsyncIterator[Sequence[Publisher]]:
    """Opens the places that the configuration names.

    The registry comes first: what is in the cluster is found by the next run, which makes up for nothing that was
    not done when a run was killed.

    Args:
        settings: What the observer works with.
        client: The cluster.

    Yields:
        The places, in the order in which evidence is brought there.

    Raises:
        ConfigurationError: A file that one of them needs cannot be used.
    """
    async with AsyncExitStack() as stack:
        publishers: list[Publisher] = []
        wanted, section = settings.file.publish.registry, settings.gate.file.stores.registry
        if wanted is not None and section is not None:
            pusher = RegistryPublisher(_with_logins(section, wanted, settings), settings.gate.path.parent)
            stack.push_async_callback(pusher.close)
            publishers.append(RegistryDestination(pusher, Layout(wanted.layout)))
        if settings.file.publish.cluster:
            publishers.append(ClusterDestination(client))
        yield publishers


def _with_logins(
    section: RegistryStoreSettings, wanted: RegistryPublishSettings, settings: ObserverSettings
) -> RegistryStoreSettings:
    """Gives the gate's section with the logins that may push; nobody may read the pull secrets of pods."""
    changes: dict[str, object] = {"pull_secrets": False}
    if wanted.docker_config is not None:
        changes["docker_config"] = (settings.folder / wanted.docker_config).absolute()
    return section.model_copy(update=changes)
