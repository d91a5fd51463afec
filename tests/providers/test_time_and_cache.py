import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.providers.asking import (
    NOW,
    STAGING,
    STRANGER,
    Shelf,
    Trusted,
    ask,
    candidate,
    configured,
    observed,
    provider,
    reason,
    signed,
    told,
)
from webhook.limits import LIMITS
from webhook.providers import answers, opening
from webhook.providers.execution_evidence import ExecutionEvidenceProvider

SUFFICIENT, MISSING, UNAVAILABLE = "EvidenceSufficient", "EvidenceMissing", "evidence_unavailable"
HOUR, MOMENT = timedelta(hours=1), timedelta(milliseconds=1)


@pytest.fixture
def shelf() -> Shelf:
    """One statement whose observation ends now."""
    return Shelf(signed(STAGING, **observed(NOW)))


@pytest.fixture
def asked(tmp_path: Path, shelf: Shelf) -> ExecutionEvidenceProvider:
    return provider(configured(tmp_path, MaxEvidenceAge="1h"), shelf)


async def test_evidence_turns_stale_after_a_pass_that_was_remembered(asked: ExecutionEvidenceProvider) -> None:
    for at, expected in [
        (NOW, SUFFICIENT),
        (NOW, SUFFICIENT),
        (NOW + HOUR, SUFFICIENT),
        (NOW + HOUR + MOMENT, "EvidenceStale"),
        (NOW + 2 * HOUR, "EvidenceStale"),
    ]:
        assert reason(await ask(asked, at)) == expected


async def test_evidence_of_the_future_counts_once_its_time_has_come(asked: ExecutionEvidenceProvider) -> None:
    skew = timedelta(seconds=LIMITS.clock_skew)
    for at, expected in [
        (NOW - HOUR, "EvidenceMalformed"),
        (NOW - skew - MOMENT, "EvidenceMalformed"),
        (NOW - skew, SUFFICIENT),
    ]:
        assert reason(await ask(asked, at)) == expected


async def test_a_clock_that_goes_backwards_is_believed(asked: ExecutionEvidenceProvider) -> None:
    for at, expected in [
        (NOW + 2 * HOUR, "EvidenceStale"),
        (NOW, SUFFICIENT),
        (NOW - HOUR, "EvidenceMalformed"),
        (NOW, SUFFICIENT),
        (NOW + 2 * HOUR, "EvidenceStale"),
    ]:
        assert reason(await ask(asked, at)) == expected


@pytest.mark.parametrize("change", ["arrives", "vanishes", "is replaced"])
async def test_evidence_that_changes_is_seen_at_once(
    change: str, asked: ExecutionEvidenceProvider, shelf: Shelf
) -> None:
    good = shelf.candidates[0]
    before, after = {
        "arrives": ([], [good]),
        "vanishes": ([good], []),
        "is replaced": ([good], [signed(STRANGER, **observed(NOW))]),
    }[change]
    shelf.candidates = before
    first = reason(await ask(asked))
    shelf.candidates = after
    second = reason(await ask(asked))
    expected = {"arrives": (MISSING, SUFFICIENT), "vanishes": (SUFFICIENT, MISSING)}
    assert (first, second) == expected.get(change, (SUFFICIENT, "EvidenceUntrusted"))


async def test_evidence_that_moved_is_named_at_its_new_place(asked: ExecutionEvidenceProvider, shelf: Shelf) -> None:
    await ask(asked)
    shelf.candidates = [candidate(shelf.candidates[0].raw, "shelf:moved")]
    assert (await ask(asked)).to_json()["evidence_ref"] == {"uri": "shelf:moved"}


async def test_an_answer_that_still_holds_is_the_very_same(asked: ExecutionEvidenceProvider) -> None:
    # Whoever keeps what it made of an answer recognises it by identity.
    first = await ask(asked)
    assert await ask(asked, NOW + HOUR) is first
    assert await ask(asked, environment="canary") is not first


