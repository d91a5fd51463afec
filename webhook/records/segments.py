"""Lines in the files of a spool."""

import json
from pathlib import Path


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
