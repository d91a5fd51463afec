from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import counted
from webhook.attest.flame_graph import flame_graph
from webhook.attest.profile import Stack

SVG = "{http://www.w3.org/2000/svg}"


def drawn(samples: dict[Stack, int]) -> dict[str, list[tuple[float, float, float]]]:
    """The rectangles by the symbol in their titles: left, top, width."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for group in ET.fromstring(flame_graph(counted(samples))).iter(f"{SVG}g"):  # noqa: S314 - our own
        title, box = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        assert title is not None
        assert title.text is not None
        assert box is not None
        place = (float(box.attrib["x"]), float(box.attrib["y"]), float(box.attrib["width"]))
        found.setdefault(title.text.rpartition(" (")[0], []).append(place)
    return found


def test_a_function_is_as_wide_as_its_share_and_stands_on_its_caller() -> None:
    found = drawn({("main", "a"): 25, ("main", "b"): 50, ("main",): 25})
    (main,), (first,), (second,) = found["main"], found["a"], found["b"]
    assert (main[0], main[2]) == (0, 1200)
    assert (first[0], first[2]) == (0, 300)
    assert (second[0], second[2]) == (300, 600)
    assert first[1] == second[1] < main[1]


def test_what_was_left_out_is_not_drawn() -> None:
    assert drawn({("main", "epoll_wait"): 9, ("main", "a"): 1}).keys() == {"main", "a"}
    assert drawn({("main", "epoll_wait"): 9}) == {}


@pytest.mark.parametrize(
    "symbol",
    [
        "</title><script>alert(1)</script>",
        '" onload="alert(1)',
        "std::map<a, b>::operator&&",
        "]]>",
        "\x1b[31m\x00\u202e",
        "&#0;",
    ],
)
def test_no_symbol_leaves_its_text(symbol: str) -> None:
    svg = flame_graph(counted({("main", symbol): 10}))
    tree = ET.fromstring(svg)  # noqa: S314 - our own
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= {"svg", "g", "title", "rect", "text"}
    names = {name for element in tree.iter() for name in element.attrib}
    assert names <= {"x", "y", "width", "height", "fill", "viewBox", "font-family", "font-size"}
    assert b"\x1b" not in svg


def test_what_is_too_narrow_is_not_drawn() -> None:
    samples: dict[Stack, int] = {("main", f"s{number}"): 1 for number in range(10_000)}
    assert drawn(samples).keys() == {"main"}


def test_a_deep_path_is_drawn_to_a_level() -> None:
    assert len(drawn({tuple(f"f{level}" for level in range(2000)): 1})) == 256


def hedge(stacks: int, levels: int) -> dict[Stack, int]:
    """Stacks without a common function, `stacks` times `levels` boxes in all; the first ones are the widest."""
    names = ['&"' * 495 + f"{number:04}" for number in range(stacks)]
    return {
        tuple(f"{name}{level:03}" for level in range(levels)): stacks - at // 100 for at, name in enumerate(names)
    }


def test_a_drawing_has_a_bound_in_bytes() -> None:
    svg = flame_graph(counted(hedge(400, 50)))
    assert svg.count(b"<g>") == 10_000
    # A title has 200 characters and a label 160, each at most `&quot;` or four bytes; 400 bytes are around them.
    assert len(svg) < 10_000 * (6 * (200 + 160) + 400)
    assert b"; the 10000 widest of 20000 boxes</text>" in svg


def test_the_widest_are_drawn_and_none_without_its_caller() -> None:
    # By hundreds 400, 399, 398 and 397 samples wide, 49 levels each: two hundreds have 9800 boxes, and of the third
    # one the two lowest levels are drawn.
    found = drawn(hedge(400, 49))
    places = [place for boxes in found.values() for place in boxes]
    lowest = max(top for _, top, _ in places)
    standing = {(left, top) for left, top, _ in places}
    assert all(top == lowest or (left, top + 17) in standing for left, top, _ in places)
    total = sum(100 * (400 - hundred) for hundred in range(4))
    assert min(width for *_, width in places) == pytest.approx(1200 * 398 / total, abs=0.01)


def test_a_drawing_that_is_whole_says_nothing_of_others() -> None:
    assert b">10 of 10 samples/count</text>" in flame_graph(counted({("main", "a"): 10}))


def test_a_title_is_cut() -> None:
    assert max(map(len, drawn({("main", "x" * 1000): 10}))) == 200


_STACKS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(tuple)


@given(st.dictionaries(_STACKS, st.integers(1, 1000), min_size=1))
def test_the_order_of_samples_changes_no_byte(samples: dict[Stack, int]) -> None:
    assert flame_graph(counted(samples)) == flame_graph(counted(dict(reversed(samples.items()))))
