"""Settings, a store and queries for the provider; everything but the store is the real part."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.envelopes import dump, envelope
from tests.support.keys import Signer, ecdsa, ed25519_key
from tests.support.statements import IMAGE, REPOSITORY, predicate, statement
from webhook.errors import UnavailableError
from webhook.model.basis import Platform
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult, TriggerTime
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.settings.loading import Settings, load_settings
from webhook.stores.protocol import Candidate, EvidenceStore, Found, ImageSubject

STAGING, SECOND, STRANGER = ecdsa(owner="staging"), ed25519_key("second"), ecdsa(owner="stranger")
NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
"""An hour after the end of the observation that `tests.support.statements` makes."""


@dataclass(frozen=True)
class Trusted:
    """A trusted key with the bounds that the configuration gives it."""

    signer: Signer
    name: str | None = None
    environments: list[str] | None = None
    repositories: list[str] | None = None

    def entry(self, folder: Path) -> dict[str, Any]:
        """Writes the key's file, and gives its entry in `trust.keys`."""
        name = self.name or self.signer.name
        (folder / f"{name}.pub").write_bytes(self.signer.pem)
        bounds = {"environments": self.environments, "repositories": self.repositories}
        return {"name": name, "file": f"{name}.pub", **bounds}


def configured(
    folder: Path, *keys: Trusted, threshold: int = 1, stores: Mapping[str, Any] | None = None, **section: Any
) -> Settings:
    """Settings that trust some keys; `staging` if none is named."""
    entries = [key.entry(folder) for key in keys or (Trusted(STAGING),)]
    document = {
        "PolicyGates": {"ExecutionEvidence": {"Enabled": True, **section}},
        "trust": {"keys": entries, "threshold": threshold},
        "stores": stores or {},
    }
    file = folder / "gate.json"
    file.write_text(json.dumps(document))
    return load_settings(file)


class Shelf:
    """A store whose content and failure the test sets."""

    name = "shelf"

    def __init__(self, *candidates: Candidate, remote: bool = False) -> None:
        """Puts some candidates on the shelf."""
        self.candidates = list(candidates)
        self.remote = remote
        self.problem: str | None = None
        self.platforms: tuple[Platform, ...] = ()
        self.remark: str | None = None
        self.asked: list[tuple[ImageSubject, float | None]] = []

    async def start(self) -> None:
        """Nothing to follow."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        """Gives all candidates and what the test set besides."""
        self.asked.append((subject, max_age))
        gap = None if self.problem is None else UnavailableError(self.problem)
        return Found(tuple(self.candidates), gap, self.platforms, self.remark)

    def gap(self) -> UnavailableError | None:
        """Of the store as a whole: nothing that the provider looks at."""
        return None


def candidate(raw: bytes, uri: str = "shelf:cart") -> Candidate:
    """What a store would give for these bytes."""
    return Candidate(raw, "sha256:" + sha256(raw).hexdigest(), uri)


def signed(*signers: Signer, uri: str = "shelf:cart", **changes: Any) -> Candidate:
    """Evidence with some members of its predicate changed; signed by nobody if nobody is named."""
    return candidate(dump(envelope(statement(predicate=predicate(**changes)), signers)), uri)


def observed(until: datetime, **changes: Any) -> dict[str, Any]:
    """Changes to a predicate whose observation ended then."""
    begin = until - timedelta(days=1)
    return {"observedFrom": _text(begin), "observedUntil": _text(until), **changes}


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def millis(instant: datetime) -> int:
    """Milliseconds since 1970, in integers."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def context(at: datetime | TriggerTime = NOW) -> EvidenceContext:
    """On whose behalf and when; the names are the second seed's."""
    time = at if isinstance(at, TriggerTime) else TriggerTime("unix_millis", millis(at))
    return EvidenceContext(1, 1, "run-0001", "example-scenario", "main", "trigger-0001", time)


def provider(settings: Settings, *stores: EvidenceStore) -> ExecutionEvidenceProvider:
    """A provider with an empty cache."""
    return ExecutionEvidenceProvider(settings, stores)


async def ask(asked: ExecutionEvidenceProvider, at: datetime | TriggerTime = NOW, **params: Any) -> EvidenceResult:
    """Asks for the metadata of the image in production; `params` change the question."""
    question = {"image_digest": IMAGE, "repository": REPOSITORY, "environment": "production"} | params
    return await asked.query(EvidenceQuery("execution-evidence", "metadata", question), context(at))


def told(result: EvidenceResult) -> dict[str, str]:
    """The metadata of a result without an error."""
    assert result.error is None
    assert result.value is not None
    value: dict[str, str] = result.value.value
    return value


def reason(result: EvidenceResult) -> str:
    """The reason code, or the error's code."""
    if result.error is not None:
        assert result.value is None
        return result.error.code
    metadata = told(result)
    counts = metadata["execution_evidence_reason"] in {"EvidenceSufficient", "EvidenceInsufficient"}
    assert metadata["has_execution_evidence"] == ("true" if counts else "false")
    return metadata["execution_evidence_reason"]
