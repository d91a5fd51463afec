"""What the gate would say, asked of its own parts; unknown is never "there is none"."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.attest.signing.making import signed_envelope
from tests.harness.evidence import statement
from tests.observer.making import NOW, REPOSITORY, digest
from tests.observer.watching import GATE, configured
from webhook.errors import UnavailableError
from webhook.model.timestamp import format_rfc3339
from webhook.observer.settings import load_observer_settings
from webhook.observer.standing import Standing
from webhook.stores.protocol import Candidate, Found, ImageSubject

DIGEST = digest("cart")
HOUR = timedelta(hours=1)


class Shelf:
    """A store with what a test puts there."""

    name = "shelf"
    remote = False

    def __init__(self, *envelopes: bytes, gap: UnavailableError | None = None) -> None:
        self._found = Found(tuple(Candidate(raw, digest(str(raw)), "shelf") for raw in envelopes), gap)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def gap(self) -> UnavailableError | None:
        return self._found.gap

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:  # noqa: ARG002 - the protocol's
        return self._found


def envelope(*digests: str, **predicate: Any) -> bytes:
    content = statement(digests[0], observedUntil=format_rfc3339(NOW), **predicate)
    content["subject"] = [{"name": "x", "digest": {"sha256": one.removeprefix("sha256:")}} for one in digests]
    return signed_envelope(json.dumps(content).encode(), owner="observer")


async def lacking(folder: Path, shelf: Shelf, *digests: str, age: timedelta = HOUR, **policy: Any) -> tuple[str, ...]:
    gate = GATE | {"PolicyGates": {"ExecutionEvidence": policy}}
    settings = load_observer_settings(configured(folder, gate, refreshAfter="24h"))
    standing = Standing(settings.gate, [shelf], settings.refresh_after)
    found = await standing.lacking(settings.targets("staging"), REPOSITORY, digests or [DIGEST], NOW + age)
    assert bool(found.environments) is bool(found.digests)
    return found.environments


async def test_evidence_that_suffices_and_is_young_is_enough(tmp_path: Path) -> None:
    assert await lacking(tmp_path, Shelf(envelope(DIGEST))) == ()
    assert await lacking(tmp_path, Shelf()) == ("production",)
    assert await lacking(tmp_path, Shelf(envelope(digest("other")))) == ("production",)


async def test_it_is_asked_as_if_the_gate_were_on(tmp_path: Path) -> None:
    # Before it is switched on there must be evidence.
    overrides = {"production": {"Enabled": False}}
    assert await lacking(tmp_path, Shelf(), Enabled=False, Overrides=overrides) == ("production",)


async def test_the_age_is_the_shorter_one(tmp_path: Path) -> None:
    shelf = Shelf(envelope(DIGEST))
    assert await lacking(tmp_path, shelf, age=timedelta(hours=24)) == ()
    assert await lacking(tmp_path, shelf, age=timedelta(hours=24, seconds=1)) == ("production",)
    assert await lacking(tmp_path, shelf, age=timedelta(hours=3), MaxEvidenceAge="2h") == ("production",)


async def test_every_digest_needs_it(tmp_path: Path) -> None:
    index = digest("index")
    assert await lacking(tmp_path, Shelf(envelope(DIGEST)), DIGEST, index) == ("production",)
    assert await lacking(tmp_path, Shelf(envelope(DIGEST, index)), DIGEST, index) == ()


async def test_each_environment_is_asked_by_its_own_thresholds(tmp_path: Path) -> None:
    names, overrides = ["production", "canary"], {"production": {"MinHotSymbolCount": 43}}
    shelf = Shelf(envelope(DIGEST))
    assert await lacking(tmp_path, shelf, RequiredEnvironments=names, Overrides=overrides) == ("production",)


async def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    broken = Shelf(gap=UnavailableError("the shelf is dark"))
    with pytest.raises(UnavailableError) as caught:
        await lacking(tmp_path, broken)
    assert caught.value.detail == "what evidence there is already cannot be read: the shelf is dark"
    # What was read of it may be enough.
    assert await lacking(tmp_path, Shelf(envelope(DIGEST), gap=UnavailableError("the shelf is dark"))) == ()


OBJECTIONS: list[tuple[tuple[int, int], dict[str, str], str | None]] = [
    ((5, 1), {}, None),
    ((2, 1), {}, "hot symbols 2 < 3 or call paths 1 < 1"),
    ((5, 0), {}, "hot symbols 5 < 3 or call paths 0 < 1"),
    # Enough for canary alone: production denies what has none anyway, unless it only warns.
    ((4, 1), {}, None),
    ((4, 1), {"MissingEvidenceAction": "Warn"}, "it would turn a warning in production into a denial: "),
    ((5, 1), {"MissingEvidenceAction": "Warn"}, None),
]


@pytest.mark.parametrize(("counts", "production", "expected"), OBJECTIONS)
def test_evidence_is_made_where_it_helps_and_makes_nothing_worse(
    tmp_path: Path, counts: tuple[int, int], production: dict[str, str], expected: str | None
) -> None:
    section = {
        "MissingEvidenceAction": "Block",
        "RequiredEnvironments": ["canary", "production"],
        "Overrides": {"production": {"MinHotSymbolCount": 5, **production}},
    }
    gate = GATE | {"PolicyGates": {"ExecutionEvidence": section}}
    settings = load_observer_settings(configured(tmp_path, gate))
    standing = Standing(settings.gate, [], settings.refresh_after)
    objection = standing.objection(["canary", "production"], *counts)
    assert (objection is None) is (expected is None)
    assert (expected or "") in (objection or "")
    # It is about those that lack evidence alone.
    assert standing.objection(["canary"], 3, 1) is None
    # More is of use as long as it does not suffice for all of them.
    assert standing.suffices(["canary", "production"], *counts) is (counts == (5, 1))
    assert standing.suffices(["canary"], 3, 1)
