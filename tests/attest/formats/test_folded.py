from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import read, stacks
from webhook.attest import tally
from webhook.attest.formats.folded import MEDIA_TYPE
from webhook.attest.profile import Profile, ProfileError, Stack
from webhook.limits import LIMITS

PROFILES = Path(__file__).parents[3] / "manifests" / "examples" / "profiles"


def parse(text: str) -> Profile:
    return read(text, "folded")


def render(samples: dict[Stack, int]) -> str:
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in samples.items())


_CHARACTERS = st.characters(exclude_characters=";", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"])
_SYMBOLS = st.text(_CHARACTERS, min_size=1).flatmap(
    lambda word: st.sampled_from([word, f"{word} ({word}.py:3)", f"{word}_[k]"])
)
_STACKS = st.lists(_SYMBOLS, min_size=1, max_size=8).map(tuple).filter(lambda stack: not stack[0].startswith("#"))


@given(st.dictionaries(_STACKS, st.integers(1, 2**40), min_size=1))
def test_parsing_a_rendered_profile_gives_the_same_profile(samples: dict[Stack, int]) -> None:
    assert stacks(render(samples), "folded") == samples


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    try:
        profile = read(data, "folded")
    except ProfileError:
        return
    assert profile.total >= 1
    assert all(all(stack) for stack, _ in profile.stacks())


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("a;b;c 42\n", {("a", "b", "c"): 42}),
        ("a 1", {("a",): 1}),
        ("a;b 1\na;b 2\n", {("a", "b"): 3}),
        ("a;b 1\r\n\r\nc 2\r\n", {("a", "b"): 1, ("c",): 2}),
        ("# mode: wall\na 1\n", {("a",): 1}),
        ("a 0\nb 1\n", {("b",): 1}),
        ("a\t7\n", {("a",): 7}),
        ("main (app.py:3);do it 5\n", {("main (app.py:3)", "do it"): 5}),
        ("swapper;start_kernel_[k];cpu_idle_[k] 1\n", {("swapper", "start_kernel_[k]", "cpu_idle_[k]"): 1}),
        ("operator new(int);std::map<a, b>::find 9\n", {("operator new(int)", "std::map<a, b>::find"): 9}),
        ("größe;日本 3\n", {("größe", "日本"): 3}),
        ("a 007\n", {("a",): 7}),
        (" 1\na 2\n\t3\n", {("[unknown]",): 4, ("a",): 2}),
    ],
)
def test_a_line_is_a_stack_and_a_count(text: str, samples: dict[Stack, int]) -> None:
    assert stacks(text, "folded") == samples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ok 1\na;b\n", "line 2: it is not `frame;frame count`"),
        ("42\n", "line 1: it is not `frame;frame count`"),
        ("\n\na;b x\n", "line 3: its last word is not a count"),
        ("a;b 1.5\n", "line 1: its last word is not a count"),
        ("a;b -1\n", "line 1: its last word is not a count"),
        ("a;b +1\n", "line 1: its last word is not a count"),
        ("a;b 1_0\n", "line 1: its last word is not a count"),
        ("a;b ٣\n", "line 1: its last word is not a count"),
        ("a;b 99999999999999999999\n", "line 1: its last word is not a count"),
        (f"a 1\nb {2**63 - 1}\n", "line 2: the sum of all counts is out of range"),
        ("a;;b 1\n", "line 1: it has an empty frame"),
        (";a 1\n", "line 1: it has an empty frame"),
        ("a; 1\n", "line 1: it has an empty frame"),
        ("", "it holds no samples"),
        ("# nothing\n\n", "it holds no samples"),
        ("a;b 0\n", "it holds no samples"),
    ],
)
def test_a_bad_profile_is_refused_with_the_line_at_fault(text: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)


def test_bytes_that_are_not_utf8_are_refused_with_the_line_at_fault() -> None:
    with pytest.raises(ProfileError, match=r"^line 2: it is not UTF-8$"):
        read(b"a 1\n\xff\xfe 2\n", "folded")


def test_the_highest_sum_is_accepted() -> None:
    assert parse(f"a {2**63 - 2}\nb 1\n").total == 2**63 - 1


def test_a_line_may_be_as_long_as_the_limit_and_no_longer() -> None:
    frame = "a" * (LIMITS.profile_line_bytes - len(" 1\n"))
    assert parse(f"{frame} 1\n").total == 1
    with pytest.raises(ProfileError, match=f"^line 1: it is longer than {LIMITS.profile_line_bytes} bytes$"):
        parse(f"{frame}a 1\n")


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("profile_stacks", 2, "a 1\nb 1\n{}c 1\n"),
        ("profile_frames", 5, "a;a;a 1\nb;b 1\n{}c 1\n"),
        ("profile_symbols", 3, "a;b;c 1\n{}a;d 1\n"),
    ],
)
def test_what_is_held_is_limited(monkeypatch: pytest.MonkeyPatch, limit: str, value: int, text: str) -> None:
    monkeypatch.setattr(tally, "LIMITS", replace(LIMITS, **{limit: value}))
    assert parse(text.format("#")).total >= 1
    with pytest.raises(ProfileError, match=f" {value} (distinct|frames)"):
        parse(text.format(""))


def test_the_media_type_is_told() -> None:
    assert [source.media_type for source in parse("a;b 1").sources] == [MEDIA_TYPE]


@pytest.mark.parametrize("name", ["cart.folded", "cart-smoke.folded"])
def test_the_example_profiles_are_real_and_name_no_folder_of_a_machine(name: str) -> None:
    text = (PROFILES / name).read_text("utf-8")
    # The sum of the last words, by plain string work.
    assert parse(text).total == sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines())
    assert not any(f"({folder}" in text for folder in "/.~")
