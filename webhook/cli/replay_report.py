"""What `replay` prints."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from webhook.admission.replay.compare import Outcome
from webhook.admission.replay.recorded import Recorded
from webhook.admission.replay.what_if import Forecast
from webhook.cli.replay_input import Entry
from webhook.model.printable import printable

_VALUE_CHARACTERS = 200
_NAME_CHARACTERS = 120
_COLUMNS = ("UID", "OBJECT", "ENVIRONMENT", "THEN", "NOW", "REASONS")

IDENTICAL, DIFFERENT, MISSING = "identical", "different", "cannot be replayed"


class Replayed(NamedTuple):
    """A record, and what came of it; None if it could not even be read."""

    entry: Entry
    outcome: Outcome | None

    @property
    def word(self) -> str:
        """What came of it, in one word or three."""
        if self.outcome is None or self.outcome.missing:
            return MISSING
        return IDENTICAL if self.outcome.identical else DIFFERENT


class Weighed(NamedTuple):
    """A record, and what other rules would make of it."""

    entry: Entry
    forecast: Forecast

    @property
    def changed(self) -> bool:
        """Whether the verdict would be another one."""
        then = None if self.entry.record is None else self.entry.record.content.decision.verdict
        return self.forecast.verdict is not None and self.forecast.verdict is not then


def replayed_lines(replayed: Replayed) -> Iterator[str]:
    """Writes what came of a record, for people.

    Args:
        replayed: The record.

    Yields:
        Lines.
    """
    record, outcome = replayed.entry.record, replayed.outcome
    if record is None or outcome is None:
        yield f"{MISSING}  {replayed.entry.place}"
        yield f"  cause:      {replayed.entry.problem}"
        return
    yield f"{replayed.word}  {outcome.digest}  {_title(record)}"
    for missing in outcome.missing:
        yield f"  needs:      {printable(missing.detail, 2 * _VALUE_CHARACTERS)}"
    difference = outcome.difference
    if difference is not None:
        yield f"  at:         {printable(difference.path, _VALUE_CHARACTERS)}"
        if difference.recorded is not None or difference.recomputed is not None:
            yield f"  recorded:   {_value(difference.recorded)}"
            yield f"  recomputed: {_value(difference.recomputed)}"
        yield f"  cause:      {difference.cause}"


def replayed_json(replayed: Replayed) -> dict[str, Any]:
    """Writes the same for programs.

    Args:
        replayed: The record.

    Returns:
        A JSON object.
    """
    outcome = replayed.outcome
    difference = None if outcome is None else outcome.difference
    return {
        "place": replayed.entry.place,
        "outcome": replayed.word,
        "decision": None if outcome is None else outcome.digest,
        "recomputed": None if outcome is None else outcome.recomputed,
        "difference": None
        if difference is None
        else {
            "path": difference.path,
            "recorded": difference.recorded,
            "recomputed": difference.recomputed,
            "cause": difference.cause,
        },
        "missing": [
            {"detail": entry.detail, "digest": entry.digest, "uri": entry.uri}
            for entry in (outcome.missing if outcome is not None else ())
        ],
        "problem": replayed.entry.problem or None,
    }


def what_if_lines(weighed: Sequence[Weighed]) -> Iterator[str]:
    """Writes the decisions that would change as a table, and those of which nobody can tell.

    Args:
        weighed: All of them.

    Yields:
        Lines.
    """
    rows = [_row(entry) for entry in weighed if entry.changed or entry.forecast.verdict is None]
    if rows:
        widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
        for row in (_COLUMNS, *rows):
            yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    counts = what_if_counts(weighed)
    yield f"{counts['changed']} would change, {counts['unchanged']} would not, {counts['unknown']} cannot be told"


def what_if_json(weighed: Sequence[Weighed]) -> dict[str, Any]:
    """Writes the same for programs, with the decisions that would not change.

    Args:
        weighed: All of them.

    Returns:
        A JSON object.
    """
    return {"decisions": [_weighed_json(entry) for entry in weighed], **what_if_counts(weighed)}


def what_if_counts(weighed: Sequence[Weighed]) -> dict[str, int]:
    """Counts.

    Args:
        weighed: All of them.

    Returns:
        `changed`, `unchanged`, `unknown`.
    """
    changed = sum(entry.changed for entry in weighed)
    unknown = sum(entry.forecast.verdict is None for entry in weighed)
    return {"changed": changed, "unchanged": len(weighed) - changed - unknown, "unknown": unknown}


def _weighed_json(weighed: Weighed) -> dict[str, Any]:
    record, forecast = weighed.entry.record, weighed.forecast
    decision = None if record is None else record.content.decision
    return {
        "place": weighed.entry.place,
        "decision": None if record is None else record.digest,
        "uid": None if record is None else record.content.request.uid,
        "object": None if record is None else _object(record),
        "environment": None if decision is None else decision.environment,
        "then": None if decision is None else {"verdict": decision.verdict.value, "reasons": decision.reasons},
        "now": None
        if forecast.verdict is None
        else {"verdict": forecast.verdict.value, "reasons": [reason.value for reason in forecast.reasons]},
        "unknown": forecast.unknown,
    }


def _row(weighed: Weighed) -> tuple[str, ...]:
    record, forecast = weighed.entry.record, weighed.forecast
    if record is None:
        return "?", weighed.entry.place, "?", "?", "cannot tell", forecast.unknown or ""
    decision = record.content.decision
    now = "cannot tell" if forecast.verdict is None else forecast.verdict.value
    reasons = forecast.unknown or f"{','.join(decision.reasons)} -> {','.join(forecast.reasons)}"
    names = (record.content.request.uid, _object(record), decision.environment)
    return (*(printable(name, _NAME_CHARACTERS) for name in names), decision.verdict.value, now, reasons)


def _title(record: Recorded) -> str:
    decision, request = record.content.decision, record.content.request
    title = f"{request.operation} {_object(record)} in {decision.environment}: {decision.verdict.value}"
    return printable(f"{title} ({', '.join(decision.reasons)})", 2 * _VALUE_CHARACTERS)


def _object(record: Recorded) -> str:
    request = record.content.request
    return f"{request.kind} {request.namespace}/{request.name}"


def _value(value: Any) -> str:
    return printable(json.dumps(value), _VALUE_CHARACTERS)
