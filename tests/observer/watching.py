"""A whole observer: its configuration in a folder, profiles at hand instead of a server, and a shelf for evidence."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from tests.attest.keys import private_pem, public_pem
from webhook.attest.builder import ExecutionEvidenceBuilder
from webhook.attest.profile import Profile
from webhook.attest.reading import read_profile
from webhook.attest.signing.key import SigningKey
from webhook.attest.signing.signed import SignedEvidence
from webhook.attest.signing.statement import KeySigner
from webhook.model.image import ImageReference
from webhook.model.statement import Statement, Tracer
from webhook.observer.evidence import Attestor, Published, Publisher
from webhook.observer.images import Report, by_image
from webhook.observer.observing import Observer, Parts
from webhook.observer.registry import NoManifests
from webhook.observer.running import Run
from webhook.observer.settings import ObserverSettings, load_observer_settings
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.standing import Standing
from webhook.observer.subjects import ManifestReader, SubjectFinder
from webhook.stores.directory import DirectoryStore

BUSY = b"".join(b"main;work;step%d 40\n" % number for number in range(5))
"""Five hot symbols and as many call paths."""
IDLE = b"main;wait (threading.py) 400\n"

Answer = bytes | Profile | Exception | None


@dataclass
class Profiles:
    """A profile server's answers; a `ProfileSource`.

    Attributes:
        answers: By pod and container; who is not there has none.
        hangs_about: A pod about which it never answers.
        hangs_after: How many questions it answers before it hangs.
        asked: Whom it was asked about, and when.
    """

    answers: Mapping[tuple[str, str], Answer]
    tells_containers: bool = True
    kind: str = "pyroscope"
    hangs_about: str = ""
    hangs_after: int = 1_000_000
    asked: list[tuple[ContainerRun, datetime, datetime]] = field(default_factory=list)

    async def profile(self, run: ContainerRun, start: datetime, end: datetime) -> Profile | None:
        self.asked.append((run, start, end))
        if run.pod == self.hangs_about or len(self.asked) > self.hangs_after:
            await asyncio.Event().wait()
        answer = self.answers.get((run.pod, run.container))
        if isinstance(answer, Exception):
            raise answer
        return read_profile(BytesIO(answer)) if isinstance(answer, bytes) else answer


@dataclass
class Shelf:
    """Where evidence goes; a `Publisher` whose folder is the gate's store."""

    folder: Path
    published: list[SignedEvidence] = field(default_factory=list)
    wanted: list[tuple[str, ...]] = field(default_factory=list)
    failure: str | None = None

    async def publish(self, evidence: SignedEvidence, image: ImageReference, digests: Sequence[str]) -> Published:
        if self.failure is not None:
            return Published(failures=(self.failure,))
        assert image.digest in evidence.digests
        assert set(digests) <= set(evidence.digests)
        self.published.append(evidence)
        self.wanted.append(tuple(digests))
        (self.folder / f"{len(self.published)}.json").write_bytes(evidence.envelope or evidence.bundle)
        return Published((f"shelf {len(self.published)}",))

    @property
    def predicates(self) -> list[dict[str, Any]]:
        return [Statement.parse(evidence.payload).predicate for evidence in self.published]


GATE: dict[str, Any] = {
    "PolicyGates": {"ExecutionEvidence": {"MissingEvidenceAction": "Block"}},
    "stores": {"directory": {"path": "evidence"}, "cluster": {}},
    "trust": {"keys": [{"name": "observer", "file": "observer.pub", "environments": ["staging"]}]},
}
OBSERVER: dict[str, Any] = {
    "source": {"kind": "pyroscope", "url": "https://pyroscope.example.com"},
    "signing": {"keyFile": "observer.pem"},
}


def configured(folder: Path, gate: Mapping[str, Any] = GATE, **changes: Any) -> Path:
    """Writes both files, and a key pair of the observer."""
    (folder / "evidence").mkdir(exist_ok=True)
    (folder / "observer.pem").write_bytes(private_pem("Ed25519", owner="observer"))
    (folder / "observer.pub").write_bytes(public_pem("Ed25519", owner="observer"))
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(gate)))
    (folder / "observer.yaml").write_text(json.dumps(OBSERVER | changes))
    return folder / "observer.yaml"


class _BundleSigner(KeySigner):
    """Gives nothing but a bundle, as one without a key does."""

    def sign(self, payload: bytes) -> SignedEvidence:
        return replace(super().sign(payload), envelope=None)


@dataclass
class Watcher:
    """An observer.

    Attributes:
        settings: Its configuration.
        shelf: What it has published.
        owner: Whose key it has.
        look_only: Whether it signs nothing.
        keyless: Whether it signs bundles alone.
        before: Where evidence goes before the shelf.
        reader: Has the images' manifests.
    """

    settings: ObserverSettings
    shelf: Shelf
    owner: str = "observer"
    look_only: bool = False
    keyless: bool = False
    before: Sequence[Publisher] = ()
    reader: ManifestReader = field(default_factory=NoManifests)

    @classmethod
    def over(cls, folder: Path, gate: Mapping[str, Any] = GATE, **changes: Any) -> "Watcher":
        """Makes one that nobody has used."""
        settings = load_observer_settings(configured(folder, gate, **changes))
        return cls(settings, Shelf(folder / "evidence"))

    async def observe(
        self, source: Profiles, runs: Sequence[Run], now: datetime, seconds: float = 60.0
    ) -> list[Report]:
        """Observes once, as a new process would."""
        store = DirectoryStore(self.settings.gate.path.parent / "evidence")
        async with AsyncExitStack() as stack:
            stack.push_async_callback(store.stop)
            await store.start()
            key = SigningKey.from_pem(private_pem("Ed25519", owner=self.owner))
            attestor = Attestor(
                partial(ExecutionEvidenceBuilder),
                _BundleSigner(key) if self.keyless else KeySigner(key),
                self.settings.gate.trust,
                [*self.before, self.shelf],
                Tracer(name=source.kind),
            )
            parts = Parts(
                source,
                Standing(self.settings.gate, [store], self.settings.refresh_after),
                SubjectFinder(self.reader, multi_platform=True),
                None if self.look_only else attestor,
            )
            told: list[Report] = []
            deadline = asyncio.get_running_loop().time() + seconds
            reports = await Observer(self.settings, parts, now).observe(by_image(runs), deadline, told.append)
            assert sorted(map(id, told)) == sorted(map(id, reports))
            return reports
