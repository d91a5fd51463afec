"""What of a profile counts as execution (docs/adr/0022)."""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from webhook.attest.filters import FILTERS, KERNEL, NOTHING, UNNAMED, is_kernel, normalised
from webhook.attest.profile import FRAME, Profile, pack, unpack
from webhook.attest.tally import Watch, unwatched

_BATCH = 256
"""Stacks; even the deepest ones then take no more than some ten megabytes while they are looked at."""


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
    count = _Count(profile, functions)
    left = iter(profile.samples.items())
    for done in range(0, len(profile.samples), _BATCH):
        watch(done, len(profile.samples))
        count.add(dict(islice(left, _BATCH)))
    symbols = functions.symbols
    leaves = {symbols[index]: value for index, value in count.leaves.items()}
    return Counted(
        profile, symbols, count.samples, leaves, count.leaves.total(), dict(sorted(count.left_out.items()))
    )


class _Count:
    """What counts so far."""

    def __init__(self, profile: Profile, functions: "_Functions") -> None:
        self._functions = functions
        self._judge = _Judge(functions.symbols)
        # As a rule most stacks are call paths already, and are taken over as they are.
        self.samples = {} if functions.changed else dict(profile.samples)
        self.leaves: Counter[int] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, stacks: Mapping[bytes, int]) -> None:
        """Adds some stacks of the profile."""
        leaves, changed, unsuspicious = self.leaves, self._functions.changed, self._judge.known.isdisjoint
        for (stack, count), path in zip(stacks.items(), self._functions.paths(stacks), strict=True):
            functions = set(path)
            # A million pass here, and most of them are neither recursive nor waiting.
            if 0 < len(path) == len(functions) and unsuspicious(functions):
                leaf = path[-1]
                leaves[leaf] = leaves.get(leaf, 0) + count
                if changed:
                    self._keep(path, count)
            else:
                self._add_one(stack, path if len(path) == len(functions) else _without_loops(path), count)

    def _add_one(self, stack: bytes, path: Sequence[int], count: int) -> None:
        blame = self._judge.blame(path) if path else self._functions.missing(stack)
        whole = not self._functions.changed and blame is None and len(path) == len(stack) // FRAME
        if not self._functions.changed and not whole:
            # No other stack has become this one: it is no call path, or it does not count.
            del self.samples[stack]
        if blame is not None:
            self.left_out[blame] += count
            return
        self.leaves[path[-1]] += count
        if not whole:
            self._keep(path, count)

    def _keep(self, path: Sequence[int], count: int) -> None:
        packed = pack(path)
        self.samples[packed] = self.samples.get(packed, 0) + count


class _Functions:
    """The functions that a profile's symbols are of."""

    def __init__(self, symbols: Sequence[str]) -> None:
        indices: dict[str, int] = {}
        names = [normalised(symbol) for symbol in symbols]
        self._renamed = [-1 if name is None else indices.setdefault(name, len(indices)) for name in names]
        self._kernel = {index for index, symbol in enumerate(symbols) if is_kernel(symbol)}
        self.symbols = tuple(indices)
        self.changed = self._renamed != list(range(len(symbols)))
        self._partly = None in names

    def paths(self, stacks: Collection[bytes]) -> Iterator[Sequence[int]]:
        """Gives the functions of each stack, which may be none."""
        # All at once: that is two calls for all of them, and not for each.
        frames = array("I", b"".join(stacks)).tolist()
        if self.changed:
            frames = list(map(self._renamed.__getitem__, frames))
        start = 0
        for stack in stacks:
            end = start + len(stack) // FRAME
            path = frames[start:end]
            yield [index for index in path if index >= 0] if self._partly and -1 in path else path
            start = end

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


class _Judge:
    """Looks each symbol up once, so that a stack costs a few set operations.

    Attributes:
        known: The functions that any filter knows; a path without them counts.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._waiting: dict[int, str] = {}
        self._aside: dict[int, str] = {}
        self._internal: dict[int, str] = {}
        rules = [
            (entry.name, pattern.fullmatch, found)
            for entry in FILTERS
            for pattern, found in (
                (entry.waiting, self._waiting),
                (entry.aside, self._aside),
                (entry.internal, self._internal),
            )
            if pattern is not NOTHING
        ]
        for index, symbol in enumerate(symbols):
            for name, matches, found in rules:
                if matches(symbol):
                    found.setdefault(index, name)
        self._beside = frozenset(self._aside)
        self.known = frozenset({*self._waiting, *self._aside, *self._internal})

    def blame(self, path: Sequence[int]) -> str | None:
        """Names the filter that leaves a path out, or None."""
        leaf = path[-1]
        if leaf in self._waiting:
            return self._waiting[leaf]
        if not self._beside.isdisjoint(path):
            return min(self._aside[index] for index in path if index in self._aside)
        if leaf in self._internal and all(self._internal.get(index) == self._internal[leaf] for index in path):
            return self._internal[leaf]
        return None
