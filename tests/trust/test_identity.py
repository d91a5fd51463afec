"""Rules for texts, and what is hardly meant by them."""

import time

import pytest

from tests.support.identities import identity
from webhook.trust.identity import PatternError, TextRule

BROKEN = ["(", "[", "*", "a{2,1}", "(?<=a)b", r"(a)\1", "(?P<a", "\ud800"]
TOO_LARGE = ["a" * 1025, "((a{1,100}){1,100}){1,100}", r"\pL{100}"]


@pytest.mark.parametrize("text", BROKEN + TOO_LARGE, ids=lambda text: text[:12].encode("unicode_escape").decode())
def test_a_pattern_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        TextRule.pattern(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("a|ab", "ab", True),
        ("a", "ab", False),
        ("b", "ab", False),
        ("^ab$", "ab", True),
        (".*", "", True),
        ("", "", True),
        ("", "a", False),
        ("A", "a", False),
        ("(?i)A", "a", True),
    ],
)
def test_a_pattern_matches_whole_texts(pattern: str, value: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert TextRule.pattern(pattern).matches(value) is expected


def test_no_pattern_takes_longer_than_its_text_is_long() -> None:
    # Python's own engine would try 2^1000 ways.
    rule = TextRule.pattern("(a|a)*(a*)*b")
    began = time.perf_counter()
    assert not rule.matches("a" * 1000)
    assert time.perf_counter() - began < 1


ANYBODY = [
    ".*",
    ".+",
    "^.*$",
    "(.*)",
    ".*@.*",
    "[^@]+@[^@]+",
    "https://.*",
    ".*!.*",
    ".*@gmail.com",
    "https://github.com/.*",
    "https://github.com/.*/.github/workflows/.*|https://github.com/.*",
    "https://gitlab.com/.*",
]
SOMEBODY = [
    ".*@example.com",
    "https://github.com/shop/.*",
    "https://github.com/shop/cart/.github/workflows/soak.yml@.*",
    "(alice|bob)@gmail.com",
    "robot@example.com",
]


@pytest.mark.parametrize("pattern", ANYBODY)
def test_a_pattern_for_anybody_gets_a_remark(pattern: str) -> None:
    found = identity(TextRule.pattern(pattern)).remark
    assert found == "subjectRegExp matches strangers: anybody can get such a subject."


@pytest.mark.parametrize("pattern", SOMEBODY)
def test_a_pattern_for_somebody_gets_none(pattern: str) -> None:
    assert identity(TextRule.pattern(pattern)).remark is None


@pytest.mark.parametrize(
    ("pattern", "remarked"), [(".*", True), ("https://.*", True), (r"https://[a-z]+\.example\.com", False)]
)
def test_a_pattern_for_any_issuer_gets_a_remark(pattern: str, remarked: bool) -> None:  # noqa: FBT001 - a table's column
    found = identity(issuer=TextRule.pattern(pattern)).remark
    assert found == ("issuerRegExp matches every issuer, so anybody can be its subject." if remarked else None)


def test_exact_texts_get_no_remark() -> None:
    assert identity(".*", ".*").remark is None
