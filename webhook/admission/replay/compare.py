"""What came of a replay: the same bytes, the first difference and its cause, or what is missing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.admission.replay.again import Replayer
from webhook.admission.replay.failure import CannotReplayError, Missing, Path, TamperedError
from webhook.admission.replay.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a record is not what it should be.

    Attributes:
        path: JSON path; `$` for the record as a whole.
        recorded: What stands there; None where nothing does, and for the record as a whole.
        recomputed: What should.
        cause: Why, in one clause.
    """

    path: str
    recorded: Any
    recomputed: Any
    cause: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one replay.

    Attributes:
        digest: Of the record's canonical bytes.
        recomputed: Of those that were written anew; None if there are none.
        difference: The first difference; None if there is none.
        missing: What was missing; with anything here nothing is known.
        content: The canonical bytes that were written anew; empty if there are none.
    """

    digest: str
    recomputed: str | None = None
    difference: Difference | None = None
    missing: tuple[Missing, ...] = ()
    content: bytes = b""

    @property
    def identical(self) -> bool:
        """Whether the same bytes came of it."""
        return self.difference is None and not self.missing and self.recomputed == self.digest


async def compare(recorded: Recorded, replayer: Replayer, named: str | None = None) -> Outcome:
    """Replays a record and compares.

    Args:
        recorded: The record.
        replayer: Replays it.
        named: The digest that the log names beside the record; None if there is none.

    Returns:
        The outcome.
    """
    digest = recorded.digest
    try:
        _check_digests(recorded, replayer, named)
        record = await replayer.replay(recorded)
    except CannotReplayError as error:
        return Outcome(digest, missing=error.missing)
    except TamperedError as error:
        difference = Difference(error.path, error.recorded, error.recomputed, error.cause)
        return Outcome(digest, difference=difference)
    if record.content == recorded.canonical:
        return Outcome(digest, record.digest, content=record.content)
    difference = first_difference(recorded.document, json.loads(record.content))
    return Outcome(digest, record.digest, difference, content=record.content)


def _check_digests(recorded: Recorded, replayer: Replayer, named: str | None) -> None:
    """Takes the cheap looks first: at the digest that stands beside the record, and at the configuration's."""
    if named is not None and named != recorded.digest:
        cause = "the record was changed: it does not have the digest that stands beside it"
        raise TamperedError(cause, "$", named, recorded.digest)
    theirs = recorded.content.decision.settings
    if replayer.settings is not None and replayer.settings.digest != theirs:
        cause = "it was decided by another configuration"
        raise TamperedError(cause, "$.decision.settings", theirs, replayer.settings.digest)


def first_difference(recorded: Any, recomputed: Any) -> Difference:
    """Finds the difference that explains the others.

    Args:
        recorded: A record.
        recomputed: What it should be; another value.

    Returns:
        Of all differences the one that lies nearest to the cause: a verdict follows from rulings, a ruling from an
        answer, and all of them from the rules.
    """
    found = list(_differences((), recorded, recomputed))
    others = "; nothing else differs" if len(found) == 1 else ""
    # `min` takes the first of equals.
    path, ours, theirs = min(found, key=lambda entry: _rank(entry[0]))
    return Difference(_json_path(path), ours, theirs, _CAUSES[_rank(path)][1] + others)


_CAUSES: tuple[tuple[tuple[str | None, ...], str], ...] = (
    (("decision", "settings"), "it was decided by another configuration"),
    (("decision", "trust"), "it was decided with other trusted keys"),
    (("policy",), "the configuration has another policy for the environment"),
    (("conditions",), "the configuration has other conditions for the environment"),
    (("images", None, "place"), "the reference does not lead there"),
    (("images", None, "rulings", None, "basis"), "the answer was not made of that"),
    (("images", None, "rulings", None, "evidence"), "the envelopes give another answer"),
    (("images", None, "rollback"), "the workload's history does not lead there"),
    (("images",), "the ruling does not follow from the answer"),
    (("breakGlass",), "the claim to be let past the gate comes to something else"),
    (("overall",), "the ruling does not follow from the policy and conditions"),
    (("decision", "software"), "it was recorded by another version of the software"),
    ((), "it does not follow from the rulings"),
)
"""Beginning of a path, and what a difference there means; what explains others stands first. None is any index."""


def _rank(path: Path) -> int:
    return next(rank for rank, (beginning, _) in enumerate(_CAUSES) if _begins(path, beginning))


def _begins(path: Path, beginning: tuple[str | None, ...]) -> bool:
    if len(path) < len(beginning):
        return False
    return all(name is None or name == part for part, name in zip(path, beginning, strict=False))


def _differences(path: Path, recorded: Any, recomputed: Any) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(recorded, dict) and isinstance(recomputed, dict):
        for name in sorted({*recorded, *recomputed}):
            yield from _differences((*path, name), recorded.get(name), recomputed.get(name))
    elif isinstance(recorded, list) and isinstance(recomputed, list) and len(recorded) == len(recomputed):
        for index, (ours, theirs) in enumerate(zip(recorded, recomputed, strict=True)):
            yield from _differences((*path, index), ours, theirs)
    elif recorded != recomputed or type(recorded) is not type(recomputed):
        yield path, recorded, recomputed


def _json_path(path: Path) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else _member(part) for part in path)


def _member(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name)}]"
