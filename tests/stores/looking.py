"""What a store says about a digest."""

from webhook.stores.protocol import Candidate, EvidenceStore, ImageSubject


async def candidates(store: EvidenceStore, digest: str) -> list[Candidate]:
    """Gives what is found."""
    return list((await store.find(ImageSubject(digest, None))).candidates)


async def gap(store: EvidenceStore, digest: str) -> str:
    """Gives why absence is not known; empty if it is."""
    found = await store.find(ImageSubject(digest, None))
    return "" if found.gap is None else found.gap.detail
