"""Hostile headers of a registry: they raise one error, take no time, and never grow."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from tests.support.deadline import at_most
from webhook.limits import LIMITS
from webhook.stores.registry.auth.realm import token_service
from webhook.stores.registry.transport.failure import RegistryError, parse_retry_after
from webhook.stores.registry.transport.headers import HeaderError, next_link, parse_challenges
from webhook.stores.registry.transport.messages import Request

PIECES = st.sampled_from(
    [
        "Bearer",
        "Basic",
        " ",
        "\t",
        ",",
        ";",
        "=",
        '"',
        "\\",
        "<",
        ">",
        "realm",
        "scope",
        "rel",
        "next",
        "a",
        "/",
        "==",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join))
NAME = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
WORDS = ["Fri,", "01", "32", "Jan", "2021", "99999", "00:00:00", "25:61:61", "GMT", "+9999", "-0000", "(a)", "\\"]
DATES = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
HEADER_BYTES = 8190  # aiohttp's cap on one header.


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(TEXTS, max_size=3))
@example(['Bearer realm="'])
@example(["Bearer ="])
def test_challenge_parser_raises_its_own_error_alone(values: list[str]) -> None:
    try:
        challenges = parse_challenges(values)
    except HeaderError:
        return
    size = sum(map(len, values))
    assert sum(len(key) + len(text) for entry in challenges for key, text in entry.parameters.items()) <= size


@given(st.dictionaries(NAME, st.dictionaries(NAME, VALUE, max_size=4), max_size=4))
def test_challenges_are_read_back_as_they_were_written(content: dict[str, dict[str, str]]) -> None:
    text = ", ".join(
        f"{scheme} {', '.join(f'{name}={_quoted(value)}' for name, value in parameters.items())}".strip()
        for scheme, parameters in content.items()
    )
    assert {entry.scheme: dict(entry.parameters) for entry in parse_challenges([text])} == content


@given(st.lists(TEXTS, max_size=3))
def test_link_parser_raises_its_own_error_alone(values: list[str]) -> None:
    try:
        target = next_link(values)
    except HeaderError:
        return
    assert target is None or f"<{target}>" in ", ".join(values)


@given(TEXTS, TEXTS)
def test_realm_is_one_of_https_or_an_error(realm: str, scope: str) -> None:
    try:
        (challenge,) = parse_challenges([f"Bearer realm={_quoted(realm)},scope={_quoted(scope)}"])
        request = Request("registry.example.com", "manifest", URL("https://registry.example.com/v2/"), 1)
        service = token_service(request, challenge, "a")
    except (HeaderError, RegistryError):
        return
    assert service.realm.scheme == "https"
    assert service.realm.raw_host


@given(st.one_of(st.text(max_size=40), DATES))
@example("Fri, 01 Jan 2021 00:00:00 +99999999999")
@example("01 Jan 99999999999 00:00:00")
def test_wish_to_wait_is_a_number_in_bounds_or_none(text: str) -> None:
    seconds = parse_retry_after(text)
    assert seconds is None or 0 <= seconds <= LIMITS.registry_retry_after


@pytest.mark.parametrize(
    "unit",
    ["a", "a=", 'a="', '\\"', "a,", "a ", " ", "\t", ",", "=", '"', "<", "<a>", "<a>;", ";a=b", ";rel=next"],
)
@pytest.mark.parametrize("start", ["", "Bearer ", 'Bearer a="', "<", "<a>", '<a>; rel="'])
def test_longest_header_takes_no_time(start: str, unit: str) -> None:
    text = (start + unit * HEADER_BYTES)[: HEADER_BYTES - 1] + "!"

    def seconds() -> float:
        # Time of this process alone: a busy machine is no finding.
        begin = time.process_time()
        for parse in (parse_challenges, next_link):
            try:
                parse([text])
            except HeaderError:
                continue
        return time.process_time() - begin

    with at_most(20):
        # The slowest takes 5 ms. The least of three: other threads of the tests count as well.
        assert min(seconds() for _ in range(3)) < 0.1
