"""What a person reads of a warning, and how foreign text is made fit to show."""

from typing import Any

import pytest

from tests.admission.requests import (
    ALSO_UNSEEN,
    ELSEWHERE,
    STRANGER,
    UNSEEN,
    containers,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import World
from tests.harness.evidence import REPOSITORY
from webhook.model.printable import printable

WARN = "execution-evidence: No execution evidence found for this artifact (warn mode)"
ATTEST = "run it in staging with profiling on, then `evidence-gate attest`"


async def warnings(world: World, body: bytes, **sections: Any) -> list[str]:
    answer = await world.answer(body, settings=world.settings({"MissingEvidenceAction": "Warn"}, **sections))
    texts: list[str] = answer["warnings"]
    return texts


async def test_a_warning_says_image_finding_and_next_step(world: World) -> None:
    digest = UNSEEN.partition("sha256:")[2]
    assert await warnings(world, review(deployment(UNSEEN))) == [
        WARN,
        f"image cart@sha256:{digest[:12]}…: EvidenceMissing: no statement about this digest",
        f"next: {ATTEST}",
    ]


async def test_a_warning_is_not_given_twice(world: World) -> None:
    texts = await warnings(world, review(deployment(UNSEEN, ALSO_UNSEEN, UNSEEN)))
    assert len(texts) == len(set(texts)) == 4
    assert texts[0] == WARN


async def test_only_images_that_lack_something_are_warned_about(world: World) -> None:
    body = review(deployment("redis", UNSEEN))
    texts = await warnings(world, body, exemptImages=["docker.io/library/redis"])
    assert not any("redis" in text for text in texts)


async def test_an_object_that_cannot_be_read_is_warned_about(world: World) -> None:
    assert await warnings(world, review(deployment(7))) == [
        WARN,
        "found: the Deployment has no readable pod template (WorkloadNotSupported)",
        "next:  add the kind to the gate's `workloads`, or deploy a kind that it can read",
    ]


EUROS = "\u20ac" * 200
LONG: dict[str, bytes] = {
    "a long tag": review(deployment(f"{REPOSITORY}:{'t' * 128}")),
    "a long path": review(deployment(UNSEEN.replace("cart", "c" * 200))),
    "a long invalid reference": review(deployment("A" * 5000)),
    "a long finding": review(deployment(ELSEWHERE, STRANGER)),
    "many images": review(deployment(*[f"a/b@sha256:{index:012x}{'0' * 52}" for index in range(300)])),
    "many images of many bytes": review(deployment(*[f"{EUROS}{index}" for index in range(300)])),
}


@pytest.mark.parametrize("case", LONG)
async def test_warnings_keep_within_the_api_servers_limits(world: World, case: str) -> None:
    texts = await warnings(world, LONG[case], helpUrl=f"https://wiki.example.com/{'x' * 83}")
    assert texts[0] == WARN
    assert max(map(len, texts)) <= 120
    assert sum(len(text.encode()) for text in texts) <= 4096
    assert all(text.isprintable() for text in texts)


async def test_many_warnings_fill_the_space_that_there_is(world: World) -> None:
    texts = await warnings(world, LONG["many images"])
    assert sum(len(text.encode()) for text in texts) > 4096 - 120


@pytest.mark.parametrize("lists", [{"initContainers": containers(UNSEEN)}, {}])
async def test_a_short_digest_is_enough_to_find_the_image(world: World, lists: dict[str, Any]) -> None:
    body = review(workload("Deployment", pod(UNSEEN, **lists)))
    assert any(UNSEEN.partition("sha256:")[2][:12] in text for text in await warnings(world, body))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", 5, "plain"),
        ("plainer", 5, "plai…"),
        ("", 5, ""),
        ("a\nb", 9, "a?b"),
        ("a\x1b[1mb", 9, "a?[1mb"),
        ("a\tb\r\0\x7f\x9b", 9, "a?b????"),
        ("\u202e\u2066\u200b\u2028\ufeff", 9, "?????"),
        ("Gr\u00fc\u00dfe \u20ac", 9, "Gr\u00fc\u00dfe \u20ac"),
        ("\n" * 9, 5, "????…"),
    ],
)
def test_foreign_text_is_made_fit_to_show(text: str, limit: int, expected: str) -> None:
    assert printable(text, limit) == expected


async def test_the_sites_own_page_is_a_warning_of_its_own_and_whole(world: World) -> None:
    url = f"https://wiki.example.com/{'x' * 83}"
    assert f"see {url}" in await warnings(world, review(deployment(UNSEEN)), helpUrl=url)
