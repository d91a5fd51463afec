import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import STRINGS, TYPES, message, number, packed, read, sample, scalar, stacks, tables
from webhook.attest import tally
from webhook.attest.formats import pprof, pprof_tables
from webhook.attest.profile import ProfileError
from webhook.limits import LIMITS

ONE = sample([3, 2, 1], [2, 20])


def test_a_sample_is_a_stack_with_the_leaf_last_and_the_first_count() -> None:
    profile = read(tables() + ONE)
    assert dict(profile.stacks()) == {("main", "serve", "price"): 2}
    assert profile.measure == "samples/count"


def test_samples_may_stand_before_and_behind_the_tables() -> None:
    assert stacks(ONE + tables() + ONE) == {("main", "serve", "price"): 4}


def test_numbers_may_stand_one_by_one() -> None:
    single = message(2, scalar(1, 3) + scalar(1, 1) + scalar(2, 7) + scalar(2, 70))
    assert stacks(tables() + single) == {("main", "price"): 7}


def test_labels_do_not_keep_stacks_apart() -> None:
    labelled = sample([3, 1], [5, 50], message(3, scalar(1, 5) + scalar(2, 6)))
    assert stacks(tables() + labelled + sample([3, 1], [1, 10])) == {("main", "price"): 6}


def test_inlined_functions_are_frames() -> None:
    # Location 5: `main` was inlined into `serve`; the first line is the innermost.
    assert stacks(tables() + sample([3, 5], [1, 1])) == {("serve", "main", "price"): 1}


def test_an_address_without_symbol_is_its_module() -> None:
    assert stacks(tables() + sample([4, 1], [1, 1])) == {("main", "[libc.so.6]"): 1}


def test_a_long_number_is_the_same_location() -> None:
    # 3 in two bytes, which the encoding allows.
    long = message(2, message(1, b"\x83\x00\x01") + packed(2, [1, 1]))
    assert stacks(tables() + long + sample([3, 1], [1, 1])) == {("main", "price"): 2}


@pytest.mark.parametrize(
    ("types", "measure", "count"),
    [
        ((("cpu", "nanoseconds"), ("samples", "count")), "samples/count", 20),
        ((("inuse_space", "bytes"), ("alloc_objects", "count")), "alloc_objects/count", 20),
        ((("wall", "microseconds"), ("inuse_space", "bytes")), "wall/nanoseconds", 2000),
    ],
)
def test_a_count_goes_before_a_time(types: tuple[tuple[str, str], ...], measure: str, count: int) -> None:
    strings = (*STRINGS, "inuse_space", "bytes", "alloc_objects", "wall", "microseconds")
    profile = read(tables(strings, types) + ONE)
    assert (profile.measure, profile.total) == (measure, count)


def test_bytes_are_no_execution() -> None:
    strings = (*STRINGS, "inuse_space", "bytes")
    with pytest.raises(ProfileError, match="neither a count nor a time"):
        read(tables(strings, (("inuse_space", "bytes"), ("cpu", "bytes"))) + ONE)


def test_empty_entries_of_tables_take_little_memory() -> None:
    # Two bytes each here; begin and end take eight, and twice that while a list of them grows.
    entries = 400_000
    content = message(5, b"") * entries
    tracemalloc.start()
    try:
        with pytest.raises(ProfileError, match="it holds no samples"):
            read(content, "pprof")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 * entries


