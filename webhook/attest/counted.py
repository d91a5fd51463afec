"""What of a profile counts as execution (docs/adr/0022)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from webhook.attest.filters import FILTERS, KERNEL, UNNAMED, is_kernel, normalised
from webhook.attest.profile import Profile, pack, unpack
from webhook.attest.tally import WATCH_EVERY, Watch, unwatched


@dataclass(frozen=True, slots=True)
class Counted:
    """A profile after the filters.

    Attributes:
        profile: As it was read.
        symbols: The functions that `samples` point to, each once.
        samples: Packed call paths with what was measured there. A call path names no function twice: what lies
            between two calls of one function is left out, so that recursion has no depth.
        leaves: Function to what was measured where it was the leaf.
        total: All that counts.
        left_out: Filter to what it has left out; together with `total` all that was measured.
    """

    profile: Profile
    symbols: Sequence[str]
    samples: Mapping[bytes, int]
    leaves: Mapping[str, int]
    total: int
    left_out: Mapping[str, int]


def count_execution(profile: Profile, watch: Watch = unwatched) -> Counted:
    """Applies the filters.

    Args:
        profile: As it was read.
        watch: Is told of the progress, in stacks.

    Returns:
        What counts, and what does not.
    """
    functions = _Functions(profile.symbols)
    judge = _judge(functions.symbols)
    # As a rule most stacks are call paths already, and are taken over as they are.
    samples = {} if functions.changed else dict(profile.samples)
    leaves: Counter[int] = Counter()
    left_out: Counter[str] = Counter()
    for done, (stack, count) in enumerate(profile.samples.items()):
        if done % WATCH_EVERY == 0:
            watch(done, len(profile.samples))
        frames = functions.path(stack)
        path = frames if len(set(frames)) == len(frames) else _without_loops(frames)
        blame = judge(path) if path else functions.missing(stack)
        kept = path is frames and blame is None
        if not functions.changed and not kept:
            # No other stack has become this one: it is no call path, or it does not count.
            del samples[stack]
        if blame is not None:
            left_out[blame] += count
            continue
        leaves[path[-1]] += count
        if functions.changed or not kept:
            packed = pack(path)
            samples[packed] = samples.get(packed, 0) + count
    named = {functions.symbols[index]: count for index, count in leaves.items()}
    return Counted(profile, functions.symbols, samples, named, leaves.total(), dict(sorted(left_out.items())))


class _Functions:
    """The functions that a profile's symbols are of."""

    def __init__(self, symbols: Sequence[str]) -> None:
        indices: dict[str, int] = {}
        names = [normalised(symbol) for symbol in symbols]
        self._renamed = [-1 if name is None else indices.setdefault(name, len(indices)) for name in names]
        self._kernel = {index for index, symbol in enumerate(symbols) if is_kernel(symbol)}
        self.symbols = tuple(indices)
        self.changed = self._renamed != list(range(len(symbols)))

    def path(self, stack: bytes) -> Sequence[int]:
        """Gives the functions of a stack, which may be none."""
        frames = unpack(stack)
        if not self.changed:
            return frames
        path = [self._renamed[index] for index in frames]
        return [index for index in path if index >= 0] if -1 in path else path

    def missing(self, stack: bytes) -> str:
        """Says why a stack has none."""
        return UNNAMED if self._kernel.isdisjoint(unpack(stack)) else KERNEL


def _without_loops(path: Sequence[int]) -> list[int]:
    """Cuts back to the first call of a function each time that it is called again: loop erasure."""
    places: dict[int, int] = {}
    kept: list[int] = []
    for index in path:
        if index in places:
            for dropped in kept[places[index] + 1 :]:
                del places[dropped]
            del kept[places[index] + 1 :]
        else:
            places[index] = len(kept)
            kept.append(index)
    return kept


def _judge(symbols: Sequence[str]) -> Callable[[Sequence[int]], str | None]:
    """Looks each symbol up once, so that a stack costs a few set operations."""
    waiting: dict[int, str] = {}
    aside: dict[int, str] = {}
    internal: dict[int, str] = {}
    for index, symbol in enumerate(symbols):
        for entry in FILTERS:
            for pattern, found in ((entry.waiting, waiting), (entry.aside, aside), (entry.internal, internal)):
                if pattern.fullmatch(symbol):
                    found.setdefault(index, entry.name)

    beside = frozenset(aside)
    known = frozenset({*waiting, *aside, *internal})

    def judge(path: Sequence[int]) -> str | None:
        if known.isdisjoint(path):
            return None
        leaf = path[-1]
        if leaf in waiting:
            return waiting[leaf]
        if not beside.isdisjoint(path):
            return min(aside[index] for index in path if index in aside)
        if leaf in internal and all(internal.get(index) == internal[leaf] for index in path):
            return internal[leaf]
        return None

    return judge
