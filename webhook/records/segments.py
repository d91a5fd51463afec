"""Lines in the files of a spool."""

import json
import logging
from pathlib import Path

_LOG = logging.getLogger(__name__)


def size(path: Path) -> int:
    """Measures a file.

    Args:
        path: The file.

    Returns:
        Bytes; 0 if it is not there.
    """
    try:
        return path.stat().st_size
    except OSError:
        return 0


def ends_whole(path: Path) -> bool:
    """Says whether a file ends with the end of a line.

    Args:
        path: The file, which is not empty.

    Returns:
        Whether it does.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def read_lines(path: Path, offset: int, left: int, limit: int) -> bytes:
    """Reads what comes next in a file.

    Args:
        path: The file.
        offset: Bytes of it that were read before.
        left: Bytes that should follow.
        limit: Bytes; a single line may be longer.

    Returns:
        Whole lines, or what follows if it has no end; nothing if the file is not there, or ends before.

    Raises:
        OSError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(min(limit, left))
            cut = data.rfind(b"\n") + 1
            return data[:cut] if cut else data + file.readline(left - len(data))
    except FileNotFoundError:
        return b""


def cut_torn_end(path: Path) -> None:
    """Cuts off what a crash has left of a line.

    Args:
        path: The newest file.

    Raises:
        OSError: It cannot be done.
    """
    content = path.read_bytes()
    whole = len(whole_lines(content))
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
        _LOG.warning("the spool's end was torn, and is cut", extra={"bytes": len(content) - whole})


def first_lines(data: bytes, count: int) -> bytes:
    """Takes lines from the beginning.

    Args:
        data: Lines with their ends.
        count: How many at most.

    Returns:
        Those that are whole.
    """
    end = -1
    for _ in range(count):
        found = data.find(b"\n", end + 1)
        if found < 0:
            break
        end = found
    return data[: end + 1]


def whole_lines(data: bytes) -> bytes:
    """Cuts off the end what is no JSON line: half of one, or the zeros of a file system that lost power.

    Args:
        data: A file's content.

    Returns:
        Its beginning, up to the last line that is whole.
    """
    while data:
        start = data.rfind(b"\n", 0, len(data) - 1) + 1
        last = data[start:]
        if last.endswith(b"\n") and _is_json(last):
            break
        data = data[:start]
    return data


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
