"""An image index and its platforms: whose evidence counts for whom."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.providers.asking import STAGING, STRANGER, Shelf, ask, candidate, configured, provider, reason, told
from tests.support.envelopes import dump, envelope
from tests.support.keys import Signer
from tests.support.statements import IMAGE, OTHER_IMAGE, predicate, statement
from webhook.model.basis import Platform
from webhook.settings.loading import Settings
from webhook.stores.protocol import Candidate

AMD64 = Platform("linux/amd64", "sha256:" + "a6" * 32)
ARM64 = Platform("linux/arm64", "sha256:" + "a8" * 32)
BOTH = (AMD64, ARM64)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return configured(tmp_path, MinHotSymbolCount=5)


def about(
    platform: Platform | None, hot: int = 42, *, subject: str | None = None, signer: Signer = STAGING
) -> Candidate:
    """Evidence found on a platform's manifest, or on the index; about that, unless another subject is named."""
    digest = subject or (platform.digest if platform else IMAGE)
    raw = dump(envelope(statement(subjects=[digest], predicate=predicate(hotSymbolCount=hot)), [signer]))
    return replace(candidate(raw, f"far:{platform.name if platform else 'index'}"), platform=platform)


ROWS: list[tuple[str, list[Candidate], str]] = [
    ("the index", [about(None)], "EvidenceSufficient 42"),
    ("the index, poor platforms beside", [about(None), about(AMD64, 1), about(ARM64, 1)], "EvidenceSufficient 42"),
    ("all platforms", [about(AMD64, 42), about(ARM64, 43)], "EvidenceSufficient 42"),
    ("all platforms, the other way round", [about(ARM64, 43), about(AMD64, 42)], "EvidenceSufficient 42"),
    ("all platforms, a poor index", [about(None, 1), about(AMD64), about(ARM64, 9)], "EvidenceSufficient 9"),
    ("one platform poor", [about(AMD64), about(ARM64, 4)], "EvidenceInsufficient 4"),
    ("one platform poor, a good copy beside", [about(AMD64), about(ARM64, 4), about(ARM64)], "EvidenceSufficient 42"),
    ("one platform missing", [about(AMD64)], "EvidenceMissing"),
    ("one platform missing, a poor index", [about(AMD64), about(None, 2)], "EvidenceInsufficient 2"),
    ("one platform by a stranger", [about(AMD64), about(ARM64, signer=STRANGER)], "EvidenceUntrusted"),
    ("both poor", [about(AMD64, 3), about(ARM64, 2)], "EvidenceInsufficient 2"),
    ("both poor, the index better", [about(AMD64, 3), about(ARM64, 2), about(None, 4)], "EvidenceInsufficient 4"),
    ("one for both", [about(AMD64), about(ARM64, subject=AMD64.digest)], "EvidenceMissing"),
    ("a platform about the index", [about(AMD64), about(ARM64, subject=IMAGE)], "EvidenceMissing"),
    ("the index about a platform", [about(None, subject=AMD64.digest)], "EvidenceMissing"),
    ("the index about another image", [about(None, subject=OTHER_IMAGE)], "EvidenceMissing"),
    ("nothing", [], "EvidenceMissing"),
]


async def outcome(settings: Settings, *candidates: Candidate, platforms: tuple[Platform, ...]) -> str:
    shelf = Shelf(*candidates, remote=True)
    shelf.platforms = platforms
    result = await ask(provider(settings, shelf))
    return f"{reason(result)} {told(result).get('execution_evidence_hot_symbol_count', '')}".strip()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
async def test_all_platforms_must_have_evidence_unless_the_index_has(
    row: tuple[str, list[Candidate], str], settings: Settings
) -> None:
    _, found, expected = row
    assert await outcome(settings, *found, platforms=BOTH) == expected


ANY: list[tuple[str, list[Candidate], str]] = [
    ("one platform", [about(ARM64)], "EvidenceSufficient 42"),
    ("one platform poor", [about(ARM64, 1), about(AMD64, 8)], "EvidenceSufficient 8"),
    ("a platform about the index", [about(ARM64, subject=IMAGE)], "EvidenceMissing"),
    ("a platform about another", [about(ARM64, subject=AMD64.digest)], "EvidenceMissing"),
    ("the index about a platform", [about(None, subject=AMD64.digest)], "EvidenceMissing"),
]


@pytest.mark.parametrize("row", ANY, ids=lambda row: row[0])
async def test_where_any_platform_will_do_each_statement_must_be_about_where_it_was_found(
    row: tuple[str, list[Candidate], str], settings: Settings
) -> None:
    _, found, expected = row
    assert await outcome(settings, *found, platforms=()) == expected


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ([about(AMD64), about(ARM64)], "in far:linux/amd64 (linux/amd64), signed by staging"),
        ([about(AMD64)], "no statement about its manifest for linux/arm64"),
        ([about(AMD64), about(ARM64, signer=STRANGER)], "1 statement in far:linux/arm64 (linux/arm64), signed by no"),
    ],
)
async def test_the_detail_names_the_platform(found: list[Candidate], part: str, settings: Settings) -> None:
    shelf = Shelf(*found, remote=True)
    shelf.platforms = BOTH
    result = await ask(provider(settings, shelf))
    assert part in told(result)["execution_evidence_detail"]
    assert result.evidence_anchor is not None
    assert result.evidence_anchor.anchor_value == IMAGE


async def test_where_there_is_nothing_at_all_no_platform_is_blamed(settings: Settings) -> None:
    shelf = Shelf(remote=True)
    shelf.platforms = BOTH
    metadata = told(await ask(provider(settings, shelf)))
    assert metadata["execution_evidence_detail"] == "no statement about this digest"


async def test_platforms_that_change_are_judged_anew(settings: Settings) -> None:
    shelf = Shelf(about(AMD64), remote=True)
    asked = provider(settings, shelf)
    shelf.platforms = (AMD64,)
    assert reason(await ask(asked)) == "EvidenceSufficient"
    shelf.platforms = BOTH
    assert reason(await ask(asked)) == "EvidenceMissing"
