"""The verdict that each kind of evidence brings, in both modes."""

from pathlib import Path
from typing import Any

import pytest

from tests.admission.requests import (
    ELSEWHERE,
    OLD,
    SEEN,
    STRANGER,
    THIN,
    UNREADABLE,
    UNSEEN,
    deployment,
    review,
)
from tests.admission.world import NOW, World, question, said, write_evidence
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.stores.directory import DirectoryStore

EVIDENCE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sufficient": (SEEN, "Pass EvidenceSufficient", {}),
    "older than MaxEvidenceAge": (OLD, "{missing} EvidenceStale", {"MaxEvidenceAge": "720h"}),
    "old, without MaxEvidenceAge": (OLD, "Pass EvidenceSufficient", {}),
    "exactly as old as MaxEvidenceAge": (SEEN, "Pass EvidenceSufficient", {"MaxEvidenceAge": "6h"}),
    "a second older than MaxEvidenceAge": (SEEN, "{missing} EvidenceStale", {"MaxEvidenceAge": "5h59m59s"}),
    "from another environment": (ELSEWHERE, "{missing} EvidenceFromOtherEnvironment", {}),
    "from an environment that is accepted": (
        ELSEWHERE,
        "Pass EvidenceSufficient",
        {"EvidenceEnvironments": ["staging", "Development"]},
    ),
    "signed by a stranger": (STRANGER, "{missing} EvidenceUntrusted", {}),
    "malformed": (UNREADABLE, "{missing} EvidenceMalformed", {}),
    "none": (UNSEEN, "{missing} EvidenceMissing", {}),
    "too little": (THIN, "Fail EvidenceInsufficient", {}),
    "at both thresholds": (SEEN, "Pass EvidenceSufficient", {"MinHotSymbolCount": 42, "MinUniqueCallPaths": 17}),
    "one symbol below": (SEEN, "Fail EvidenceInsufficient", {"MinHotSymbolCount": 43}),
    "one call path below": (SEEN, "Fail EvidenceInsufficient", {"MinUniqueCallPaths": 18}),
    "with thresholds of 0": (THIN, "Pass EvidenceSufficient", {"MinHotSymbolCount": 1, "MinUniqueCallPaths": 0}),
}


@pytest.mark.parametrize("case", EVIDENCE)
@pytest.mark.parametrize(("action", "missing"), [("Block", "Fail"), ("Warn", "Warn")])
async def test_evidence_brings_its_verdict(world: World, case: str, action: str, missing: str) -> None:
    image, expected, policy = EVIDENCE[case]
    settings = world.settings({"MissingEvidenceAction": action, **policy})
    assert await world.said(review(deployment(image)), settings=settings) == expected.format(missing=missing)


# What the most severe verdict is, and the reasons that made it: sorted, and nothing of the milder ones.
MIXES: list[tuple[tuple[str, ...], str, str]] = [
    ((SEEN, UNSEEN), "Block", "Fail EvidenceMissing"),
    ((UNSEEN, THIN), "Block", "Fail EvidenceInsufficient,EvidenceMissing"),
    ((STRANGER, "redis", "A B"), "Block", "Fail EvidenceUntrusted,ImageNotPinned,ImageReferenceInvalid"),
    ((SEEN, UNSEEN), "Warn", "Warn EvidenceMissing"),
    ((UNSEEN, THIN), "Warn", "Fail EvidenceInsufficient"),
    ((THIN, UNSEEN, SEEN), "Warn", "Fail EvidenceInsufficient"),
    ((UNSEEN, STRANGER, SEEN), "Warn", "Warn EvidenceMissing,EvidenceUntrusted"),
]


@pytest.mark.parametrize(("images", "action", "expected"), MIXES)
async def test_the_worst_of_several_images_decides(
    world: World, images: tuple[str, ...], action: str, expected: str
) -> None:
    settings = world.settings({"MissingEvidenceAction": action})
    assert await world.said(review(deployment(*images)), settings=settings) == expected
    assert await world.said(review(deployment(*reversed(images))), settings=settings) == expected


async def test_evidence_that_turns_stale_after_a_pass_no_longer_passes(world: World) -> None:
    decider = world.decider(world.settings({"MaxEvidenceAge": "6h"}))
    asked = question(review(deployment(SEEN)))
    for _ in range(2):  # The second pass is the cached one.
        assert said(await decider.decide(asked)) == "Pass EvidenceSufficient"
    later = NOW._replace(value=NOW.value + 1000)
    assert said(await decider.decide(asked._replace(trigger_time=later))) == "Fail EvidenceStale"
    assert said(await decider.decide(asked)) == "Pass EvidenceSufficient"


async def test_a_failure_is_not_remembered_as_absence(world: World, tmp_path: Path) -> None:
    settings = world.settings()
    store = DirectoryStore(tmp_path / "evidence")
    await store.refresh()
    decider = world.decider(settings, ExecutionEvidenceProvider(settings, [store]))
    for _ in range(2):
        assert said(await decider.decide(question(review(deployment(SEEN))))) == "Fail EvidenceUnavailable"
    (tmp_path / "evidence").mkdir()
    await store.refresh()
    for _ in range(2):
        assert said(await decider.decide(question(review(deployment(SEEN))))) == "Fail EvidenceMissing"
    write_evidence(tmp_path / "evidence")
    await store.refresh()
    assert said(await decider.decide(question(review(deployment(SEEN))))) == "Pass EvidenceSufficient"


async def test_a_rollback_is_held_to_the_age_of_its_evidence(world: World) -> None:
    settings = world.settings({"MaxEvidenceAge": "720h"})
    assert await world.said(review(deployment(OLD), deployment(SEEN)), settings=settings) == "Fail EvidenceStale"
    assert await world.said(review(deployment(OLD), deployment(OLD)), settings=settings) == "Pass ImagesUnchanged"
