"""One line of a record log, read back: is it an entry, and does it agree with itself?

A collector may have parsed the line and written it anew. So what was hashed is not searched in the line but written
again from what was read: canonical JSON has one form.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.canonical_value import canonical_value
from webhook.model.image import is_digest
from webhook.model.strict_json import count_values, parse_json
from webhook.records.entry import CONTENT_DIGESTS, CONTENT_MEMBERS, HEAD_MEMBERS
from webhook.records.resembling import begins_as_json, holds_record, is_foreign, may_be_taken, resembles_entry


class ChangedError(ValueError):
    """A line that claims to be an entry and is not what was written; the text says why."""


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry that agrees with itself; its place is not checked.

    Attributes:
        instance: The chain that it belongs to.
        sequence: Its number there.
        lost: Entries right before it that are in no line.
        previous: The digest of the entry before it; None for the first.
        digest: Its own.
        closing: Whether it is the last one of its chain.
        head: What a signature covers.
        signature: The signature; None for none.
    """

    instance: str
    sequence: int
    lost: int
    previous: str | None
    digest: str
    closing: bool
    head: bytes
    signature: bytes | None


def read_entry(line: bytes) -> ReadEntry | None:
    """Reads a line.

    Args:
        line: One line, with or without its end; empty for one that was too long to be read.

    Returns:
        The entry, or None for any other line of the log.

    Raises:
        ChangedError: It claims to be an entry, and its parts do not agree; or it is none, and another reader may take
            it for one.
    """
    if not line:
        raise ChangedError("it is too long to be read")
    document = _document(line)
    kind = document.get("message") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(kind, str) or kind not in HEAD_MEMBERS:
        if holds_record(document):
            raise ChangedError("it has a record, and is no entry")
        return None
    if "chain" not in document:
        if resembles_entry(document):
            raise ChangedError("it looks like an entry, and has no place in a chain")
        return None
    try:
        return _checked(kind, document, line)
    except (KeyError, TypeError, ValueError) as error:
        detail = str(error) if isinstance(error, ChangedError) else "its members are not those of an entry"
        raise ChangedError(detail) from None


def _document(line: bytes) -> Any:
    """Reads a line as JSON; None for what is none to anybody."""
    if not begins_as_json(line):
        return None
    if count_values(line) <= LIMITS.record_values:
        try:
            return parse_json(line, "line", depth=LIMITS.record_depth, values=LIMITS.record_values)
        except MalformedError:
            if not may_be_taken(line):
                return None
    raise ChangedError("other readers may take it for an entry: it is JSON, and not strict JSON")


def _checked(kind: str, document: dict[str, Any], line: bytes) -> ReadEntry:
    head = canonical_value({name: document[name] for name in HEAD_MEMBERS[kind]})
    digest = document["entry"]
    if sha256_digest(head) != digest:
        raise ChangedError("its members were changed: they do not have the digest `entry`")
    content = CONTENT_MEMBERS[kind]
    if is_foreign(document, kind) or (content != "record" and holds_record(document)):
        raise ChangedError("it carries what no such entry does")
    if content is not None:
        _check_content(document, content, document[CONTENT_DIGESTS[kind]], line)
    chain = document["chain"]
    instance, sequence, lost, previous = (chain[name] for name in ("instance", "sequence", "lost", "previous"))
    numbers = all(type(number) is int and number >= 0 for number in (sequence, lost))
    if not numbers or lost > sequence or not _is_name(instance) or not (previous is None or is_digest(previous)):
        raise ChangedError("its members are not those of an entry")
    closing = content is None
    return ReadEntry(instance, sequence, lost, previous, digest, closing, head, _signature(document))


def _is_name(instance: Any) -> bool:
    if not isinstance(instance, str) or len(instance) > LIMITS.record_instance_characters:
        return False
    return instance.isascii() and instance.isprintable()


def _check_content(document: dict[str, Any], name: str, digest: str, line: bytes) -> None:
    # Byte for byte, where nobody has written the line anew; that is most of the work saved.
    _, _, rest = line.rstrip().partition(b',"%b":' % name.encode("ascii"))
    if sha256_digest(rest[:-1]) != digest and sha256_digest(canonical_value(document[name])) != digest:
        raise ChangedError(f"its {name} was changed: it does not have the digest that the entry names")


def _signature(document: dict[str, Any]) -> bytes | None:
    signature = document.get("signature")
    if signature is None:
        return None
    text = signature["sig"]
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if base64.b64encode(value).decode("ascii") != text or not value:
        raise ChangedError("its signature is not base64")
    return value
