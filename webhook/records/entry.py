"""What one line of a record log says.

A line is a JSON object. Its *head* is canonical JSON of its own, with the digest of what the line carries; the last
member is what it carries, byte for byte. In between stand the head's digest, and a signature over the head.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from webhook.model.canonical import canonical_text

CONTENT_MEMBERS = {"decision": "record", "verification summary": "envelope", "end of records": None}
"""What a line is, by its `message`, and which member it carries last."""

HEAD_MEMBERS = {
    "decision": ("chain", "decision", "level", "message", "reasons", "seconds", "timestamp", "uid", "verdict"),
    "verification summary": ("chain", "decision", "level", "message", "summary", "timestamp"),
    "end of records": ("chain", "level", "message", "timestamp"),
}
"""Members of the head, sorted, as the canonical form has them."""

CONTENT_DIGESTS = {"decision": "decision", "verification summary": "summary"}
"""Which member of the head has the digest of what the line carries."""


class Decided(NamedTuple):
    """A decision that was made, as plain data: it is made for every answer, and written by another thread.

    Attributes:
        at: When it was answered, seconds since 1970.
        uid: The review's.
        verdict: The verdict.
        reasons: The reasons, with commas between.
        seconds: Time from request to answer.
        digest: The record's.
        content: The record, canonical JSON.
    """

    at: float
    uid: str
    verdict: str
    reasons: str
    seconds: float
    digest: str
    content: bytes


class Entry(NamedTuple):
    """A line without its place in a chain.

    Attributes:
        head: The head's canonical JSON after its first member, `chain`, without the closing brace.
        name: The member that the line carries; None for none.
        content: What it carries, canonical JSON.
    """

    head: bytes
    name: str | None
    content: bytes


def decision_entry(decided: Decided) -> Entry:
    """Writes the entry of a decision.

    Args:
        decided: The decision.

    Returns:
        The entry; it carries the record.
    """
    head = (
        f'"decision":"{decided.digest}","level":"INFO","message":"decision","reasons":"{decided.reasons}",'
        f'"seconds":{_seconds(decided.seconds)},"timestamp":"{timestamp(decided.at)}",'
        f'"uid":{canonical_text(decided.uid)},"verdict":"{decided.verdict}"'
    )
    return Entry(head.encode("utf-8"), "record", decided.content)


def summary_entry(decided: Decided, digest: str, envelope: bytes) -> Entry:
    """Writes the entry of a verification summary.

    Args:
        decided: The decision that it sums up.
        digest: Of the envelope.
        envelope: The DSSE envelope, canonical JSON.

    Returns:
        The entry; it carries the envelope.
    """
    head = (
        f'"decision":"{decided.digest}","level":"INFO","message":"verification summary","summary":"{digest}",'
        f'"timestamp":"{timestamp(decided.at)}"'
    )
    return Entry(head.encode("ascii"), "envelope", envelope)


def end_entry(at: float) -> Entry:
    """Writes the last entry of a process that stops in order.

    Args:
        at: Seconds since 1970.

    Returns:
        The entry; it carries nothing.
    """
    head = f'"level":"INFO","message":"end of records","timestamp":"{timestamp(at)}"'
    return Entry(head.encode("ascii"), None, b"")


def timestamp(at: float) -> str:
    """Writes an instant as all lines of the log have it.

    Args:
        at: Seconds since 1970.

    Returns:
        RFC 3339 in UTC with microseconds.
    """
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def _seconds(value: float) -> str:
    """Writes microseconds as RFC 8785 writes a number of six decimals: without zeros at the end."""
    return f"{max(value, 0.0):.6f}".rstrip("0").rstrip(".")
