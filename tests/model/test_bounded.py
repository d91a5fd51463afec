import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.model.bounded import forget_oldest, remember


@given(st.lists(st.integers(0, 200), max_size=300), st.integers(1, 100))
def test_there_are_never_more_and_what_stays_is_the_newest_in_its_order(keys: list[int], most: int) -> None:
    entries: dict[int, int] = {}
    for number, key in enumerate(keys):
        before = list(entries)
        remember(entries, key, number, most)
        assert len(entries) <= most
        assert entries[key] == number
        stayed = [old for old in before if old in entries]
        assert stayed == before[len(before) - len(stayed) :]


@pytest.mark.parametrize(
    ("count", "most", "left"), [(3, 3, 3), (4, 3, 3), (4, 0, 0), (160, 160, 160), (161, 160, 150)]
)
def test_where_there_are_too_many_room_is_made_for_a_sixteenth_more(count: int, most: int, left: int) -> None:
    entries = dict.fromkeys(range(count))
    forget_oldest(entries, most)
    assert list(entries) == list(range(count - left, count))


def test_a_full_memory_takes_new_entries_as_fast_as_an_empty_one() -> None:
    # Taking the first entry of 100,000 one by one took 100 times as long.
    most = 100_000
    entries: dict[int, None] = {}
    times = []
    for turn in range(3):
        begun = time.process_time()
        for key in range(most):
            remember(entries, turn * most + key, None, most)
        times.append(time.process_time() - begun)
    assert max(times[1:]) < 10 * times[0]
