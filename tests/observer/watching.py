"""A whole observer: its configuration in a folder, profiles at hand instead of a server, and a shelf for evidence."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
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
from webhook.errors import UnavailableError
from webhook.model.image import ImageReference
from webhook.model.statement import Statement, Tracer
from webhook.observer.evidence import Attestor
from webhook.observer.images import Report, by_image
from webhook.observer.observing import Observer, Parts
from webhook.observer.registry import NoManifests
from webhook.observer.running import Run
from webhook.observer.settings import ObserverSettings, load_observer_settings
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.standing import Standing
from webhook.observer.subjects import SubjectFinder
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
    failure: UnavailableError | None = None

    async def publish(self, evidence: SignedEvidence, image: ImageReference) -> str:
        if self.failure is not None:
            raise self.failure
        assert image.digest in evidence.digests
        self.published.append(evidence)
        (self.folder / f"{len(self.published)}.json").write_bytes(evidence.envelope or evidence.bundle)
        return f"shelf {len(self.published)}"

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


@dataclass
class Watcher:
    """An observer.

    Attributes:
        settings: Its configuration.
        shelf: What it has published.
    """

    settings: ObserverSettings
    shelf: Shelf
    owner: str = "observer"
    look_only: bool = False

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
                KeySigner(key),
                self.settings.gate.trust,
                [self.shelf],
                Tracer(name=source.kind),
            )
            parts = Parts(
                source,
                Standing(self.settings.gate, [store], self.settings.refresh_after),
                SubjectFinder(NoManifests(), multi_platform=True),
                None if self.look_only else attestor,
            )
            told: list[Report] = []
            deadline = asyncio.get_running_loop().time() + seconds
            reports = await Observer(self.settings, parts, now).observe(by_image(runs), deadline, told.append)
            assert sorted(map(id, told)) == sorted(map(id, reports))
            return reports
