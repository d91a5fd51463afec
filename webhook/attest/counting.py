"""The rules that turn a profile into the two counts, by name (docs/adr/0022).

A predicate names the rules that it was made with, so that nobody has to guess what "hot" meant. A rule never
changes once it has a name; another rule gets another name.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from webhook.attest.counted import Counted
from webhook.attest.profile import FRAME, unpack

HotSymbolRule = Callable[[Counted], Mapping[str, int]]
"""Profile to the hot symbols with what was measured there."""
CallPathRule = Callable[[Counted], int]
"""Profile to the number of unique call paths."""

LEAF_SHARE = "leaf-share>=1%@2"
DISTINCT_PATHS = "distinct-paths@2"
FIRST_LEAF_SHARE = "leaf-share>=1%"
DISTINCT_STACKS = "distinct-stacks"

LEAST_SAMPLES = 10
"""A hot symbol of `leaf-share>=1%@2` was seen at least as often."""
LEAST_NANOSECONDS = 100_000_000
"""Where time is measured: as long as ten samples take at the usual 100 a second."""

_PERCENT = 100


def leaf_share(counted: Counted) -> dict[str, int]:
    """Finds the functions in which the program spent at least 1 % of what counts (`leaf-share>=1%@2`).

    Args:
        counted: Any profile.

    Returns:
        Each function that is the leaf of at least 1 % of what counts, and of at least ten samples or 100 ms. In
        whole numbers, so that a share of exactly 1 % counts whatever the sum.
    """
    least = LEAST_NANOSECONDS if counted.profile.measure.endswith("/nanoseconds") else LEAST_SAMPLES
    hot = {symbol: count for symbol, count in counted.leaves.items() if count >= least}
    return {symbol: count for symbol, count in hot.items() if count * _PERCENT >= counted.total}


def distinct_paths(counted: Counted) -> int:
    """Counts call paths of functions (`distinct-paths@2`).

    Args:
        counted: Any profile.

    Returns:
        The number of distinct paths, outermost caller to leaf, without loops, on which anything counts.
    """
    return len(counted.samples)


def first_leaf_share(counted: Counted) -> dict[str, int]:
    """Finds the leaves of at least 1 % of all samples (`leaf-share>=1%`), waiting or not.

    Args:
        counted: Any profile; the filters do not matter here.

    Returns:
        Each symbol that is such a leaf, with what was measured there.
    """
    profile = counted.profile
    leaves: Counter[bytes] = Counter()
    for stack, count in profile.samples.items():
        leaves[stack[-FRAME:]] += count
    total = leaves.total()
    hot = {leaf: count for leaf, count in leaves.items() if count * _PERCENT >= total}
    return {profile.symbols[unpack(leaf)[0]]: count for leaf, count in hot.items()}


def distinct_stacks(counted: Counted) -> int:
    """Counts distinct stacks as the profiler wrote them (`distinct-stacks`).

    Args:
        counted: Any profile; the filters do not matter here.

    Returns:
        The number of distinct stacks, from the outermost caller to the leaf.
    """
    return len(counted.profile.samples)


HOT_SYMBOL_RULES: Mapping[str, HotSymbolRule] = MappingProxyType(
    {LEAF_SHARE: leaf_share, FIRST_LEAF_SHARE: first_leaf_share}
)
"""Name to rule for hot symbols."""
CALL_PATH_RULES: Mapping[str, CallPathRule] = MappingProxyType(
    {DISTINCT_PATHS: distinct_paths, DISTINCT_STACKS: distinct_stacks}
)
"""Name to rule for call paths."""
