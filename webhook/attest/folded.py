"""Folded stacks: one line a stack, `caller;callee;leaf 42`.

Source: the header comment of Brendan Gregg's flamegraph.pl, which perf's stackcollapse scripts, py-spy (`-f raw`),
async-profiler (`collapsed`) and bpftrace users write for. Frames may hold spaces and annotations (`_[k]`), which
stay a part of the symbol.
"""

import hashlib
from collections.abc import Iterator
from typing import IO, Protocol

from webhook.attest.profile import Profile, ProfileError, Stack
from webhook.limits import LIMITS

MEDIA_TYPE = "text/x-folded-stacks"
"""Nobody has registered a media type for this format."""

_COUNT_DIGITS = len(str(LIMITS.count_maximum))


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def parse_folded(stream: IO[bytes]) -> Profile:
    """Reads folded stacks line by line.

    Equal stacks on several lines are added up. Empty lines and lines that begin with `#` (Austin writes its
    metadata so) are skipped. A stack with the count 0 was not seen and is left out.

    Args:
        stream: UTF-8 text with LF or CRLF, at most `LIMITS.profile_bytes` bytes.

    Returns:
        The profile.

    Raises:
        ProfileError: A line is no stack with a whole number, a limit is exceeded, or there are no samples at all.
        OSError: The stream cannot be read.
    """
    digest = hashlib.sha256()
    tally = _Tally()
    for number, line in enumerate(_lines(stream, digest), 1):
        try:
            tally.add(line)
        except ProfileError as error:
            raise ProfileError(f"line {number}: {error}") from None
    if not tally.samples:
        raise ProfileError("it holds no samples")
    return Profile(tally.samples, "sha256:" + digest.hexdigest(), MEDIA_TYPE)


def _lines(stream: IO[bytes], digest: _Hash) -> Iterator[bytes]:
    size = 0
    while line := stream.readline(LIMITS.profile_line_bytes + 1):
        size += len(line)
        if size > LIMITS.profile_bytes:
            raise ProfileError(f"it is larger than {LIMITS.profile_bytes} bytes")
        digest.update(line)
        yield line


class _Tally:
    """Adds lines up, within the limits."""

    def __init__(self) -> None:
        self.samples: dict[Stack, int] = {}
        self._symbols: dict[str, str] = {}
        self._frames = 0
        self._total = 0

    def add(self, line: bytes) -> None:
        if len(line) > LIMITS.profile_line_bytes:
            raise ProfileError(f"it is longer than {LIMITS.profile_line_bytes} bytes")
        if not line.strip() or line.startswith(b"#"):
            return
        stack, count = _split(line)
        self._total += count
        if self._total > LIMITS.count_maximum:
            raise ProfileError("the sum of all counts is out of range")
        if stack in self.samples:
            self.samples[stack] += count
        elif count:
            self.samples[self._hold(stack)] = count

    def _hold(self, stack: Stack) -> Stack:
        self._frames += len(stack)
        if len(self.samples) >= LIMITS.profile_stacks or self._frames > LIMITS.profile_frames:
            limits = f"{LIMITS.profile_stacks} distinct stacks or {LIMITS.profile_frames} frames in them"
            raise ProfileError(f"the profile has more than {limits}")
        # One object for each symbol, however many stacks it stands in.
        held = tuple(self._symbols.setdefault(symbol, symbol) for symbol in stack)
        if len(self._symbols) > LIMITS.profile_symbols:
            raise ProfileError(f"the profile has more than {LIMITS.profile_symbols} distinct symbols")
        return held


def _split(line: bytes) -> tuple[Stack, int]:
    # From the right: frames may hold spaces, counts may not.
    parts = line.rsplit(None, 1)
    if len(parts) != len(("stack", "count")):
        raise ProfileError("it is not `frame;frame count`")
    names, count = parts
    if not count.isdigit() or len(count) > _COUNT_DIGITS:
        raise ProfileError("its last word is not a count, a whole number of samples")
    try:
        stack = tuple(names.decode("utf-8").split(";"))
    except UnicodeDecodeError:
        raise ProfileError("it is not UTF-8") from None
    if "" in stack:
        raise ProfileError("it has an empty frame")
    return stack, int(count)
