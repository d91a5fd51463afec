"""Which manifests a running image is: an index and its platforms have digests of their own (docs/adr/0030).

A runtime names the index that it was told to pull, or the manifest that it chose from it, as it likes; and of several
names by which a node knows one image, any of them. What the pod's author wrote proves nothing; that an index lists a
manifest is proven by its bytes, whose hash is its name.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from webhook.errors import MalformedError, UnavailableError
from webhook.model.image import ImageReference
from webhook.stores.registry.discovery.platforms import runnable

_NAMED = 8
"""Digests of authors that are looked up for one image; each is a request."""


class ManifestReader(Protocol):
    """Fetches manifests by their digests."""

    async def manifest(self, repository: str, digest: str) -> bytes | None:
        """Fetches a manifest or an index.

        Args:
            repository: Host and path.
            digest: `sha256:` and 64 hexadecimal digits.

        Returns:
            Its bytes, which have this digest; None if the registry may not be asked, or does not have it.

        Raises:
            UnavailableError: The registry cannot be asked.
        """


class Subjects(NamedTuple):
    """What is attested.

    Attributes:
        digests: Sorted; none if the image may not be attested.
        remark: What could not be made out, or why there is none, in one clause; else None.
    """

    digests: tuple[str, ...]
    remark: str | None = None


class SubjectFinder:
    """Finds the manifests that a running image is known to be."""

    def __init__(self, reader: ManifestReader, *, multi_platform: bool) -> None:
        """Asks nobody yet.

        Args:
            reader: Who has the manifests.
            multi_platform: Whether an index of several platforms may be attested, although one of them ran.
        """
        self._reader = reader
        self._multi_platform = multi_platform

    async def find(self, image: ImageReference, named: frozenset[str]) -> Subjects:
        """Finds the digests that stand for what ran.

        Args:
            image: Repository, and the digest that the kubelet says.
            named: Other digests that the authors of its pods have written.

        Returns:
            The kubelet's digest; its only platform, if it is an index of one; and each of `named` that is an index
            which lists whatever may have run. Of an index of several platforms nobody says which one did.
        """
        digest = image.digest or ""
        platforms, trouble = await self._platforms(image.repository, digest)
        if platforms is None:
            if not self._multi_platform:
                return Subjects((), f"whether it is an index is not known: {trouble}")
            return Subjects((digest,), trouble if named else None)
        if len(platforms) > 1 and not self._multi_platform:
            return Subjects((), f"it is an index of {len(platforms)} platforms, and which one ran is not known")
        known = {digest, *platforms} if len(platforms) == 1 else {digest}
        return await self._with_indices(image.repository, platforms or known, known, named)

    async def _with_indices(
        self, repository: str, ran: AbstractSet[str], known: AbstractSet[str], named: frozenset[str]
    ) -> Subjects:
        """Adds the indices that list all of what may have run."""
        digests, remark = set(known), None
        for other in sorted(named - known)[:_NAMED]:
            listed, trouble = await self._platforms(repository, other)
            if not listed or not ran <= listed:
                remark = f"{other} is left out: {trouble or 'not known to be what ran'}"
            elif len(listed) > 1 and not self._multi_platform:
                remark = f"{other} is left out: an index of {len(listed)} platforms, of which one ran"
            else:
                digests.add(other)
        return Subjects(tuple(sorted(digests)), remark)

    async def _platforms(self, repository: str, digest: str) -> tuple[frozenset[str] | None, str]:
        """Reads which manifests an index lists: none if it is no index, None and the reason if it cannot be read."""
        try:
            raw = await self._reader.manifest(repository, digest)
            if raw is None:
                return None, "its registry is not asked, or does not have it"
            return frozenset(platform.digest for platform in runnable(raw)), ""
        except (UnavailableError, MalformedError) as error:
            return None, error.detail
