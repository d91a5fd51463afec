"""A flame graph as SVG: text and rectangles, no scripts, nothing from elsewhere.

Source: Brendan Gregg, "The Flame Graph", Communications of the ACM 59(6), 2016. The width of a function is what
counts below it, the order of neighbours is that of their names.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import nlargest
from xml.sax.saxutils import escape

from webhook.attest.counted import Counted
from webhook.attest.profile import FRAME, unpack
from webhook.model.printable import printable

_WIDTH = 1200
_ROW = 17
_TEXT_WIDTH = 7
_LEVELS = 256
_NARROWEST = 2000
"""What is narrower than this part of the whole is not drawn; so a level has no more rectangles than that."""
_MOST = 10_000
"""Rectangles in all, the widest: a browser shows them without delay, and the file has a bound."""
_LABEL, _TITLE = 160, 200
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    'font-family="monospace" font-size="12">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
)


@dataclass(frozen=True, slots=True)
class _Box:
    """A function on a call path: its place, in units of what was measured."""

    symbol: int
    level: int
    start: int
    size: int


def flame_graph(counted: Counted) -> bytes:
    """Draws what counts.

    Args:
        counted: Any profile.

    Returns:
        An SVG document, UTF-8; the same profile gives the same bytes, whatever order its samples were in.
    """
    total = counted.total
    every = list(_boxes(counted.symbols, counted.samples, total))
    boxes = _widest(every)
    height = (max((box.level for box in boxes), default=0) + 3) * _ROW
    parts = [_HEAD.format(width=_WIDTH, height=height)]
    head = f"{total} of {counted.profile.total} {counted.profile.measure}"
    if len(boxes) < len(every):
        head += f"; the {len(boxes)} widest of {len(every)} boxes"
    parts.append(f'<text x="4" y="13">{_xml(head)}</text>\n')
    parts += [_drawn(box, counted.symbols[box.symbol], total, height) for box in boxes]
    return "".join([*parts, "</svg>\n"]).encode("utf-8")


def _boxes(symbols: Sequence[str], samples: Mapping[bytes, int], total: int) -> Iterator[_Box]:
    """Splits all paths by their outermost function, each group by the next one, and so on."""
    groups: list[tuple[int, int, Sequence[tuple[bytes, int]]]] = [(0, 0, list(samples.items()))]
    while groups:
        level, start, members = groups.pop()
        callees: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
        for path, count in members:
            frame = path[level * FRAME : (level + 1) * FRAME]
            if frame:
                callees[frame].append((path, count))
        for frame in sorted(callees, key=lambda frame: symbols[unpack(frame)[0]]):
            size = sum(count for _, count in callees[frame])
            if size * _NARROWEST >= total:
                yield _Box(unpack(frame)[0], level, start, size)
                if level + 1 < _LEVELS:
                    groups.append((level + 1, start, callees[frame]))
            start += size


def _widest(boxes: list[_Box]) -> list[_Box]:
    """Keeps as many as are drawn; a caller goes before its callees, so that no box hangs in the air."""
    if len(boxes) <= _MOST:
        return boxes
    return nlargest(_MOST, boxes, key=lambda box: (box.size, -box.level, -box.start))


def _drawn(box: _Box, symbol: str, total: int, height: int) -> str:
    left, width = _WIDTH * box.start / total, _WIDTH * box.size / total
    top = height - (box.level + 1) * _ROW
    title = f"{printable(symbol, _TITLE)} ({box.size}, {100 * box.size / total:.2f} %)"
    rectangle = f'<rect x="{left:.2f}" y="{top}" width="{width:.2f}" height="{_ROW - 1}" fill="{_colour(symbol)}"/>'
    room = min(int(width / _TEXT_WIDTH) - 1, _LABEL)
    label = f'<text x="{left + 3:.2f}" y="{top + 12}">{_xml(printable(symbol, room))}</text>' if room > 2 else ""  # noqa: PLR2004 - fewer characters say nothing
    return f"<g><title>{_xml(title)}</title>{rectangle}{label}</g>\n"


def _colour(symbol: str) -> str:
    # Warm, and the same for a function wherever it stands; the colour means nothing else.
    first, second, _ = sha256(symbol.encode("utf-8")).digest()[:3]
    return f"#{205 + first % 50:02x}{80 + second % 130:02x}{first % 60:02x}"


def _xml(text: str) -> str:
    return escape(text, {'"': "&quot;", "'": "&#39;"})
