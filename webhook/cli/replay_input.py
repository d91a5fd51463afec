"""What `replay` reads: records, wherever they stand, and envelopes, by the digests of their bytes."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import click

from webhook.admission.replay.recorded import Recorded, RecordError, read_record
from webhook.cli.log import log_lines
from webhook.errors import MalformedError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.model.strict_json import parse_json


class Entry(NamedTuple):
    """A record as it was found.

    Attributes:
        place: The file, and the line of a log.
        record: The record; None if it cannot be read.
        named: The digest that stands beside it; None if there is none.
        problem: Why it cannot be read, in one clause.
    """

    place: str
    record: Recorded | None
    named: str | None = None
    problem: str = ""


def read_entries(paths: Iterable[Path]) -> Iterator[Entry]:
    """Finds records in files.

    Args:
        paths: Files; `-` is standard input. Each holds a record, what `review -o json` printed, or JSON lines with
            records in them, among any other lines.

    Yields:
        The records, in their order. A line that has a record and cannot be read is none, and is told of.

    Raises:
        click.BadParameter: A file cannot be read.
    """
    for path in paths:
        lines = log_lines(path)
        first = next((line for line in lines if line.strip()), b"")
        if first.lstrip()[:1] in {b"{", b"["} and _parsed(first) is None:
            # A document of several lines, unless it is a log that begins with half a line.
            content = _whole(first, lines)
            document = _parsed(content)
            if document is not None:
                yield from _entries(document, str(path))
                continue
            first, lines = b"", chain(content.splitlines(), lines)
        yield from _entries_of_lines(chain([first], lines), path)


def read_envelopes(paths: Iterable[Path]) -> dict[str, bytes]:
    """Reads envelopes.

    Args:
        paths: Files, and folders of files.

    Returns:
        `sha256:…` over the bytes of each file, to the bytes.

    Raises:
        click.BadParameter: A file cannot be read, or there are too many bytes.
    """
    envelopes: dict[str, bytes] = {}
    room = LIMITS.directory_bytes
    for path in chain.from_iterable(map(_files, paths)):
        try:
            raw = read_capped(path, LIMITS.envelope_bytes)
        except (OSError, ValueError):
            raise click.BadParameter(f"{path} cannot be read, or is too large for an envelope") from None
        room -= len(raw)
        if room < 0:
            raise click.BadParameter(f"the envelopes hold more than {LIMITS.directory_bytes} bytes")
        envelopes[sha256_digest(raw)] = raw
    return envelopes


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _whole(first: bytes, lines: Iterator[bytes]) -> bytes:
    parts, room = [first], LIMITS.record_line_bytes - len(first)
    for line in lines:
        parts.append(line)
        room -= len(line)
        if room < 0:
            break
    return b"".join(parts)


def _parsed(content: bytes) -> Any:
    try:
        return parse_json(content, "document", depth=LIMITS.record_depth, values=LIMITS.record_values)
    except MalformedError:
        return None


def _entries_of_lines(lines: Iterable[bytes], path: Path) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        # Most other lines of a log cost no more than this.
        if b'"DecisionRecord"' not in line:
            continue
        document = _parsed(line)
        if document is None:
            yield Entry(f"{path}:{number}", None, problem="the line is not JSON, or too large")
        else:
            yield from _entries(document, f"{path}:{number}")


def _entries(document: Any, place: str) -> Iterator[Entry]:
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield from _entries(item, f"{place}[{index}]")
        return
    if not isinstance(document, dict):
        return
    named = None
    if isinstance(document.get("record"), dict):
        named, document = document.get("decision"), document["record"]
    if document.get("kind") != "DecisionRecord":
        return
    try:
        yield Entry(place, read_record(document), named if isinstance(named, str) else None)
    except RecordError as error:
        yield Entry(place, None, problem=str(error))
