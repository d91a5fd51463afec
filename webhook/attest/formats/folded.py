"""Folded stacks: one line a stack, `caller;callee;leaf 42`.

Source: the header comment of Brendan Gregg's flamegraph.pl, which perf's stackcollapse scripts, py-spy (`-f raw`),
async-profiler (`collapsed`) and bpftrace users write for. Frames may hold spaces and annotations (`_[k]`), which
stay a part of the symbol.
"""

from webhook.attest.formats.lines import numbered_lines
from webhook.attest.profile import ProfileError
from webhook.attest.tally import Tally, Watch
from webhook.limits import LIMITS

MEDIA_TYPE = "text/x-folded-stacks"
"""Nobody has registered a media type for this format."""

_COUNT_DIGITS = len(str(LIMITS.count_maximum))


def parse_folded(content: bytes, tally: Tally, watch: Watch) -> None:
    """Reads folded stacks line by line.

    Equal stacks on several lines are added up. Empty lines and lines that begin with `#` (Austin writes its
    metadata so) are skipped. A stack with the count 0 was not seen and is left out. White space and a count is a
    sample of whose stack nothing is known.

    Args:
        content: UTF-8 text with LF or CRLF.
        tally: Gets the stacks.
        watch: Is told of the progress.

    Raises:
        ProfileError: A line is no stack with a whole number, or a limit is exceeded.
    """
    frames: dict[str, bytes] = {}
    for number, line in numbered_lines(content, watch):
        try:
            if line.strip() and not line.startswith(b"#"):
                _add(line, tally, frames)
        except ProfileError as error:
            raise ProfileError(f"line {number}: {error}") from None


def _add(line: bytes, tally: Tally, frames: dict[str, bytes]) -> None:
    stack, count = _split(line)
    for symbol in stack:
        if symbol not in frames:
            frames[symbol] = tally.frame(symbol)
    tally.add(b"".join([frames[symbol] for symbol in stack]), count)


def _split(line: bytes) -> tuple[list[str], int]:
    # From the right: frames may hold spaces, counts may not.
    *names, count = line.rsplit(None, 1)
    if not names and not line[:1].isspace():
        raise ProfileError("it is not `frame;frame count`")
    if not count.isdigit() or len(count) > _COUNT_DIGITS:
        raise ProfileError("its last word is not a count, a whole number of samples")
    if not names:
        # py-spy writes a sample so of whose stack it has read nothing.
        return [], int(count)
    try:
        stack = names[0].decode("utf-8").split(";")
    except UnicodeDecodeError:
        raise ProfileError("it is not UTF-8") from None
    if "" in stack:
        raise ProfileError("it has an empty frame")
    return stack, int(count)