HOSTILE: dict[str, tuple[bytes, str]] = {
    "location missing": (tables() + sample([9], [1, 1]), "a location that is not there"),
    "location 0": (tables() + sample([0], [1, 1]), "a location that is not there"),
    "function missing": (
        tables() + message(4, scalar(1, 9) + message(4, scalar(1, 77))),
        "a function that is not there",
    ),
    "string missing": (tables() + message(5, scalar(1, 9) + scalar(2, 99)), "a string that is not there"),
    "location twice": (tables() + message(4, scalar(1, 1)), "two of its locations have the same id"),
    "function twice": (tables() + message(5, scalar(1, 1)), "two of its functions have the same id"),
    "function without id": (tables() + message(5, scalar(2, 5)), "or one has none"),
    "too few values": (tables() + message(2, packed(1, [1])), "fewer values than there are sample types"),
    "negative": (tables() + sample([1], [-1, 1]), "it counts less than nothing"),
    "no samples": (tables(), "it holds no samples"),
    "sum too high": (tables() + sample([1], [2**63 - 1, 1]) + sample([2], [1, 1]), "out of range"),
    "cut off": ((tables() + ONE)[:-1], "it is cut off"),
    "a group": (tables() + ONE + b"\x0b", "no protocol buffers message"),
    "65 bits": (tables() + message(2, b"\x0a\x0a" + b"\xff" * 9 + b"\x7f" + packed(2, [1, 1])), "more than 64 bits"),
    "no types": (message(6, b"") + ONE, "neither a count nor a time"),
    "string long": (tables((*STRINGS[:5], "x" * 70000, *STRINGS[6:])) + ONE, "a string is longer than 65536"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_profile_is_refused_with_a_reason(case: str) -> None:
    content, reason = HOSTILE[case]
    with pytest.raises(ProfileError, match=reason):
        read(content, "pprof")


def test_every_profile_that_is_cut_off_is_refused() -> None:
    whole = tables() + sample([3, 2, 1], [2, 20])
    # Between two fields of the last table, or of a sample, it may be cut unseen: a shorter profile is what is left.
    last = len(whole) - len(sample([3, 2, 1], [2, 20]))
    for end in range(last + 1, len(whole)):
        with pytest.raises(ProfileError, match="it is cut off"):
            read(whole[:end], "pprof")


def test_a_stack_is_no_deeper_than_the_limit() -> None:
    depth = LIMITS.profile_depth
    assert read(tables() + sample([1] * depth, [1, 1])).total == 1
    with pytest.raises(ProfileError, match=f"deeper than {depth} frames"):
        read(tables() + sample([1] * (depth + 1), [1, 1]))


def test_inlined_frames_count_before_they_are_laid_out() -> None:
    # 4,000 inlined frames a location and 4,000 times that location: 64 MB if somebody joined them first.
    wide = message(4, scalar(1, 9) + message(4, scalar(1, 1)) * 4000)
    with pytest.raises(ProfileError, match="deeper than 4096 frames"):
        read(tables() + wide + sample([9] * 4000, [1, 1]))
    with pytest.raises(ProfileError, match="more than 4096 lines"):
        read(tables() + message(4, scalar(1, 9) + message(4, scalar(1, 1)) * 4097))


@pytest.mark.parametrize(
    ("limit", "value", "content", "reason"),
    [
        ("profile_samples", 2, ONE * 3, "more than 2 samples"),
        ("profile_samples", 2, (b"\x92\x00" + ONE[1:]) * 3, "more than 2 samples"),
        ("profile_entries", 9, message(6, b"x"), "more than 9 entries"),
        ("profile_sources", 2, message(1, b""), "more than 2 things"),
        ("profile_symbols", 3, ONE, "more than 3 distinct symbols"),
        ("profile_stacks", 1, ONE + sample([1], [1, 1]), "more than 1 distinct stacks"),
        ("profile_line_bytes", 8, ONE, "a string is longer than 8 bytes"),
    ],
)
def test_what_a_profile_may_hold_is_limited(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, content: bytes, reason: str
) -> None:
    for module in (pprof, pprof_tables, tally):
        monkeypatch.setattr(module, "LIMITS", replace(LIMITS, **{limit: value}))
    with pytest.raises(ProfileError, match=reason):
        read(tables() + content, "pprof")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    for content in (data, tables() + data, tables() + message(2, data)):
        try:
            assert read(content, "pprof").total >= 1
        except ProfileError:
            continue


@given(st.data())
def test_a_byte_that_flips_gives_a_profile_or_a_profile_error(data: st.DataObject) -> None:
    content = bytearray(tables() + ONE)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert read(bytes(content), "pprof").total >= 1
    except ProfileError:
        return


_STACKS = st.lists(st.sampled_from((1, 2, 3)), min_size=1, max_size=6)


@given(st.lists(st.tuples(_STACKS, st.integers(0, 2**40)), min_size=1))
def test_what_is_written_is_read(samples: list[tuple[list[int], int]]) -> None:
    expected: dict[tuple[str, ...], int] = {}
    for locations, count in samples:
        stack = tuple(STRINGS[place + 4] for place in reversed(locations))
        expected[stack] = expected.get(stack, 0) + count
    content = tables() + b"".join(sample(locations, [count, 1]) for locations, count in samples)
    if not any(count for _, count in samples):
        with pytest.raises(ProfileError, match="no samples"):
            read(content)
    else:
        assert stacks(content) == {stack: count for stack, count in expected.items() if count}


def test_the_two_types_of_the_helper_are_those_of_go() -> None:
    assert TYPES == (("samples", "count"), ("cpu", "nanoseconds"))
    assert number(300) == b"\xac\x02"  # The example of the encoding's documentation.
