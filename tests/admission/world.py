"""The real parts that decide: a configuration file, a trusted key, a folder of signed evidence."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.harness.evidence import digest_of
from tests.support.envelopes import dump, envelope
from tests.support.keys import ecdsa
from tests.support.rules import OPEN
from tests.support.statements import predicate, statement
from webhook.admission.answer import build_response
from webhook.admission.decide import Cluster, Decider, Question
from webhook.admission.decision import Decision
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.model.evidence import TriggerTime
from webhook.providers.protocol import EvidenceProvider
from webhook.server.providers import build_providers
from webhook.settings.loading import Settings, load_settings
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import EvidenceStore, TagResolver

INSTANT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = TriggerTime("unix_millis", int(INSTANT.timestamp()) * 1000)
"""When the reviews of these tests arrive: six hours after the evidence was gathered."""

_EVIDENCE: Mapping[str, Mapping[str, Any]] = {
    "seen": {},
    "also seen": {},
    "thin": {"hotSymbolCount": 1, "uniqueCallPaths": 0},
    "stranger": {},
    "old": {"observedFrom": "2025-12-31T00:00:00Z", "observedUntil": "2026-01-01T00:00:00Z"},
    "elsewhere": {"environment": "development"},
    "unreadable": {"hotSymbolCount": -1},
}


def said(decision: Decision) -> str:
    """Verdict and reasons in one line, for tables."""
    return f"{decision.verdict.value} {','.join(decision.reasons)}"


def question(body: bytes, environment: str = "production", seconds: float = 10.0) -> Question:
    """A review that must be answered within so many seconds."""
    return Question(decode_review(body), body, environment, NOW, time.monotonic() + seconds)


def write_evidence(folder: Path) -> None:
    """Fills a folder with the evidence that `requests` describes."""
    for name, changes in _EVIDENCE.items():
        signer = ecdsa(owner="stranger") if name == "stranger" else ecdsa()
        body = statement(subjects=[digest_of(name)], predicate=predicate(**changes))
        (folder / f"{name.replace(' ', '-')}.json").write_bytes(dump(envelope(body, [signer])))


@dataclass
class World:
    """A folder with all that settings and stores are made from.

    Attributes:
        folder: Holds `staging.pub`, `evidence` and one configuration file after the other.
        stores: The folder's directory store, read.
    """

    folder: Path
    stores: Sequence[EvidenceStore]

    @classmethod
    def build(cls, folder: Path) -> "World":
        """Writes key and evidence, and reads the store."""
        (folder / "staging.pub").write_bytes(ecdsa().pem)
        (folder / "evidence").mkdir()
        write_evidence(folder / "evidence")
        store = DirectoryStore(folder / "evidence")
        asyncio.run(store.refresh())
        return cls(folder, [store])

    def settings(self, policy: Mapping[str, Any] | None = None, **sections: Any) -> Settings:
        """Settings in Block mode, unless the policy says otherwise."""
        gate = {"Enabled": True, "MissingEvidenceAction": "Block", **(policy or {})}
        key = {"name": "staging", "file": "staging.pub", "repositories": ["registry.example.com/shop/*"]}
        content = {
            "PolicyGates": {"ExecutionEvidence": gate},
            "trust": {"keys": [key]},
            "disclosure": OPEN,
            **sections,
        }
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(content))
        return load_settings(path)

    def decider(
        self,
        settings: Settings,
        provider: EvidenceProvider | None = None,
        tags: TagResolver | None = None,
        reader: Cluster | None = None,
    ) -> Decider:
        """A decider over the folder; another provider takes the place of the one with its id."""
        providers = build_providers(settings, self.stores)
        if provider is not None:
            providers[provider.provider_id] = provider
        return Decider(settings, providers, tags, reader)

    async def decide(
        self, body: bytes, environment: str = "production", settings: Settings | None = None
    ) -> Decision:
        """Decides about one review."""
        return await self.decider(settings or self.settings()).decide(question(body, environment))

    async def said(self, body: bytes, environment: str = "production", settings: Settings | None = None) -> str:
        """Decides about one review and gives the outcome in one line."""
        return said(await self.decide(body, environment, settings))

    async def answer(
        self, body: bytes, environment: str = "production", settings: Settings | None = None
    ) -> dict[str, Any]:
        """Decides and gives the AdmissionResponse."""
        settings = settings or self.settings()
        decision = await self.decide(body, environment, settings)
        return respond(decision, body, settings)

    async def record(
        self, body: bytes, environment: str = "production", settings: Settings | None = None
    ) -> DecisionRecord:
        """Decides and gives the record."""
        settings = settings or self.settings()
        decision = await self.decide(body, environment, settings)
        return record_decision(decision, decode_review(body), settings, NOW)


def respond(decision: Decision, body: bytes, settings: Settings) -> dict[str, Any]:
    """The AdmissionResponse about a decision."""
    subject = decode_review(body)
    record = record_decision(decision, subject, settings, NOW)
    response: dict[str, Any] = build_response(subject.uid, decision, record.digest, settings)["response"]
    return response
