"""The rules that turn a profile into the two counts, by name.

A predicate names the rules that it was made with, so that nobody has to guess what "hot" meant. A rule never
changes once it has a name; another rule gets another name.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

from webhook.attest.profile import Profile

HotSymbolRule = Callable[[Profile], Mapping[str, int]]
"""Profile to the hot symbols with their samples."""
CallPathRule = Callable[[Profile], int]
"""Profile to the number of unique call paths."""

LEAF_SHARE = "leaf-share>=1%"
DISTINCT_STACKS = "distinct-stacks"

_PERCENT = 100


def leaf_share(profile: Profile) -> dict[str, int]:
    """Finds the symbols in which the program spent at least 1 % of its samples (`leaf-share>=1%`).

    Args:
        profile: Any profile.

    Returns:
        Each symbol that is the leaf of at least 1 % of all samples, with those samples. In whole numbers, so that
        a share of exactly 1 % counts whatever the sum.
    """
    leaves: Counter[str] = Counter()
    for stack, samples in profile.samples.items():
        leaves[stack[-1]] += samples
    total = profile.sample_count
    return {symbol: samples for symbol, samples in leaves.items() if samples * _PERCENT >= total}


def distinct_stacks(profile: Profile) -> int:
    """Counts call paths as distinct stacks, from the outermost caller to the leaf (`distinct-stacks`).

    Args:
        profile: Any profile.

    Returns:
        The number of distinct stacks.
    """
    return len(profile.samples)


HOT_SYMBOL_RULES: Mapping[str, HotSymbolRule] = MappingProxyType({LEAF_SHARE: leaf_share})
"""Name to rule for hot symbols."""
CALL_PATH_RULES: Mapping[str, CallPathRule] = MappingProxyType({DISTINCT_STACKS: distinct_stacks})
"""Name to rule for call paths."""
