"""Samples that are read many at a time, among them some that cannot be."""

import tracemalloc
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import STRINGS, message, number, packed, read, sample, scalar, stacks, tables
from webhook.attest.formats import pprof_samples
from webhook.attest.formats.pprof_tables import Locations
from webhook.attest.formats.wire import groups, ungrouped
from webhook.attest.profile import ProfileError, Stack
from webhook.attest.tally import Tally, unwatched
from webhook.limits import LIMITS

MANY = 1300
"""More than two batches."""


def wide(place: int) -> bytes:
    """A location of any id; it is `main`."""
    return message(4, scalar(1, place) + message(4, scalar(1, 1)))


@given(st.lists(st.integers(0, 2**56 - 1), min_size=1))
def test_numbers_that_are_read_at_once_are_those_that_were_written(values: list[int]) -> None:
    found = groups(b"".join(map(number, values)))
    assert found is not None
    assert list(map(ungrouped, found)) == values


@given(st.lists(st.integers(0, 2**63), max_size=3), st.integers(2**56, 2**64 - 1))
def test_a_number_of_more_than_eight_groups_is_not_read_at_once(values: list[int], long: int) -> None:
    assert groups(b"".join(map(number, [*values, long]))) is None


@pytest.mark.parametrize("written", [b"\x83\x00", b"\x83\x80\x00", b"\x83\x80\x80\x80\x80\x80\x80\x00"])
def test_a_number_may_be_longer_than_it_needs(written: bytes) -> None:
    found = groups(b"\x01" + written + b"\x02")
    assert found is not None
    assert list(map(ungrouped, found)) == [1, 3, 2]


def test_many_samples_are_added_up() -> None:
    content = tables() + sample([3, 2, 1], [1, 10]) * MANY + sample([2, 1], [200, 2000]) * MANY
    assert stacks(content) == {("main", "serve", "price"): MANY, ("main", "serve"): 200 * MANY}


def test_a_stack_that_is_sampled_often_is_laid_out_once_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out: list[int] = []
    plain = Locations.stacks

    def watched(locations: Locations, ids: Sequence[bytes]) -> list[bytes]:
        laid_out.append(len(ids))
        return plain(locations, ids)

    monkeypatch.setattr(Locations, "stacks", watched)
    content = tables() + (sample([3, 2, 1], [1, 10]) + sample([2, 1], [200, 2000])) * MANY
    assert stacks(content) == {("main", "serve", "price"): MANY, ("main", "serve"): 200 * MANY}
    # 2600 samples are five batches of 512, and a rest.
    assert laid_out == [2] * 6


@pytest.mark.parametrize("place", [127, 128, 2**14, 2**28, 2**56 - 1, 2**56, 2**64 - 1])
def test_ids_may_be_of_any_length(place: int) -> None:
    content = (
        tables() + wide(place) + sample([place, 2], [1, 1]) + sample([3, place], [2, 2]) + sample([2, 1], [4, 4])
    )
    assert stacks(content) == {("serve", "main"): 1, ("main", "price"): 2, ("main", "serve"): 4}


ODD: dict[str, bytes] = {
    "one by one": message(2, scalar(1, 3) + scalar(1, 1) + scalar(2, 1) + scalar(2, 10)),
    "longer than needed": message(2, message(1, b"\x83\x00\x01") + packed(2, [1, 1])),
    "in two parts": message(2, packed(1, [3]) + packed(1, [1]) + packed(2, [1, 1])),
    "values first": message(2, packed(2, [1, 1]) + packed(1, [3, 1])),
    "in a long field": b"\x92\x00" + sample([3, 1], [1, 1])[1:],
    "with labels": sample([3, 1], [1, 10], message(3, scalar(1, 5) + scalar(2, 6)) * 40),
    "with Go's values": message(2, packed(1, [3, 1]) + scalar(2, 1) + scalar(2, 10)),
    "with a long length": message(2, b"\x0a\x82\x00\x03\x01" + packed(2, [1, 1])),
}
"""All of them are `main;price`, once."""


@pytest.mark.parametrize("case", ODD)
def test_a_sample_may_be_written_otherwise_than_its_neighbours(case: str) -> None:
    around = sample([2, 1], [1, 1])
    assert stacks(tables() + (around + ODD[case] + around) * MANY) == {
        ("main", "serve"): 2 * MANY,
        ("main", "price"): MANY,
    }


