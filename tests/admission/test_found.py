"""What is found, in words for where the evidence itself may not be shown."""

import pytest

from tests.admission.requests import ELSEWHERE, OLD, SEEN, STRANGER, THIN, UNREADABLE, UNSEEN, deployment, review
from tests.admission.world import World

STALE = {"MaxEvidenceAge": "720h"}
WORDS: list[tuple[str, str, str]] = [
    ("sufficient", SEEN, "a statement in directory:seen.json, signed by staging"),
    ("too little", THIN, "a statement in directory:thin.json, signed by staging"),
    ("a stranger's", STRANGER, "a statement in directory:stranger.json signed by no key that may speak for it"),
    ("too old", OLD, "a statement in directory:old.json that is older than MaxEvidenceAge"),
    (
        "another environment's",
        ELSEWHERE,
        "a statement in directory:elsewhere.json from an environment that does not count here",
    ),
    ("malformed", UNREADABLE, "a statement in directory:unreadable.json that does not follow its contract"),
    ("none", UNSEEN, "no statement about this digest"),
]


@pytest.mark.parametrize(("_name", "image", "words"), WORDS, ids=[row[0] for row in WORDS])
async def test_what_may_not_be_shown_is_told_by_place_and_rule(
    world: World, _name: str, image: str, words: str
) -> None:
    decision = await world.decide(review(deployment(image)), settings=world.settings(STALE, disclosure={}))
    assert decision.images[0].found == words


async def test_the_verdict_does_not_depend_on_what_may_be_shown(world: World) -> None:
    for _, image, _ in WORDS:
        body = review(deployment(image))
        shown = await world.said(body, settings=world.settings(STALE))
        assert await world.said(body, settings=world.settings(STALE, disclosure={})) == shown
