"""Asking all stores what they have about one image."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from webhook.cli.evidence_rows import Examiner, Row, required_environments
from webhook.cli.evidence_sources import Sources, Wanted, open_sources
from webhook.cli.manifests import Manifest
from webhook.cli.preflight import preflight
from webhook.cli.rules import open_ruleset
from webhook.errors import ConfigurationError
from webhook.limits import LIMITS
from webhook.model.gate import GateResult
from webhook.model.image import ImageReference
from webhook.settings.loading import Settings
from webhook.stores.cluster import ClusterStore
from webhook.stores.directory import DirectoryStore
from webhook.stores.protocol import EvidenceStore, Found, ImageSubject

_NOTHING_BUT = "no statement about this digest; "
"""How the registry store begins a remark: for those who have found nothing."""
_NAMED_FILES = 5


class NoSuchTagError(Exception):
    """The tag leads to no image, so there is nothing to look for; the text says what was found."""


class Gap(NamedTuple):
    """A store that could not be read, or not as a whole.

    Attributes:
        store: Its name.
        detail: What is wrong, one clause.
    """

    store: str
    detail: str


class Verdict(NamedTuple):
    """What the gate says of the image in one environment.

    Attributes:
        environment: The environment.
        results: What each gate and condition says that makes the verdict; never empty.
    """

    environment: str
    results: Sequence[GateResult]


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that exists for an image.

    Attributes:
        image: The image with its digest; the tag too, if it was named by one.
        rows: The statements: those that count first, the newest of them first.
        gaps: What could not be read.
        remarks: What else is to be known of the stores, one clause each.
        verdicts: The gate's, by a configuration.
        settings: That configuration, or None.
        now: When it was asked.
    """

    image: ImageReference
    rows: Sequence[Row]
    gaps: Sequence[Gap]
    remarks: Sequence[str]
    verdicts: Sequence[Verdict]
    settings: Settings | None
    now: datetime


async def list_evidence(named: ImageReference, wanted: Wanted) -> Listing:
    """Finds what exists for an image, in every store.

    Args:
        named: The image as it was named.
        wanted: Where to look and whom to believe.

    Returns:
        The listing.

    Raises:
        ConfigurationError: A store cannot be made, or none could tell where a tag leads.
        NoSuchTagError: The image is named by a tag that leads nowhere.
        UnavailableError: The registry that could tell where it leads cannot be asked.
    """
    now = datetime.now(UTC)
    async with open_sources(wanted, named.repository) as sources:
        image = await _pinned(named, sources)
        assert image.digest is not None  # noqa: S101 - it is pinned
        subject = ImageSubject(image.digest, image.repository, sources.pull)
        answers = await asyncio.gather(*(store.find(subject) for store in sources.stores))
        found = [*zip(sources.stores, answers, strict=True)]
        examiner = Examiner(image, sources.trust, sources.settings, now)
        rows = [await examiner.examine(store.name, one) for store, answer in found for one in answer.candidates]
        gaps = [Gap(store.name, answer.gap.detail) for store, answer in found if answer.gap is not None]
        remarks = [remark for store, answer in found for remark in _remarks(store, answer)]
        verdicts = await _verdicts(named, sources)
    return Listing(image, sorted(rows, key=_order), gaps, remarks, verdicts, sources.settings, now)


async def _pinned(named: ImageReference, sources: Sources) -> ImageReference:
    if named.digest is not None:
        return named
    if sources.resolver is None:
        raise ConfigurationError("the image is named by a tag: name it by digest, or set stores.registry")
    digest = await sources.resolver.resolve(named.repository, named.tag or "latest", sources.pull)
    if digest is None:
        otherwise = ", or the repository is not in stores.registry.allow" if sources.settings else ""
        raise NoSuchTagError(f"there is no such image: the registry has no such tag{otherwise}")
    return replace(named, digest=digest)


def _order(row: Row) -> tuple[bool, bool, float]:
    """Puts first what counts, then what else is verified, the newest of each first; the rest stays as it came."""
    statement = row.statement
    until = 0.0 if statement is None else -statement.evidence.observed_until.timestamp()
    return not row.counts, statement is None, until


def _remarks(store: EvidenceStore, found: Found) -> list[str]:
    remarks = []
    if found.remark is not None:
        remarks.append(found.remark.removeprefix(_NOTHING_BUT) if found.candidates else found.remark)
    if len(found.candidates) == LIMITS.candidates:
        remarks.append(f"at most {LIMITS.candidates} statements in one store are looked at, here and by the gate")
    if isinstance(store, DirectoryStore) and store.no_envelopes:
        names = [*store.no_envelopes[:_NAMED_FILES], *(["…"] if len(store.no_envelopes) > _NAMED_FILES else [])]
        remarks.append(f"files that hold no envelope, for whatever image: {', '.join(names)}")
    if isinstance(store, ClusterStore) and store.unreadable:
        remarks.append(
            f"ExecutionEvidence objects that cannot be read, for whatever image: {store.unreadable}; "
            "see them with `kubectl get executionevidences`"
        )
    return [f"{store.name}: {remark}" for remark in remarks]


async def _verdicts(named: ImageReference, sources: Sources) -> list[Verdict]:
    """Asks the gate itself, about a workload with nothing but this image, named as the user has named it."""
    if sources.settings is None:
        return []
    async with open_ruleset(sources.settings, sources.stores) as rules:
        manifest = _workload(named, "default" if sources.pull is None else sources.pull.namespace)
        verdicts = []
        for environment in required_environments(sources.settings):
            deadline = time.monotonic() + LIMITS.deadline_maximum
            decision = (await preflight(manifest, environment, rules, deadline)).decision
            results = [result for result in decision.results if result.result is decision.verdict]
            verdicts.append(Verdict(environment, results))
    return verdicts


def _workload(image: ImageReference, namespace: str) -> Manifest:
    tag, digest = f":{image.tag}" if image.tag else "", f"@{image.digest}" if image.digest else ""
    container = {"name": "image", "image": f"{image.repository}{tag}{digest}"}
    content = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "image"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    return Manifest(content, "Deployment", namespace, "image")
