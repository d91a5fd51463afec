from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import counted, profile, read
from webhook.attest.counted import count_execution
from webhook.attest.counting import (
    CALL_PATH_RULES,
    HOT_SYMBOL_RULES,
    distinct_paths,
    distinct_stacks,
    first_leaf_share,
    leaf_share,
)
from webhook.attest.profile import Profile, Stack
from webhook.attest.tally import merge

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
SEED_MINIMUM_HOT_SYMBOLS = 3

_STACKS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(tuple)
_SAMPLES = st.dictionaries(_STACKS, st.integers(1, 10**6), min_size=1)


@pytest.mark.parametrize(
    ("samples", "hot"),
    [
        ({("a",): 10, ("b",): 990}, {"a": 10, "b": 990}),  # exactly 1 %
        ({("a",): 10, ("b",): 991}, {"b": 991}),  # 10/1001
        ({("a",): 9, ("b",): 11}, {"b": 11}),  # 45 %, but not ten samples
        ({("a",): 10**15, ("b",): 99 * 10**15 + 1}, {"b": 99 * 10**15 + 1}),  # below 1 % by less than a float sees
        ({("x", "a"): 5, ("y", "a"): 5, ("b",): 90}, {"a": 10, "b": 90}),  # one leaf below two callers
        ({("a", "b"): 50}, {"b": 50}),  # a caller is not hot
        ({("a", "a"): 50}, {"a": 50}),  # recursion
        ({("a",): 10, ("runtime.gopark",): 10**6}, {"a": 10}),  # waiting has no share
        ({("f (a.py:1)",): 6, ("f (a.py:2)",): 6}, {"f (a.py)": 12}),  # lines are no functions
    ],
)
def test_a_function_is_hot_from_one_percent_and_ten_samples_as_leaf(
    samples: dict[Stack, int], hot: dict[str, int]
) -> None:
    assert leaf_share(counted(samples)) == hot


@pytest.mark.parametrize(("nanoseconds", "hot"), [(100_000_000, 1), (99_999_999, 0)])
def test_where_time_is_measured_a_tenth_of_a_second_stands_for_ten_samples(nanoseconds: int, hot: int) -> None:
    measured = Profile.of({("a",): nanoseconds}, (), "cpu/nanoseconds")
    assert len(leaf_share(count_execution(measured))) == hot


def test_three_health_checks_are_not_hot_however_idle_the_rest_was() -> None:
    # Each of three handlers is a third of what counts, and was seen once.
    found = counted({("main", "a"): 1, ("main", "b"): 1, ("main", "c"): 1, ("main", "epoll_wait"): 10_000})
    assert leaf_share(found) == {}
    assert distinct_paths(found) == 3


def test_recursion_has_no_depth() -> None:
    found = counted({("main", *["fib"] * depth): 1 for depth in range(1, 200)})
    assert (distinct_paths(found), distinct_stacks(found)) == (1, 199)


def test_the_first_rules_count_what_the_profiler_wrote() -> None:
    found = counted({("main", "epoll_wait"): 99, ("main", "f (a.py:1)"): 1})
    assert first_leaf_share(found) == {"epoll_wait": 99, "f (a.py:1)": 1}
    assert distinct_stacks(found) == 2


@given(_SAMPLES, st.randoms())
def test_the_order_of_samples_changes_nothing(samples: dict[Stack, int], random: Random) -> None:
    shuffled = counted(dict(random.sample(list(samples.items()), len(samples))))
    for rule in HOT_SYMBOL_RULES.values():
        assert rule(shuffled) == rule(counted(samples))
    for count in CALL_PATH_RULES.values():
        assert count(shuffled) == count(counted(samples))


@given(_SAMPLES, st.data())
def test_the_sum_of_two_halves_is_the_whole(samples: dict[Stack, int], data: st.DataObject) -> None:
    first = {stack: data.draw(st.integers(0, count)) for stack, count in samples.items()}
    second = {stack: samples[stack] - first[stack] for stack in samples}
    halves = [profile({stack: count for stack, count in half.items() if count}) for half in (first, second)]
    merged = count_execution(merge(halves))
    for rule in HOT_SYMBOL_RULES.values():
        assert rule(merged) == rule(counted(samples))
    for count in CALL_PATH_RULES.values():
        assert count(merged) == count(counted(samples))


@given(_SAMPLES, st.permutations("abcdefgh"))
def test_other_names_for_the_same_functions_change_no_number(samples: dict[Stack, int], names: list[str]) -> None:
    renaming = dict(zip("abcdefgh", names, strict=True))
    renamed = counted({tuple(renaming[symbol] for symbol in stack): count for stack, count in samples.items()})
    for rule in HOT_SYMBOL_RULES.values():
        assert rule(renamed) == {renaming[symbol]: count for symbol, count in rule(counted(samples)).items()}
    for count in CALL_PATH_RULES.values():
        assert count(renamed) == count(counted(samples))


@given(_SAMPLES, st.integers(1, 1000))
def test_a_longer_run_of_the_same_work_loses_nothing(samples: dict[Stack, int], times: int) -> None:
    longer = counted({stack: count * times for stack, count in samples.items()})
    assert leaf_share(counted(samples)).keys() <= leaf_share(longer).keys()
    assert distinct_paths(longer) == distinct_paths(counted(samples))


@given(_SAMPLES, st.integers(1, 10**9))
def test_waiting_changes_no_number(samples: dict[Stack, int], waiting: int) -> None:
    idle = counted(samples | {("main.main", "runtime.gopark"): waiting, ("main", "loop", "poll"): waiting})
    assert leaf_share(idle) == leaf_share(counted(samples))
    assert distinct_paths(idle) == distinct_paths(counted(samples))


@given(_SAMPLES, st.integers(1, 10**6))
def test_raising_a_leafs_samples_never_removes_that_symbol(samples: dict[Stack, int], more: int) -> None:
    for symbol in leaf_share(counted(samples)):
        stack = next(stack for stack in samples if stack[-1] == symbol)
        assert symbol in leaf_share(counted(samples | {stack: samples[stack] + more}))


@given(_SAMPLES)
def test_no_more_than_a_hundred_can_be_hot(samples: dict[Stack, int]) -> None:
    assert len(leaf_share(counted(samples))) <= min(100, len({stack[-1] for stack in samples}))


@given(st.lists(_STACKS, min_size=1))
def test_the_first_call_paths_are_the_size_of_the_set_of_stacks(seen: list[Stack]) -> None:
    assert distinct_stacks(counted({stack: seen.count(stack) for stack in seen})) == len(set(seen))


def test_each_rule_stands_under_its_name() -> None:
    assert {"leaf-share>=1%@2": leaf_share, "leaf-share>=1%": first_leaf_share} == HOT_SYMBOL_RULES
    assert {"distinct-paths@2": distinct_paths, "distinct-stacks": distinct_stacks} == CALL_PATH_RULES


@pytest.mark.parametrize(("name", "sufficient"), [("cart.folded", True), ("cart-smoke.folded", False)])
def test_the_example_under_load_is_sufficient_and_the_idle_one_is_not(name: str, *, sufficient: bool) -> None:
    hot = leaf_share(count_execution(read((PROFILES / name).read_bytes())))
    assert (len(hot) >= SEED_MINIMUM_HOT_SYMBOLS) is sufficient