GOOD, POOR = signed(STAGING), signed(STAGING, hotSymbolCount=1)
FAILING: list[tuple[str, list[Any], str]] = [
    ("nothing elsewhere", [], UNAVAILABLE),
    ("insufficient elsewhere", [POOR], UNAVAILABLE),
    ("untrusted elsewhere", [signed(STRANGER)], UNAVAILABLE),
    ("malformed elsewhere", [candidate(b"{}")], UNAVAILABLE),
    ("other environment elsewhere", [signed(STAGING, environment="qa")], UNAVAILABLE),
    ("stale elsewhere", [signed(STAGING, **observed(NOW - timedelta(days=99)))], UNAVAILABLE),
    ("sufficient elsewhere", [GOOD], SUFFICIENT),
    ("sufficient and insufficient elsewhere", [POOR, GOOD], SUFFICIENT),
]


@pytest.mark.parametrize("row", FAILING, ids=lambda row: row[0])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "after an answer"])
@pytest.mark.parametrize("order", [1, -1], ids=["failing last", "failing first"])
async def test_a_store_that_fails(row: tuple[str, list[Any], str], warm: bool, order: int, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    _, elsewhere, expected = row
    working, failing = Shelf(*elsewhere), Shelf()
    asked = provider(configured(tmp_path, MaxEvidenceAge="720h"), *[working, failing][::order])
    if warm:
        assert (await ask(asked)).error is None
    failing.problem = "store shelf: fell over"
    result = await ask(asked)
    assert reason(result) == expected
    assert result.error is None or "store shelf: fell over" in result.error.message
    failing.problem = None
    assert (await ask(asked)).error is None


@pytest.mark.parametrize("row", FAILING, ids=lambda row: row[0])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "after an answer"])
async def test_a_store_with_a_gap(row: tuple[str, list[Any], str], warm: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    _, found, expected = row
    shelf = Shelf(*found)
    asked = provider(configured(tmp_path, MaxEvidenceAge="720h"), shelf)
    if warm:
        assert (await ask(asked)).error is None
    shelf.problem = "store shelf: a part cannot be read"
    result = await ask(asked)
    assert reason(result) == expected
    assert result.error is None or result.error.message == "store shelf: a part cannot be read"
    shelf.problem = None
    assert (await ask(asked)).error is None


async def test_an_unavailable_answer_has_no_value_and_names_the_image(tmp_path: Path) -> None:
    failing = Shelf()
    failing.problem = "store shelf: fell over"
    written = (await ask(provider(configured(tmp_path), failing))).to_json()
    assert written["error"] == {"code": UNAVAILABLE, "message": "store shelf: fell over", "details": None}
    assert (written["value"], written["evidence_hash"], written["content_type"]) == (None, None, None)
    assert written["evidence_anchor"]["anchor_type"] == "image_digest"


async def test_a_failure_that_passes_is_never_remembered_as_absence(tmp_path: Path) -> None:
    shelf = Shelf(GOOD)
    asked = provider(configured(tmp_path), shelf)
    answers = []
    for problem in ("down", None, "down", None):
        shelf.problem, shelf.candidates = problem, [] if problem else [GOOD]
        answers.append(reason(await ask(asked)))
    assert answers == [UNAVAILABLE, SUFFICIENT, UNAVAILABLE, SUFFICIENT]


async def test_a_hundred_equal_queries_at_once_get_one_and_the_same_value(tmp_path: Path) -> None:
    padded = signed(STAGING, note="x" * LIMITS.verification_thread_bytes)
    asked = provider(configured(tmp_path), Shelf(padded, GOOD))
    results = await asyncio.gather(*(ask(asked) for _ in range(100)))
    assert {reason(result) for result in results} == {SUFFICIENT}
    assert len({str(result.to_json()) for result in results}) == 1


class CountingExecutor(ThreadPoolExecutor):
    """Threads as the loop has them, counted."""

    jobs = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """Counts a job and does it."""
        self.jobs += 1
        return super().submit(*args, **kwargs)


def _padded(characters: int, **changes: Any) -> Any:
    """Evidence of more than so many bytes; base64 makes four of three."""
    found = signed(STAGING, note="x" * (characters * 3 // 4), **changes)
    assert len(found.raw) > characters
    return found


@pytest.mark.parametrize("changes", [{}, {"hotSymbolCount": 1}, {"hotSymbolCount": -1}, {"environment": "qa"}])
async def test_a_big_envelope_is_verified_in_a_thread_once_with_the_same_result(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_VERIFIERS", executor)
    small, big = (
        provider(configured(tmp_path), Shelf(evidence))
        for evidence in (signed(STAGING, **changes), _padded(LIMITS.verification_thread_bytes, **changes))
    )
    expected = (await ask(small)).to_json()
    assert executor.jobs == 0
    assert (await ask(big)).to_json() == expected
    await ask(big, environment="canary")
    assert executor.jobs == 1


async def test_a_small_envelope_is_verified_in_a_thread_if_many_keys_must_be_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_VERIFIERS", executor)
    keys = [Trusted(STAGING, f"key-{number}") for number in range(40)]
    shelf = Shelf(_padded(LIMITS.verification_thread_bytes // len(keys)))
    for trusted, jobs in (([], 0), (keys, 1)):
        assert reason(await ask(provider(configured(tmp_path, *trusted), shelf))) == SUFFICIENT
        assert executor.jobs == jobs


async def test_many_candidates_leave_the_loop_to_others_in_between(tmp_path: Path) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    shelf = Shelf(*(signed(STAGING, uri=f"shelf:{number}", note=str(number)) for number in range(20)))
    await ask(provider(configured(tmp_path), shelf))
    task.cancel()
    assert turns >= 20


async def test_a_hundred_equal_queries_at_once_are_one_verification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = CountingExecutor(4)
    monkeypatch.setattr(opening, "_VERIFIERS", executor)
    asked = provider(configured(tmp_path), Shelf(_padded(LIMITS.verification_thread_bytes)))
    results = await asyncio.gather(*(ask(asked) for _ in range(100)))
    assert {reason(result) for result in results} == {SUFFICIENT}
    assert executor.jobs == 1


async def test_a_caller_that_gives_up_takes_the_answer_from_nobody_else(tmp_path: Path) -> None:
    asked = provider(configured(tmp_path), Shelf(_padded(LIMITS.verification_thread_bytes)))
    first, second = (asyncio.create_task(ask(asked)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert reason(await second) == SUFFICIENT
    assert first.cancelled()
    assert asked._opener._pending == {}
    assert reason(await ask(asked)) == SUFFICIENT


async def test_verdicts_that_are_remembered_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 15
    limits = replace(LIMITS, verdict_cache_entries=most, answers_at_hand=most - 2, opened_envelopes=most - 1)
    for module in (answers, opening):
        monkeypatch.setattr(module, "LIMITS", limits)
    shelf = Shelf(candidate(b"x"))
    asked = provider(configured(tmp_path), shelf)
    for number in range(most + 5):
        shelf.candidates = [candidate(b"x%d" % number)]
        await ask(asked, repository=f"registry.example.com/{number}")
    assert (len(asked._answers._packed), len(asked._answers._at_hand)) == (most, most - 2)
    assert len(asked._opener._opened) == most - 1
    for number in (0, most):
        assert reason(await ask(asked, repository=f"registry.example.com/{number}")) == "EvidenceMalformed"
    shelf.candidates = [GOOD]
    assert told(await ask(asked))["has_execution_evidence"] == "true"


async def test_decoy_repositories_cost_no_second_verification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever writes the workload may name one digest under any number of repositories.
    executor = CountingExecutor(1)
    monkeypatch.setattr(opening, "_VERIFIERS", executor)
    asked = provider(configured(tmp_path), Shelf(_padded(LIMITS.verification_thread_bytes)))
    for number in range(100):
        await ask(asked, repository=f"registry.example.com/decoy-{number}")
    assert executor.jobs == 1
