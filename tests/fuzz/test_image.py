"""References and patterns: one exception, one full form, and host and path apart."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.deadline import at_most
from webhook.errors import ImageReferenceError
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.pattern import RepositoryPattern

NAMES = ["a", "redis", "library", "docker.io", "index.docker.io", "localhost", "[::1]", "A", "Docker.io", "Foo"]
SIGNS = [":", "/", "@", ".", "_", "-", "--", ":5000", ":tag", "\n", " ", "\u0435", "*", "%"]
DIGESTS = ["@sha256:" + "0" * 64, "@sha512:" + "0" * 128, "0" * 64, "x" * 200]
PIECES = st.sampled_from([*NAMES, *SIGNS, *DIGESTS])
TEXTS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=8).map("".join))
LABEL = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
HOSTS = st.one_of(
    st.just("docker.io"),
    st.tuples(LABEL, LABEL).map(".".join),
    st.tuples(LABEL, LABEL, st.just("trusted.com")).map(".".join),
    LABEL.map(lambda label: f"{label}:5000"),
)
PATHS = st.lists(st.one_of(LABEL, st.sampled_from(["team", "trusted.com"])), min_size=2, max_size=4).map("/".join)


def _full_form(reference: ImageReference) -> str:
    tag = "" if reference.tag is None else f":{reference.tag}"
    digest = "" if reference.digest is None else f"@{reference.digest}"
    return f"{reference.repository}{tag}{digest}"


@given(TEXTS)
@example("Docker.io/redis")
@example("Foo/bar:1")
def test_parser_raises_its_own_error_alone_and_its_full_form_is_stable(text: str) -> None:
    try:
        reference = ImageReference.parse(text)
    except ImageReferenceError:
        return
    assert ImageReference.parse(_full_form(reference)) == reference


@given(HOSTS, PATHS, st.sampled_from([None, "1.2"]), st.sampled_from([None, "sha256:" + "0" * 64]))
def test_full_form_is_read_back_part_by_part(host: str, path: str, tag: str | None, digest: str | None) -> None:
    reference = ImageReference(host, path, tag, digest)
    assert ImageReference.parse(_full_form(reference)) == reference


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a-", "a_", "-", "_", "__", ".", ":", "/", "a/", "[", "[:", "@", "A", "a:1/", "sha256:0", "\u0435"],
)
@pytest.mark.parametrize("end", ["", "!", "/!", "/a", ":!", "@!"])
def test_longest_reference_takes_no_time(unit: str, end: str) -> None:
    text = (unit * LIMITS.reference_characters)[: LIMITS.reference_characters - len(end)] + end
    with at_most(0.5):
        try:
            ImageReference.parse(text)
        except ImageReferenceError:
            return


@given(TEXTS)
def test_pattern_parser_raises_value_errors_alone(text: str) -> None:
    try:
        pattern = RepositoryPattern.parse(text)
    except ValueError:
        return
    assert pattern.text == text


@given(HOSTS, PATHS)
def test_pattern_of_a_team_matches_its_host_and_folder_alone(host: str, path: str) -> None:
    pattern = RepositoryPattern.parse("a.trusted.com/team/*")
    expected = host == "a.trusted.com" and path.startswith("team/")
    assert pattern.matches(f"{host}/{path}") is expected


@given(HOSTS, PATHS)
def test_pattern_of_a_domain_matches_its_sub_domains_alone(host: str, path: str) -> None:
    pattern = RepositoryPattern.parse("*.trusted.com/*")
    assert pattern.matches(f"{host}/{path}") is host.endswith(".trusted.com")


@given(HOSTS, PATHS)
def test_exact_pattern_matches_itself_alone(host: str, path: str) -> None:
    pattern = RepositoryPattern.parse(f"{host}/{path}")
    assert pattern.matches(f"{host}/{path}")
    assert not pattern.matches(f"{host}/{path}/x")
    assert not pattern.matches(f"evil.com/{host}/{path}")
    assert not pattern.matches(f"{host}.evil.com/{path}")
