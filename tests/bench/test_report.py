import json
import math
from pathlib import Path

import pytest

from bench.report import Figure, Title, number, percentile, replaced, table

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- one: begin -->", "<!-- one: end -->"

AT_MOST = Title("Time", "ms", 5.0, "a stopwatch")
AT_LEAST = Title("Throughput", "", 0.8, "a counter", at_least=True)
TOLD = Title("Memory", "MiB", None, "a look")


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [(1, 0.99, 1), (2, 0.5, 1), (3, 0.5, 2), (100, 0.99, 99), (101, 0.99, 100), (1000, 0.99, 990), (10, 1.0, 10)],
)
def test_a_percentile_is_the_value_of_the_nearest_rank(count: int, share: float, rank: int) -> None:
    # Nearest rank: ceil(share * count), and the values are their own ranks.
    assert percentile(list(range(count, 0, -1)), share) == rank


def test_a_figure_is_the_median_of_its_runs_and_spreads_over_all_of_them() -> None:
    figure = Figure.of(AT_MOST, [9.0, 1.0, 2.0])
    assert (figure.measured, figure.low, figure.high) == (2.0, 1.0, 9.0)


@pytest.mark.parametrize(
    ("title", "measured", "verdict"),
    [
        (AT_MOST, 5.0, "passed"),
        (AT_MOST, 5.001, "missed"),
        (AT_LEAST, 0.8, "passed"),
        (AT_LEAST, 0.799, "missed"),
        (AT_MOST, math.nan, "missed"),
        (AT_LEAST, math.nan, "missed"),
        (TOLD, 1e9, "told"),
    ],
)
def test_the_target_itself_passes_and_what_is_no_number_does_not(title: Title, measured: float, verdict: str) -> None:
    assert Figure.of(title, [measured]).verdict == verdict


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8, "", "0.80"),
        (4.2, "ms", "4.20 ms"),
        (42.25, "µs", "42.2 µs"),
        (-12.0, "ms", "-12.0 ms"),
        (123.4, "s", "123 s"),
    ],
)
def test_a_number_has_three_digits_and_its_unit(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_a_missed_figure_stands_out_in_the_table() -> None:
    rows = table([Figure.of(AT_MOST, [6.0, 7.0, 8.0]), Figure.of(AT_LEAST, [0.9])]).splitlines()
    assert rows[2] == "| Time | ≤ 5.00 ms | 7.00 ms | 6.00 to 8.00 ms | **missed** | a stopwatch |"
    assert rows[3] == "| Throughput | ≥ 0.80 | 0.90 | 0.90 to 0.90 | passed | a counter |"


def test_every_row_has_as_many_cells_as_the_head() -> None:
    rows = table([Figure.of(title, [1.0]) for title in (AT_MOST, AT_LEAST, TOLD)]).splitlines()
    assert {row.count("|") for row in rows} == {7}


def test_a_figure_without_a_target_says_so_in_json() -> None:
    content = json.loads(json.dumps(Figure.of(TOLD, [70.0, 71.0, 72.0], {"pages": 3}).to_json()))
    assert content["target"] is None
    assert content["passed"] is None
    assert content["details"] == {"pages": 3}


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    other = "<!-- other: begin -->\nkept\n<!-- other: end -->"
    document = f"# Title\n\n{BEGIN}\nold\n{END}\n\nText.\n{other}\n"
    assert replaced(document, "one", "new") == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nText.\n{other}\n"
    assert replaced(replaced(document, "one", "older"), "one", "new") == replaced(document, "one", "new")


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"])
def test_a_document_without_its_markers_is_left_alone(document: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        replaced(document, "one", "new")


@pytest.mark.parametrize("part", ["bench", "registry", "steps"])
def test_the_page_has_a_place_for_each_table_that_is_written(part: str) -> None:
    assert "\n\nnew\n\n" in replaced(PAGE.read_text("utf-8"), part, "new")
