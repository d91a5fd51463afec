"""The text that `perf script` prints.

Source: perf-script(1), and tools/perf/builtin-script.c of Linux. A block an event: a line that begins with the
command, then a line a frame, the leaf first, `ADDRESS SYMBOL+OFFSET (MODULE)`, then an empty line.
"""

import re
from itertools import pairwise

from webhook.attest.formats.lines import numbered_lines
from webhook.attest.profile import ProfileError
from webhook.attest.tally import UNKNOWN, Tally, Watch, check_depth, module_symbol
from webhook.model.printable import printable

MEDIA_TYPE = "text/x-perf-script"
"""Nobody has registered a media type for this format."""

_TIME = re.compile(r"\s\d+\.\d+:\s+(?:\d+\s+)?(\S+?):(?:\s|$)")
_OF_CORES = re.compile(r"^cpu_(?:core|atom|lowpower)/([^/]+)/(\w*)$")
"""An event of hybrid CPUs, which have one for each kind of their cores."""
_NAME = 80
_PROCESS = re.compile(r"\s(?:-?\d+/)?-?\d+(?:\s|$)")
_ADDRESS = re.compile(r"\s+[0-9a-f]+ ")
_OFFSET = re.compile(r"\+0x[0-9a-f]+$")
_KERNEL_MODULE = re.compile(r"\[(?:kernel\.|guest\.kernel\.|\w+\]$).*")
_DELETED = " (deleted)"
"""Stands behind a file that is no longer there, such as one that was replaced by a newer version."""
_NOT_KERNEL = {"[unknown]", "[vdso]", "[vsyscall]", "[heap]", "[stack]", "[anon]"}


def is_perf_script(head: bytes) -> bool:
    """Tells whether a text begins as `perf script` prints it.

    Args:
        head: Its beginning.

    Returns:
        True if a frame follows on an event.
    """
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if not line.startswith("#")]
    return any(_kind(line) and _ADDRESS.match(after) for line, after in pairwise(lines))


def _kind(line: str) -> str | None:
    """Gives the name of an event: `COMMAND PID[/TID] [CPU] TIME: [PERIOD] NAME: …`; the command may hold spaces."""
    found = _TIME.search(line)
    return found[1] if found and not line[0].isspace() and _PROCESS.search(line, 0, found.start() + 1) else None


def parse_perf_script(content: bytes, tally: Tally, watch: Watch) -> None:
    """Reads the text; each event is one sample, as stackcollapse-perf.pl counts them.

    Frames of the kernel get `_[k]` at their end, as that program marks them with `--kernel`. Events of several kinds
    are refused: a scheduler's tracepoint beside `cycles` is no second sample, and whichever kind came first must not
    decide. `cpu_core/cycles/P` and `cpu_atom/cycles/P`, what one program did on two kinds of cores, are one kind.

    Args:
        content: UTF-8 text.
        tally: Gets the stacks.
        watch: Is told of the progress, in bytes.

    Raises:
        ProfileError: A line is neither event nor frame, events are of several kinds, or a limit is exceeded.
    """
    reader = _Reader(tally)
    for number, line in numbered_lines(content, watch):
        try:
            reader.add(line)
        except ProfileError as error:
            raise ProfileError(f"line {number}: {error}") from None
    reader.close()


class _Reader:
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._first = ""
        self._kind = ""
        self._frames: list[bytes] = []
        self._known: dict[bytes, bytes] = {}

    def add(self, line: bytes) -> None:
        if line.startswith(b"#"):
            return
        if not line.strip():
            self.close()
        elif line[:1].isspace():
            self._frame(line)
        else:
            self.close()
            self._event(line.decode("utf-8", "replace"))

    def close(self) -> None:
        # An event without frames was recorded without `-g`: there is no stack to count.
        if self._kind and self._frames:
            self._tally.add(b"".join(reversed(self._frames)), 1)
        self._frames = []
        self._kind = ""

    def _event(self, line: str) -> None:
        kind = _kind(line)
        if not kind:
            raise ProfileError("it is no event as `perf script` prints it")
        self._kind = _OF_CORES.sub(r"\1:\2", kind)

    def _check_kind(self) -> None:
        self._first = self._first or self._kind
        if self._kind != self._first:
            kinds = " and ".join(printable(kind, _NAME) for kind in sorted((self._first, self._kind)))
            raise ProfileError(
                f"its events are of several kinds, {kinds}; "
                "`perf script --per-event-dump` writes each into a file of its own, and one of them is a profile"
            )

    def _frame(self, line: bytes) -> None:
        if self._kind and not self._frames:
            self._check_kind()
        if line not in self._known:
            self._known[line] = self._tally.frame(_symbol(line.decode("utf-8", "replace")))
        self._frames.append(self._known[line])
        check_depth(len(self._frames))


def _symbol(line: str) -> str:
    address = _ADDRESS.match(line)
    # The module stands behind the last ` (`; a symbol may hold parentheses itself.
    name, _, module = line[address.end() if address else 0 :].strip().replace(_DELETED, "").rpartition(" (")
    if not address or not name or not module.endswith(")"):
        raise ProfileError("it is no frame as `perf script` prints it")
    symbol, module = _OFFSET.sub("", name), module[:-1]
    if _KERNEL_MODULE.match(module) and module not in _NOT_KERNEL:
        return f"{symbol}_[k]"
    return module_symbol(module) if symbol == UNKNOWN else symbol
