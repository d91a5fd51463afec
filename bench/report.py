"""The pure part: percentiles, figures, and how they are written down."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_HEAD = ("Figure", "Target", "Measured", "Spread", "Verdict", "How")


@dataclass(frozen=True)
class Title:
    """What a figure is, before it is measured.

    Attributes:
        name: For people.
        unit: Of every value; empty for a ratio.
        bound: The target, or None for a figure that is only told.
        how: One line: what was done, and what the spread is taken over.
        at_least: True if more is better.
    """

    name: str
    unit: str
    bound: float | None
    how: str
    at_least: bool = False

    @property
    def target(self) -> str:
        """The target as the table shows it."""
        if self.bound is None:
            return "none"
        return f"{'≥' if self.at_least else '≤'} {number(self.bound, self.unit)}"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        title: What it is.
        measured: The value that is compared with the target.
        low: The lowest of the runs.
        high: The highest of the runs.
        details: Absolute values behind a ratio, and whatever else explains it; names carry their unit.
    """

    title: Title
    measured: float
    low: float
    high: float
    details: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, title: Title, runs: Sequence[float], details: Mapping[str, float] | None = None) -> "Figure":
        """Makes a figure from several runs.

        Args:
            title: What it is, and its target.
            runs: One value a run; at least one. The median is compared with the target.
            details: As the attribute.

        Returns:
            The figure.
        """
        return cls(title, statistics.median(runs), min(runs), max(runs), details or {})

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; None if there is none. What is no number has not met it."""
        if self.title.bound is None:
            return None
        return self.measured >= self.title.bound if self.title.at_least else self.measured <= self.title.bound

    @property
    def verdict(self) -> str:
        """`passed`, `missed`, or `told` where there is no target."""
        return {True: "passed", False: "missed", None: "told"}[self.passed]

    def to_json(self) -> dict[str, Any]:
        """Gives the figure as build/bench.json holds it.

        Returns:
            A JSON object.
        """
        return {
            "name": self.title.name,
            "unit": self.title.unit,
            "target": self.title.bound,
            "direction": "at least" if self.title.at_least else "at most",
            "measured": self.measured,
            "low": self.low,
            "high": self.high,
            "passed": self.passed,
            "how": self.title.how,
            "details": dict(self.details),
        }


def percentile(values: Sequence[float], share: float) -> float:
    """Gives a percentile by nearest rank: the smallest value that at least `share` of all do not exceed.

    Args:
        values: At least one, in any order.
        share: Above 0, at most 1.

    Returns:
        One of the values.
    """
    return sorted(values)[math.ceil(share * len(values)) - 1]


def number(value: float, unit: str) -> str:
    """Writes a value with three significant digits.

    Args:
        value: The value.
        unit: Its unit, or nothing for a ratio.

    Returns:
        For example `4.20 ms`.
    """
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f}{' ' if unit else ''}{unit}"


def table(figures: Sequence[Figure]) -> str:
    """Writes figures as a Markdown table.

    Args:
        figures: One row each.

    Returns:
        Lines, each with its end.
    """
    return markdown(_HEAD, [_row(figure) for figure in figures])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a Markdown table.

    Args:
        head: The columns' names.
        rows: As many cells each.

    Returns:
        Lines, each with its end.
    """
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


def replaced(document: str, part: str, content: str) -> str:
    """Puts new content between the two markers of a part of a document.

    Args:
        document: Holds `<!-- PART: begin -->` and, after it, `<!-- PART: end -->`, once each.
        part: The part's name.
        content: The new content.

    Returns:
        The document; what stands outside the markers is untouched.

    Raises:
        ValueError: The markers do not stand so.
    """
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or begin in rest or end in before + after:
        raise ValueError(f"the document does not hold {begin} and then {end}, once each")
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"


def _row(figure: Figure) -> tuple[str, ...]:
    title, unit = figure.title, figure.title.unit
    spread = f"{number(figure.low, '')} to {number(figure.high, unit)}"
    verdict = f"**{figure.verdict}**" if figure.passed is False else figure.verdict
    return title.name, title.target, number(figure.measured, unit), spread, verdict, title.how
