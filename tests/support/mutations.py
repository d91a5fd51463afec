"""Strategies that damage good documents: bytes at random places, or any node of a JSON tree."""

import copy
from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", "sha256", "staging", "2026-11-24T06:00:00Z", "e30=", "\ud800", "NaN"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged_bytes(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes with up to four cuts, each replaced by a few bytes."""
    data = good
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        data = data[:start] + draw(st.binary(max_size=8)) + data[end:]
    return data


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(node, dict):
        found += [place for name, value in node.items() for place in _places(value, (*path, name))]
    elif isinstance(node, list):
        found += [place for index, value in enumerate(node) for place in _places(value, (*path, index))]
    return found


@st.composite
def damaged_tree(draw: st.DrawFn, good: Any) -> Any:
    """A good JSON document in which one or two nodes are replaced, taken out, or joined by another member."""
    tree = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from([place for place in _places(tree) if place] or [(None,)]))
        if last is None:
            return draw(JSON)
        parent = tree
        for step in above:
            parent = parent[step]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            parent[last] = draw(JSON)
        elif change == "remove":
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["mediaType", "certificate", "observedFrom", "x"]))] = draw(JSON)
        else:
            parent.append(draw(JSON))
    return tree
