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


_STACKS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(tuple)


@given(st.dictionaries(_STACKS, st.integers(1, 1000), min_size=1))
def test_the_order_of_samples_changes_no_byte(samples: dict[Stack, int]) -> None:
    assert flame_graph(counted(samples)) == flame_graph(counted(dict(reversed(samples.items()))))
