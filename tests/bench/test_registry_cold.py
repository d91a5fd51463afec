from collections import Counter

from bench.registry_cold import Cold, cold_details, table
from bench.registry_layouts import LAYOUTS

TIMES = {0: [4.0, 5.0, 9.0], 20: [66.0], 100: [306.0]}


def test_round_trips_are_what_the_longest_way_adds() -> None:
    assert Cold(LAYOUTS[0], "new", Counter(blob=1), TIMES).trips == 3  # (306 - 5) / 100


def test_the_table_says_which_calls_each_kind_of_look_up_needs() -> None:
    new, known = Counter({"blob": 1, "`.att` tag": 1, "manifest": 2}), Counter({"`.att` tag": 1, "blob": 1})
    colds = [
        Cold(layout, name, calls, TIMES) for layout in LAYOUTS for name, calls in (("new", new), ("known", known))
    ]
    rows = table(cold_details(colds)).splitlines()
    assert len(rows) == 2 + 2 * len(LAYOUTS)
    times = "3 | 5.0 ms | 66.0 ms | 306.0 ms |"
    assert rows[2] == f"| {LAYOUTS[0].name} | new | 4 | `.att` tag, 2 of manifest, blob | {times}"
    assert rows[3] == f"| {LAYOUTS[0].name} | known | 2 | `.att` tag, blob | {times}"