BROKEN: dict[str, tuple[bytes, str]] = {
    "id 0": (sample([3, 0, 1], [1, 1]), "a location that is not there"),
    "id without end": (message(2, message(1, b"\x03\x81") + packed(2, [1, 1])), "it is cut off"),
    "id without end and id 0": (
        message(2, message(1, b"\x03\x81") + packed(2, [1, 1])) + sample([3, 0, 1], [1, 1]),
        "it is cut off",
    ),
    "id missing": (sample([3, 9, 1], [1, 1]), "a location that is not there"),
    "long id missing": (sample([3, 2**60, 1], [1, 1]), "a location that is not there"),
    "id of 65 bits": (message(2, message(1, b"\xff" * 9 + b"\x7f\x01") + packed(2, [1, 1])), "more than 64 bits"),
    "longer than the sample": (message(2, b"\x0a\x05\x01" + packed(2, [1])), "it is cut off"),
    "no values": (message(2, packed(1, [3, 1])), "fewer values"),
    "less than nothing": (sample([3, 1], [-1, 1]), "it counts less than nothing"),
    "empty": (message(2, b""), "fewer values"),
    "sum too high": (sample([3, 1], [2**62, 1]) * 2, "out of range"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_sample_is_refused_wherever_it_stands(case: str) -> None:
    broken, reason = BROKEN[case]
    around = sample([2, 1], [1, 1]) * 5
    with pytest.raises(ProfileError, match=reason):
        read(tables() + around + broken + around)


def test_what_was_not_seen_may_point_anywhere() -> None:
    assert stacks(tables() + sample([2, 1], [1, 1]) + sample([99], [0, 0])) == {("main", "serve"): 1}


def test_a_sample_without_locations_is_unknown() -> None:
    empty = message(2, b"\x0a\x00" + packed(2, [1, 1]))
    assert stacks(tables() + sample([2, 1], [1, 1]) + empty) == {("main", "serve"): 1, ("[unknown]",): 1}


def test_values_that_all_differ_are_read_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pprof_samples, "_RESTS", 4)
    content = tables() + b"".join(sample([2, 1], [count, 1]) for count in range(MANY))
    assert read(content).total == MANY * (MANY - 1) // 2
    counts = pprof_samples.Counts(pprof_samples.Counting(Tally(), 1, 3, unwatched))
    for value in range(20):
        assert counts[packed(2, [1, value])] == 3 * value
        assert len(counts) <= 4


@pytest.mark.parametrize("form", [packed, lambda field, ids: b"".join(scalar(field, place) for place in ids)])
def test_a_stack_that_is_too_deep_is_never_laid_out(form: Callable[[int, list[int]], bytes]) -> None:
    # 900 times 4,000 inlined frames are 14 MB.
    wide_one = message(4, scalar(1, 9) + message(4, scalar(1, 1)) * 4000)
    content = tables() + wide_one + message(2, form(1, [9] * 900) + packed(2, [1, 1]))
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="deeper than 4096 frames"):
            read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_inlined_frames_are_no_way_past_the_depth() -> None:
    # Two of these are as deep as a stack may be, three in three bytes are too deep.
    half = message(4, scalar(1, 9) + message(4, scalar(1, 1)) * (LIMITS.profile_depth // 2))
    around = sample([2, 1], [1, 1])
    assert read(tables() + half + around + sample([9, 9], [1, 1])).total == 2
    with pytest.raises(ProfileError, match="deeper than 4096 frames"):
        read(tables() + half + around + sample([9, 9, 9], [1, 1]) + around)


_STACKS = st.lists(st.sampled_from((1, 2, 3)), min_size=1, max_size=200)
_FORMS = st.sampled_from(["packed", "single", "values first", "labelled"])


@given(st.lists(st.tuples(_STACKS, st.integers(1, 2**40), _FORMS), min_size=1))
def test_what_is_written_in_any_form_is_read(samples: list[tuple[list[int], int, str]]) -> None:
    expected: dict[Stack, int] = {}
    parts: list[bytes] = []
    for places, count, form in samples:
        stack = tuple(STRINGS[place + 4] for place in reversed(places))
        expected[stack] = expected.get(stack, 0) + count
        ids, values = packed(1, places), packed(2, [count, 1])
        match form:
            case "single":
                parts.append(message(2, b"".join(scalar(1, place) for place in places) + values))
            case "values first":
                parts.append(message(2, values + ids))
            case _:
                parts.append(message(2, ids + values + (message(3, scalar(1, 5)) if form == "labelled" else b"")))
    assert stacks(tables() + b"".join(parts)) == expected
