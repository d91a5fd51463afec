"""Adds stacks up within the limits; the one way in which a parser, or a merge, makes a profile."""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import islice

from webhook.attest.profile import FRAME, SAMPLES, EmptyProfileError, Profile, ProfileError, Source, unpack
from webhook.limits import LIMITS

Watch = Callable[[int, int], None]
"""Is told now and then how much is done, and of how much."""

WATCH_EVERY = 16_384
"""Steps between two calls of a `Watch`."""

UNKNOWN = "[unknown]"
"""The symbol of a frame of which nothing is known, as perf writes it."""

_QUALIFYING = (".py", ".pyx", ".rb", ".js", ".mjs", ".cjs", ".ts", ".php", ".pl", ".lua")
"""Names of functions in these files say little without the file: every module may have its own `main`."""
_FROZEN = "<frozen "
"""How Python names its own modules that are in no file."""
_INSTALLED = re.compile(r".*/(?:site-packages|dist-packages|node_modules|python\d[\d.]*)/", re.DOTALL)


def unwatched(_done: int, _total: int) -> None:
    """Is the `Watch` of those who do not care."""


def symbol_of(name: str, file: str) -> str:
    """Names a function.

    Args:
        name: As the profiler has it, perhaps empty.
        file: The file of its source, perhaps empty.

    Returns:
        `name`, or `name (file)` where names are not qualified, as py-spy and Austin write it; the file without the
        folder that packages are installed in.
    """
    if not name:
        return UNKNOWN
    if not file.endswith(_QUALIFYING) and not file.startswith(_FROZEN):
        return name
    installed = _INSTALLED.match(file)
    return f"{name} ({file[installed.end() :] if installed else file})"


def module_symbol(path: str) -> str:
    """Names the frame of an address without a symbol: all such frames of a module are one.

    Args:
        path: The file that was mapped there, perhaps empty.

    Returns:
        `[libc.so.6]` for `/usr/lib/libc.so.6`.
    """
    name = path.rpartition("/")[2].strip("[]")
    return f"[{name}]" if name else UNKNOWN


def check_depth(frames: int) -> None:
    """Refuses a stack that is too deep.

    Args:
        frames: How many it has.

    Raises:
        ProfileError: They are too many.
    """
    if frames > LIMITS.profile_depth:
        raise ProfileError(f"a stack is deeper than {LIMITS.profile_depth} frames")


class Tally:
    """Adds stacks up."""

    def __init__(self) -> None:
        self._samples: dict[bytes, int] = {}
        self._indices: dict[str, int] = {}
        self._frames = 0
        self._total = 0

    def frame(self, symbol: str) -> bytes:
        """Packs one frame.

        Args:
            symbol: Its symbol; empty is unknown.

        Returns:
            `FRAME` bytes; stacks are made of these.

        Raises:
            ProfileError: There are too many symbols.
        """
        index = self._indices.setdefault(symbol or UNKNOWN, len(self._indices))
        if index >= LIMITS.profile_symbols:
            raise ProfileError(f"the profile has more than {LIMITS.profile_symbols} distinct symbols")
        return index.to_bytes(FRAME, sys.byteorder)

    def add(self, stack: bytes, count: int) -> None:
        """Adds what was measured on a stack.

        Args:
            stack: Packed frames, outermost caller first; nothing is a stack of which nothing is known.
            count: What was measured; 0 was not seen and is left out.

        Raises:
            ProfileError: The count is negative, or a limit is exceeded.
        """
        if count < 0:
            raise ProfileError("it counts less than nothing: a profile that compares two others is not for this")
        self._total += count
        self._check_total()
        if stack in self._samples:
            self._samples[stack] += count
        elif count:
            self._hold(stack or self.frame(UNKNOWN), count)

    def _hold(self, stack: bytes, count: int) -> None:
        check_depth(len(stack) // FRAME)
        self._frames += len(stack) // FRAME
        self._samples[stack] = self._samples.get(stack, 0) + count
        self._check_size()

    def add_all(self, stacks: Sequence[bytes], counts: Sequence[int]) -> None:
        """Adds many stacks, which costs less than one by one.

        Args:
            stacks: Packed frames, outermost caller first, at least one frame each. No more than some thousand stacks:
                the limits are checked at the end.
            counts: What was measured on each, at least 1.

        Raises:
            ProfileError: A limit is exceeded.
        """
        self._total += sum(counts)
        self._check_total()
        check_depth(max(map(len, stacks)) // FRAME)
        samples = self._samples
        before = len(samples)
        for stack, count in zip(stacks, counts, strict=True):
            samples[stack] = samples.get(stack, 0) + count
        # The new ones are the last ones.
        self._frames += sum(map(len, islice(reversed(samples), len(samples) - before))) // FRAME
        self._check_size()

    def _check_total(self) -> None:
        if self._total > LIMITS.count_maximum:
            raise ProfileError("the sum of all counts is out of range")

    def _check_size(self) -> None:
        if len(self._samples) > LIMITS.profile_stacks or self._frames > LIMITS.profile_frames:
            limits = f"{LIMITS.profile_stacks} distinct stacks or {LIMITS.profile_frames} frames in them"
            raise ProfileError(f"the profile has more than {limits}")

    def profile(self, sources: tuple[Source, ...], measure: str = SAMPLES) -> Profile:
        """Closes the sum.

        Args:
            sources: The files.
            measure: What was measured.

        Returns:
            The profile.

        Raises:
            EmptyProfileError: Nothing was measured.
        """
        if not self._samples:
            raise EmptyProfileError("it holds no samples")
        # Lone surrogates, which JSON can carry, are no text that a statement could hold.
        symbols = tuple(symbol.encode("utf-8", "replace").decode("utf-8") for symbol in self._indices)
        return Profile(symbols, self._samples, measure, sources)


def merge(profiles: Sequence[Profile]) -> Profile:
    """Adds profiles up, of several replicas for example.

    Args:
        profiles: At least one.

    Returns:
        Their sum; the order does not matter to anything that is counted.

    Raises:
        ProfileError: They measure different things, or are together beyond a limit.
    """
    if len(profiles) == 1:
        return profiles[0]
    measures = sorted({profile.measure for profile in profiles})
    if len(measures) > 1:
        raise ProfileError(f"profiles of different measures cannot be added up: {', '.join(measures)}")
    tally = Tally()
    for profile in profiles:
        frames = [tally.frame(symbol) for symbol in profile.symbols]
        for stack, count in profile.samples.items():
            tally.add(b"".join([frames[index] for index in unpack(stack)]), count)
    sources = sorted(source for profile in profiles for source in profile.sources)
    return tally.profile(tuple(sources), measures[0])
