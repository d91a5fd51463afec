"""What other readers may take for an entry of a record log: jq, a log store, `replay`, somebody's script.

They agree on nothing: which of two equal names counts, what NaN is, whether a second document may follow in the line.
So the line is read as leniently as any of them reads, and every meaning that it may have counts.
"""

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from webhook.records.entry import CONTENT_MEMBERS, HEAD_MEMBERS

_BLANKS = re.compile(r"[\s\ufeff\0]*")
"""What some reader passes over: blanks of every kind, byte order marks, zeros."""
_LOOK_BYTES = 256
_EVERYDAY = frozenset({"level", "message", "timestamp"})
"""Members that any line of the log has."""
_CONTENTS = frozenset(name for name in CONTENT_MEMBERS.values() if name is not None)
_TELLING = {
    kind: frozenset({*names, *_CONTENTS, "entry", "signature", "verdict"}) - _EVERYDAY
    for kind, names in HEAD_MEMBERS.items()
}
_OF_ENTRIES = frozenset({*_CONTENTS, "decision", "summary", "verdict"})
"""What only entries say."""


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object, with each of its members, also those of equal names."""

    __slots__ = ()


_LENIENT = json.JSONDecoder(
    strict=False, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str
)


def begins_as_json(line: bytes) -> bool:
    """Says whether any reader takes a line for an object or a list; most other lines of a log cost no more than this.

    Args:
        line: One line.

    Returns:
        Whether it begins as one, behind whatever some readers pass over.
    """
    beginning = line[:_LOOK_BYTES].decode(json.detect_encoding(line), "replace")
    return _BLANKS.sub("", beginning, count=1)[:1] in {"{", "[", ""}


def may_be_taken(line: bytes) -> bool:
    """Says whether some lenient reader may take a line for an entry.

    Args:
        line: One line that is no strict JSON; its values were counted.

    Returns:
        True also where it cannot be known, as it is nested too deep.
    """
    text = line.rstrip(b"\r\n").decode(json.detect_encoding(line), "replace")
    try:
        end = _behind_blanks(text, 0)
        while end < len(text):
            value, end = _LENIENT.raw_decode(text, end)
            if resembles_entry(value):
                return True
            end = _behind_blanks(text, end)
    except RecursionError:
        return True
    except ValueError:
        # From here on nobody can read it: half a line of a process that was killed, or no JSON at all.
        return False
    return False


def resembles_entry(value: Any) -> bool:
    """Says whether a document looks like an entry, or holds a record.

    Args:
        value: JSON.

    Returns:
        Whether a reader may take it for an entry.
    """
    return holds_record(value) or claims_entry(value)


def claims_entry(value: Any) -> bool:
    """Says whether an object has the message of an entry and says something that entries say.

    Args:
        value: JSON.

    Returns:
        Whether it does.
    """
    members = list(_members(value))
    said = [member for name, member in members if name == "message" and isinstance(member, str)]
    return any(name in _TELLING.get(kind, ()) for kind in said for name, _ in members)


def holds_record(value: Any) -> bool:
    """Says whether `replay`, or a reader like it, finds a record.

    Args:
        value: JSON.

    Returns:
        Whether it is one, carries one, or is a list with one.
    """
    if isinstance(value, list):
        return any(map(holds_record, value))
    return any(
        (name == "kind" and member == "DecisionRecord") or (name == "record" and holds_record(member))
        for name, member in _members(value)
    )


def is_foreign(document: Collection[str], kind: str) -> bool:
    """Says whether an entry carries what belongs to entries of another kind.

    Args:
        document: The names of its members.
        kind: Its message.

    Returns:
        Whether it does; what a collector adds, as its node, is not meant.
    """
    return any(name in document for name in _OF_ENTRIES.difference(HEAD_MEMBERS[kind], {CONTENT_MEMBERS[kind]}))


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    return value if isinstance(value, _Pairs) else ()


def _behind_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return start if match is None else match.end()
