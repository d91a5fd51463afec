"""A list at a tag, written by us and by others."""

from tests.publish.making import PATH, QUICK, evidence, image, publisher, section
from tests.simulators.registry import INDEX, MANIFEST
from tests.simulators.registry_writes import RegistryWithWriters
from webhook.publish.access import Pace
from webhook.publish.registry import Layout
from webhook.stores.registry.reference import attestation_tag, fallback_tag

Scene = tuple[RegistryWithWriters, str]
"""A registry, and the digest of an image in it."""


class Shelf:
    """Where a layout keeps its list."""

    def __init__(self, scene: Scene, layout: Layout) -> None:
        self.registry, self.digest = scene
        self.layout = layout
        cosign = layout is Layout.COSIGN
        self.member = "layers" if cosign else "manifests"
        self.tag = (attestation_tag if cosign else fallback_tag)(self.digest)
        self.kind = MANIFEST if cosign else INDEX

    async def push(self, note: str = "", pace: Pace = QUICK) -> str:
        async with publisher(section(self.registry.host), pace) as somebody:
            signed = evidence(self.digest, note=note)
            return (await somebody.push(image(self.registry.host, self.digest), signed, self.layout)).digest

    def put(self, *entries: dict[str, object], **members: object) -> None:
        """Somebody else writes the list."""
        content = {"schemaVersion": 2, "mediaType": self.kind, self.member: list(entries), **members}
        self.registry.add_manifest(PATH, content, self.tag)

    def foreign(self, name: str) -> dict[str, object]:
        """Somebody else's entry; what it points at is there."""
        digest = self.registry.add_manifest(PATH, {"mediaType": MANIFEST, "annotations": {"name": name}})
        return {"mediaType": MANIFEST, "digest": digest, "size": 7, "annotations": {"of": name}, "x-unknown": [1]}

    def entries(self) -> list[dict[str, object]]:
        return self.registry.listing(PATH, self.tag, self.member)

    def digests(self) -> list[object]:
        return [entry["digest"] for entry in self.entries()]

    def writes(self) -> int:
        return sum(path.endswith(self.tag) for path in self.registry.written())

    def reads(self) -> int:
        return sum(path.endswith(self.tag) for path in self.registry.written("GET"))
