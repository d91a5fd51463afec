"""Finding the attestations of one digest in one repository, in every layout that is in use.

| Layout | Written by | Looked for |
|---|---|---|
| attestation tag | cosign 2, and cosign 3 if told to | the manifest at `sha256-<hex>.att`, one layer a statement |
| referrers | cosign 3 (Sigstore bundles), `oras attach`, others | the referrers API, then each manifest in its list |
| referrers, fallback | the same, where a registry has no such API | the index at `sha256-<hex>`, then as above |

They are asked for at once. A list of referrers is never filtered by artifactType, neither in the query nor here, for
what stands there depends on the registry: cosign 3's bundles are listed as `application/vnd.oci.empty.v1+json` by
some. Each manifest is opened, unless its annotations say that it is something else.
"""

import asyncio

from webhook.limits import LIMITS
from webhook.stores.registry.discovery.content import Relevance, Sorter
from webhook.stores.registry.discovery.place import Place
from webhook.stores.registry.discovery.search import Discovery, Layout, Search


class Discoverer:
    """Finds attestations; it learns which registries have the referrers API, and which layout a repository uses.

    Args:
        predicate_types: Those of our statements; all others are left out.
    """

    def __init__(self, predicate_types: frozenset[str]) -> None:
        self._sorter = Sorter(predicate_types)
        self._with_api: set[str] = set()
        self._habits: dict[str, Layout] = {}

    async def discover(self, place: Place, digest: str, *, hasty: bool = False) -> Discovery:
        """Looks for attestations of a digest.

        Args:
            place: Where, and as whom.
            digest: `sha256:` and 64 hexadecimal digits.
            hasty: Whether to be content with the layout that the repository used last, if it has a statement about
                the digest there. Whether that one suffices is for others to judge, who then ask again for all.

        Returns:
            What was found; a failure is a gap.
        """
        search = Search(place, digest, self._sorter)
        habit = self._habits.get(place.repository.name) if hasty else None
        if habit is not None:
            await search.read(habit)
            found = search.result(whole=False)
            if found.about_the_image and not found.gaps:
                return found
        await self._read_others(search, place.repository.host, habit)
        found = search.result(whole=True)
        self._learn(place.repository.name, found)
        return found

    async def _read_others(self, search: Search, host: str, known: Layout | None) -> None:
        """Reads every layout but the one that is read already."""
        has_api = host in self._with_api
        async with asyncio.TaskGroup() as tasks:
            if known is not Layout.TAG:
                tasks.create_task(search.read(Layout.TAG))
            if known is not Layout.FALLBACK and not has_api:
                # A request more where there is an API saves a round trip where there is none.
                tasks.create_task(search.read(Layout.FALLBACK))
            if known is not Layout.REFERRERS:
                await search.read(Layout.REFERRERS)
            if known is not Layout.FALLBACK and has_api and not search.listed:
                # It may have been attached before the registry had the API, and not been taken over.
                await search.read(Layout.FALLBACK)
        if search.listed is not None and len(self._with_api) < LIMITS.registry_hosts:
            self._with_api.add(host)

    def _learn(self, repository: str, found: Discovery) -> None:
        layouts = {one.layout for one in found.sightings if one.relevance is Relevance.ABOUT_THE_IMAGE}
        habit = next((layout for layout in Layout if layout in layouts), None)
        if habit is None:
            return
        self._habits.pop(repository, None)
        self._habits[repository] = habit
        if len(self._habits) > LIMITS.registry_habits:
            self._habits.pop(next(iter(self._habits)))
