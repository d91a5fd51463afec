from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import profile
from webhook.attest import tally
from webhook.attest.profile import Profile, ProfileError, Source, Stack
from webhook.attest.tally import merge, module_symbol, symbol_of
from webhook.limits import LIMITS

_STACKS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(tuple)
_SAMPLES = st.dictionaries(_STACKS, st.integers(1, 10**6), min_size=1)


@given(st.lists(_SAMPLES, min_size=1, max_size=4), st.randoms())
def test_profiles_are_added_up_in_any_order(parts: list[dict[Stack, int]], random: Random) -> None:
    expected: dict[Stack, int] = {}
    for part in parts:
        for stack, count in part.items():
            expected[stack] = expected.get(stack, 0) + count
    shuffled = random.sample(parts, len(parts))
    for order in (parts, shuffled):
        assert dict(merge([profile(part) for part in order]).stacks()) == expected


def test_all_sources_are_named_in_one_order() -> None:
    first, second = Source("sha256:" + "1" * 64, "a/b"), Source("sha256:" + "2" * 64, "a/b")
    parts = [Profile.of({("a",): 1}, (source,)) for source in (second, first)]
    assert merge(parts).sources == (first, second)


def test_different_measures_cannot_be_added_up() -> None:
    parts = [profile({("a",): 1}), Profile.of({("a",): 1}, (), "cpu/nanoseconds")]
    with pytest.raises(ProfileError, match=r"different measures .*: cpu/nanoseconds, samples/count$"):
        merge(parts)


def test_a_sum_has_the_limits_of_one_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "LIMITS", replace(LIMITS, profile_stacks=2))
    merge([profile({("a",): 1}), profile({("b",): 1})])
    with pytest.raises(ProfileError, match="more than 2 distinct stacks"):
        merge([profile({("a",): 1}), profile({("b",): 1}), profile({("c",): 1})])


@pytest.mark.parametrize(
    ("name", "file", "symbol"),
    [
        ("main.work", "/src/main.go", "main.work"),
        ("get", "/usr/lib/python3.12/site-packages/shop/cart.py", "get (shop/cart.py)"),
        ("get", "/usr/lib/python3.12/queue.py", "get (queue.py)"),
        ("get", "/app/cart.py", "get (/app/cart.py)"),
        ("_find_and_load", "<frozen importlib._bootstrap>", "_find_and_load (<frozen importlib._bootstrap>)"),
        ("render", "/app/node_modules/ui/a.js", "render (ui/a.js)"),
        ("", "/app/cart.py", "[unknown]"),
        ("fib", "", "fib"),
        ("f", "/" * 60_000, "f"),
        ("f", "/a" * 30_000 + ".py", f"f ({'/a' * 30_000}.py)"),
    ],
)
def test_a_function_is_named_with_its_file_where_its_name_is_not_enough(name: str, file: str, symbol: str) -> None:
    assert symbol_of(name, file) == symbol


@pytest.mark.parametrize(
    ("path", "symbol"),
    [("/usr/lib/libc.so.6", "[libc.so.6]"), ("[vdso]", "[vdso]"), ("", "[unknown]"), ("/", "[unknown]")],
)
def test_an_address_is_named_after_its_module(path: str, symbol: str) -> None:
    assert module_symbol(path) == symbol


def test_many_stacks_are_added_as_they_are_one_by_one() -> None:
    many, single = tally.Tally(), tally.Tally()
    stacks = [many.frame("a"), many.frame("b") + many.frame("a"), many.frame("a")]
    many.add_all(stacks, [1, 2, 4])
    for stack, count in zip(stacks, [1, 2, 4], strict=True):
        single.frame("a")
        single.frame("b")
        single.add(stack, count)
    assert many.profile(()) == single.profile(())
    assert dict(many.profile(()).stacks()) == {("a",): 5, ("b", "a"): 2}


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("profile_stacks", 2, "more than 2 distinct stacks"),
        ("profile_frames", 5, "or 5 frames in them"),
        ("profile_depth", 2, "deeper than 2 frames"),
        ("count_maximum", 8, "out of range"),
    ],
)
def test_many_stacks_have_the_limits_of_one(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    # Three stacks of one, two and three frames, the last one twice; nine times in all.
    for allowed in (value + 1, value):
        monkeypatch.setattr(tally, "LIMITS", replace(LIMITS, **{limit: allowed}))
        found = tally.Tally()
        a = found.frame("a")
        if allowed > value:
            found.add_all([a, a * 2, a * 3, a * 3], [1, 1, 1, 6])
        else:
            with pytest.raises(ProfileError, match=reason):
                found.add_all([a, a * 2, a * 3, a * 3], [1, 1, 1, 6])


def test_one_stack_after_the_other_has_the_limit_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "LIMITS", replace(LIMITS, count_maximum=8))
    found = tally.Tally()
    frame = found.frame("a")
    found.add(frame, 8)
    with pytest.raises(ProfileError, match="out of range"):
        found.add(frame, 1)
