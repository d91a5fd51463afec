"""Why a decision cannot be made again, or turns out differently before it is made."""

from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""Where something stands in a record."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a replay would need.

    Attributes:
        detail: One clause, for people.
        digest: Of the envelope; None if it is something else.
        uri: Where the envelope lay.
    """

    detail: str
    digest: str | None = None
    uri: str | None = None


class CannotReplayError(Exception):
    """Something is missing.

    Attributes:
        missing: What.
    """

    def __init__(self, *missing: Missing) -> None:
        super().__init__(missing[0].detail if missing else "")
        self.missing = missing


class TamperedError(Exception):
    """The record contradicts itself, or what it is held against.

    Attributes:
        cause: How, in one clause.
        path: JSON path to where it does; `$` for the record as a whole.
        recorded: What stands there; None for the record as a whole.
        recomputed: What should.
    """

    def __init__(self, cause: str, path: str = "$", recorded: Any = None, recomputed: Any = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.path = path
        self.recorded = recorded
        self.recomputed = recomputed
