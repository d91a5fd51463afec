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


def test_no_group_of_a_pattern_is_remembered() -> None:
    # RE2 itself takes 140 ms to tell where each of 200 groups matched, and nobody asks for that.
    rule = TextRule.pattern("(.*)" * 200)

    def seconds() -> float:
        began = time.process_time()
        assert rule.matches("a" * 4000)
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 0.01


def test_a_refused_pattern_is_written_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    # RE2 writes to the process' standard error by itself, past all that keeps texts out of logs.
    with pytest.raises(PatternError):
        TextRule.pattern("(?P<somebody@example.com")
    assert capfd.readouterr() == ("", "")


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
NOBODY = [
    r"https://github\.com/.*/.*/\.github/workflows/evidence\.yml@.*",
    "https://github.com/[^/]+/cart/.github/workflows/evidence.yml@refs/heads/main",
    "https://github.com/shop.*",
    "https?://github.com/shop.*",
    "https://github.com/shop/?.*",
    "https://github.com/shop/.*|https://github.com/store.*",
    "^(https://github.com/shop/.*|https://github.com/store.*)$",
    r"https://gitlab\.com/shop.*//\.gitlab-ci\.yml@refs/heads/main",
    "https://kubernetes.io/namespaces/.*",
    "https://kubernetes.io/namespaces/staging.*",
    "https://ci.example.com.*",
    "https://[a-z.]+/shop/cart",
    "spiffe://.*",
    ".*cart.*",
    "https://[^/]+/soak.yml@main",
    ".*/.github/workflows/evidence.yml@refs/heads/main",
    "robot@.*",
    r"robot@example\.com.*",
    "robot!.*",
]
SOMEBODY = [
    ".*@example.com",
    "https://github.com/shop/.*",
    "https://github.com/shop/cart/.github/workflows/soak.yml@.*",
    "(alice|bob)@gmail.com",
    "robot@example.com",
    "robot@example[.]com",
    r"^[a-z]+@(example|shop)\.com$",
    r"[a-z]+!example\.com",
    "https?://github.com/shop/.*",
    r"^https://github\.com/(shop|store)/.*$",
    "^(https://github.com/shop/.*|https://github.com/store/.*)$",
    "https://github[.]com/shop/c.+",
    "https://gitlab.com/shop/.*",
    "https://kubernetes.io/namespaces/staging/serviceaccounts/.*",
    "https://ci.example.com/.*",
    "spiffe://example.org/.*",
    "[a-z]+@example[.]com",
    "[a|b]+@example.com",
    "https://github.com/shop",
    "(?i)https://github.com/shop/.*",
]


@pytest.mark.parametrize("pattern", ANYBODY)
def test_a_pattern_for_anybody_gets_a_remark(pattern: str) -> None:
    found = identity(TextRule.pattern(pattern)).remark
    assert found == "subjectRegExp matches strangers: anybody can get such a subject."


@pytest.mark.parametrize("pattern", NOBODY)
def test_a_pattern_that_names_nobody_gets_a_remark(pattern: str) -> None:
    told = (
        "subjectRegExp leaves open whose subject it is: write host and owner out (`https://github.com/OWNER/`), or "
        "the domain to its end."
    )
    assert identity(TextRule.pattern(pattern)).remark == told


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
