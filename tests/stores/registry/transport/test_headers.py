"""The grammar of challenges and links; the values are the specifications' own examples where they have any."""

import pytest

from webhook.stores.registry.transport.headers import Challenge, HeaderError, next_link, parse_challenges

# RFC 9110, section 11.6.1; distribution's token specification; RFC 7235's list with a token68 before the last.
DOCKER = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:samalba/my-app:pull,push"'
)
CHALLENGES: list[tuple[list[str], list[Challenge]]] = [
    (
        ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
        [
            Challenge("basic", {"realm": "simple"}),
            Challenge("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
        ],
    ),
    (
        [DOCKER],
        [
            Challenge(
                "bearer",
                {
                    "realm": "https://auth.docker.io/token",
                    "service": "registry.docker.io",
                    "scope": "repository:samalba/my-app:pull,push",
                },
            )
        ],
    ),
    (['Basic realm="a"', "Negotiate"], [Challenge("basic", {"realm": "a"}), Challenge("negotiate", {})]),
    (["Negotiate, Basic realm=a"], [Challenge("negotiate", {}), Challenge("basic", {"realm": "a"})]),
    (["Negotiate YWJj==, Basic realm=a"], [Challenge("negotiate", {}), Challenge("basic", {"realm": "a"})]),
    (['BEARER Realm = "x" , SCOPE=""'], [Challenge("bearer", {"realm": "x", "scope": ""})]),
    ([", ,Basic realm=a,,"], [Challenge("basic", {"realm": "a"})]),
    ([""], []),
    ([], []),
]
BAD_CHALLENGES = [
    'Bearer realm="x',
    'Bearer realm="x\\"',
    "Bearer realm=x y",
    'Bearer realm="a",realm="b"',
    'Bearer realm="a" service="b"',
    'realm="x"',
    '"Bearer"',
    "Bearer realm=https://x",
    "\xff",
]

LINKS: list[tuple[list[str], str | None]] = [
    # RFC 8288, section 3.5.
    (['<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"'], None),
    (['</terms>; rel="copyright"; anchor="#foo"'], None),
    (["</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel"], "/TheBook/chapter4"),
    (['<http://example.org/>; rel="start http://example.net/relation/other"'], None),
    (['<https://example.org/>; rel="start"', '<https://example.org/index>; rel="index"'], None),
    # The forms that registries write.
    (['</v2/a/referrers/sha256:0?n=2&last=b>; rel="next"'], "/v2/a/referrers/sha256:0?n=2&last=b"),
    (["</a>; rel=next"], "/a"),
    (['</a>;REL="NEXT"'], "/a"),
    (['</a>; rel="prev next"'], "/a"),
    (['</a>; rel=prev, </b>; rel="next"'], "/b"),
    (['</a,b;c>; rel="next"'], "/a,b;c"),
    (['<>; rel="next"'], ""),
    (["</a>"], None),
    (["</a>; rel"], None),
    (['</a>; rel="nextish"'], None),
    (['</a>; title="; rel=next"'], None),
    ([""], None),
    ([], None),
]
BAD_LINKS = [
    "/a",
    "<a",
    '<a>; rel="next',
    '<a> <b>; rel="next"',
    '<a>; rel="next" junk',
    '<a>; rel="next", <b>; rel="next"',
    '<<a>>; rel="next"',
]


@pytest.mark.parametrize(("values", "challenges"), CHALLENGES)
def test_challenges_are_read(values: list[str], challenges: list[Challenge]) -> None:
    assert list(parse_challenges(values)) == challenges


@pytest.mark.parametrize("value", BAD_CHALLENGES)
def test_challenge_against_the_grammar_is_refused_whole(value: str) -> None:
    with pytest.raises(HeaderError):
        parse_challenges(["Basic realm=x", value])


@pytest.mark.parametrize(("values", "target"), LINKS)
def test_next_link_is_found(values: list[str], target: str | None) -> None:
    assert next_link(values) == target


@pytest.mark.parametrize("value", BAD_LINKS)
def test_link_against_the_grammar_is_refused_whole(value: str) -> None:
    with pytest.raises(HeaderError):
        next_link([value])
