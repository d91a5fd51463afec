"""What `evidence-gate observe --dry-run` prints."""

from collections.abc import Sequence

from webhook.model.printable import printable
from webhook.observer.cluster import Seen
from webhook.observer.images import Report

_HEAD = ("ENVIRONMENT", "IMAGE", "CONTAINERS", "PROFILED", "COUNTED", "HOT", "PATHS", "OUTCOME")
_NAME = 253
_DETAIL = 400


def table(reports: Sequence[Report], seen: Seen) -> str:
    """Describes an observation.

    Args:
        reports: One an image.
        seen: What the API server said.

    Returns:
        A table, what is to be said of each image, and what could not be attributed or read; without a final line
        feed.
    """
    rows = [_HEAD, *map(_row, reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for row, report in zip(rows, [None, *reports], strict=True):
        lines.append("  ".join(map(str.ljust, row, widths)).rstrip())
        if report is not None and report.detail:
            lines.append(f"  {printable(report.detail, _DETAIL)}")
    lines += [
        f"left out: {run.place.namespace}/{run.pod}, container {run.container}: {run.detail}"
        for run in seen.unattributed
    ]
    lines += [f"trouble: {trouble}" for trouble in seen.troubles]
    return "\n".join(lines)


def _row(report: Report) -> tuple[str, ...]:
    counts = (report.containers, report.counted, report.hot_symbols, report.call_paths)
    watched = report.watched
    name = printable(watched.name, _NAME)
    return (watched.environment, name, str(len(watched.runs)), *map(str, counts), report.outcome.value)
