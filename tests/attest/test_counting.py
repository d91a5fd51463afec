from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.attest.counting import CALL_PATH_RULES, HOT_SYMBOL_RULES, distinct_stacks, leaf_share
from webhook.attest.folded import parse_folded
from webhook.attest.profile import Profile, Stack

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
SEED_MINIMUM_HOT_SYMBOLS = 3


def profile(samples: dict[Stack, int]) -> Profile:
    return Profile(samples, "sha256:" + "0" * 64, "text/plain")


_STACKS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(tuple)
_SAMPLES = st.dictionaries(_STACKS, st.integers(1, 10**6), min_size=1)


@pytest.mark.parametrize(
    ("samples", "hot"),
    [
        ({("a",): 1, ("b",): 99}, {"a": 1, "b": 99}),  # exactly 1 %
        ({("a",): 1, ("b",): 100}, {"b": 100}),  # 1/101
        ({("a",): 10**15, ("b",): 99 * 10**15 + 1}, {"b": 99 * 10**15 + 1}),  # below 1 % by less than a float sees
        ({("x", "a"): 1, ("y", "a"): 1, ("b",): 198}, {"a": 2, "b": 198}),  # one leaf below two callers
        ({("a", "b"): 5}, {"b": 5}),  # a caller is not hot
        ({("a", "a"): 5}, {"a": 5}),  # recursion
    ],
)
def test_a_symbol_is_hot_from_one_percent_of_the_samples_as_leaf(
    samples: dict[Stack, int], hot: dict[str, int]
) -> None:
    assert leaf_share(profile(samples)) == hot


@given(_SAMPLES, st.integers(1, 10**6))
def test_raising_a_leafs_samples_never_removes_that_symbol(samples: dict[Stack, int], more: int) -> None:
    for symbol in leaf_share(profile(samples)):
        stack = next(stack for stack in samples if stack[-1] == symbol)
        assert symbol in leaf_share(profile(samples | {stack: samples[stack] + more}))


@given(_SAMPLES)
def test_there_are_between_one_and_a_hundred_hot_symbols_where_leaves_are_few(samples: dict[Stack, int]) -> None:
    # The hottest of at most 8 leaves has at least an eighth of all samples.
    assert 1 <= len(leaf_share(profile(samples))) <= len({stack[-1] for stack in samples})


@given(st.lists(_STACKS, min_size=1))
def test_call_paths_are_the_size_of_the_set_of_stacks(seen: list[Stack]) -> None:
    samples = {stack: seen.count(stack) for stack in seen}
    assert distinct_stacks(profile(samples)) == len(set(seen))


def test_each_rule_stands_under_its_name() -> None:
    assert {"leaf-share>=1%": leaf_share} == HOT_SYMBOL_RULES
    assert {"distinct-stacks": distinct_stacks} == CALL_PATH_RULES


@pytest.mark.parametrize(("name", "sufficient"), [("cart.folded", True), ("cart-smoke.folded", False)])
def test_the_example_under_load_is_sufficient_and_the_idle_one_is_not(name: str, *, sufficient: bool) -> None:
    with (PROFILES / name).open("rb") as stream:
        hot = leaf_share(parse_folded(stream))
    assert (len(hot) >= SEED_MINIMUM_HOT_SYMBOLS) is sufficient
