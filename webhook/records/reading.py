"""One line of a record log, read back: is it an entry, and does it agree with itself?

A collector may have parsed the line and written it anew. So what was hashed is not searched in the line but written
again from what was read: canonical JSON has one form.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from webhook.errors import MalformedError
from webhook.model.canonical import sha256_digest
from webhook.model.canonical_value import canonical_value
from webhook.model.image import is_digest
from webhook.model.strict_json import parse_json
from webhook.records.entry import CONTENT_DIGESTS, CONTENT_MEMBERS, HEAD_MEMBERS


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
        line: One line, with or without its end.

    Returns:
        The entry, or None for any other line of the log.

    Raises:
        ChangedError: It claims to be an entry, and its parts do not agree.
    """
    # Most other lines of a log cost no more than this.
    if not line.startswith(b"{") or b'"chain"' not in line:
        return None
    try:
        document = parse_json(line, "line")
    except MalformedError:
        # Half a line of a process that was killed, or rubbish: if it was an entry, one is missing.
        return None
    if not isinstance(document, dict) or "chain" not in document:
        return None
    kind = document.get("message")
    if not isinstance(kind, str) or kind not in HEAD_MEMBERS:
        return None
    try:
        return _checked(kind, document, line)
    except (KeyError, TypeError, ValueError) as error:
        detail = str(error) if isinstance(error, ChangedError) else "its members are not those of an entry"
        raise ChangedError(detail) from None


def _checked(kind: str, document: dict[str, Any], line: bytes) -> ReadEntry:
    head = canonical_value({name: document[name] for name in HEAD_MEMBERS[kind]})
    digest = document["entry"]
    if sha256_digest(head) != digest:
        raise ChangedError("its members were changed: they do not have the digest `entry`")
    content = CONTENT_MEMBERS[kind]
    if content is not None:
        _check_content(document, content, document[CONTENT_DIGESTS[kind]], line)
    chain = document["chain"]
    instance, sequence, lost, previous = (chain[name] for name in ("instance", "sequence", "lost", "previous"))
    numbers = all(type(number) is int and number >= 0 for number in (sequence, lost))
    named = isinstance(instance, str) and instance.isascii() and instance.isprintable()
    if not numbers or lost > sequence or not named or not (previous is None or is_digest(previous)):
        raise ChangedError("its members are not those of an entry")
    closing = content is None
    return ReadEntry(instance, sequence, lost, previous, digest, closing, head, _signature(document))


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
