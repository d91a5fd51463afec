"""What a person reads of a denial: one fact a line, digests whole, nothing longer than a terminal bears."""

from typing import Any

import pytest

from tests.admission.providers import UNAVAILABLE, always
from tests.admission.requests import (
    ALSO_UNSEEN,
    ELSEWHERE,
    OLD,
    STRANGER,
    THIN,
    UNREADABLE,
    UNSEEN,
    deployment,
    pod,
    review,
    workload,
)
from tests.admission.world import World, question, respond
from tests.harness.evidence import REPOSITORY

BLOCK = "execution-evidence: No execution evidence found for this artifact in required environment"
QUALITY = "Execution evidence trace quality is insufficient"
PLACE = "observed in environment 'development'"
ACCEPTED = "and only staging, qa counts (EvidenceFromOtherEnvironment)"
SIGNED = "signed by no key that is trusted (EvidenceUntrusted)"
THIN_SEEN = "observed in 'staging' until 2026-11-24T06:00:00Z (EvidenceInsufficient)"
THIN_FOUND = "hot symbols: 1, call paths: 0 in directory:thin.json, signed by staging"
ATTEST = "run it in staging with profiling on, then `evidence-gate attest`"
TAG = "a tag, which may point to another image tomorrow (ImageNotPinned)"
OBSERVED = "observed until 2026-01-01T00:00:00Z, which is older than MaxEvidenceAge (720h)"

DENIALS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "missing": (
        UNSEEN,
        {},
        [
            BLOCK,
            f"  image: {UNSEEN} (container c0)",
            "  found: no statement about this digest (EvidenceMissing)",
            f"  next:  {ATTEST}",
        ],
    ),
    "untrusted": (
        STRANGER,
        {},
        [
            BLOCK,
            f"  image: {STRANGER} (container c0)",
            f"  found: 1 statement in directory:stranger.json, {SIGNED}",
            "  next:  attest with a key that is trusted for staging and this repository",
        ],
    ),
    "stale": (
        OLD,
        {"MaxEvidenceAge": "720h"},
        [
            BLOCK,
            f"  image: {OLD} (container c0)",
            f"  found: 1 statement in directory:old.json, {OBSERVED} (EvidenceStale)",
            "  next:  run it again in staging with profiling on, then `evidence-gate attest`",
        ],
    ),
    "from elsewhere": (
        ELSEWHERE,
        {"EvidenceEnvironments": ["staging", "qa"]},
        [
            BLOCK,
            f"  image: {ELSEWHERE} (container c0)",
            f"  found: 1 statement in directory:elsewhere.json, {PLACE}, {ACCEPTED}",
            "  next:  run it in staging or qa with profiling on, then `evidence-gate attest`",
        ],
    ),
    "insufficient": (
        THIN,
        {},
        [
            f"execution-evidence: {QUALITY}: hot symbols 1 < 3 or call paths 0 < 1",
            f"  image: {THIN} (container c0)",
            f"  found: {THIN_FOUND}, {THIN_SEEN}",
            "  next:  exercise it longer in staging with profiling on, then attest again",
        ],
    ),
    "by tag": (
        f"{REPOSITORY}:1.0",
        {},
        [
            BLOCK,
            f"  image: {REPOSITORY}:1.0 (container c0)",
            f"  found: {TAG}",
            "  next:  name the image by digest: `image: REPOSITORY@sha256:…`",
        ],
    ),
    "invalid": (
        f"{REPOSITORY}@sha256:52da",
        {},
        [
            BLOCK,
            f"  image: {REPOSITORY}@sha256:52da (container c0)",
            "  found: its digest is not `sha256:` and 64 lower-case hexadecimal digits (ImageReferenceInvalid)",
            "  next:  correct the image reference",
        ],
    ),
    "no image": (
        "",
        {},
        [
            BLOCK,
            "  image: (none) (container c0)",
            "  found: it is empty or too long (ImageReferenceInvalid)",
            "  next:  correct the image reference",
        ],
    ),
}


async def denial(world: World, body: bytes, policy: dict[str, Any] | None = None, **sections: Any) -> list[str]:
    answer = await world.answer(body, settings=world.settings(policy, **sections))
    # kubectl prints the message behind "denied the request: "; the first fact gets a line of its own.
    message: str = answer["status"]["message"]
    first, *lines = message.split("\n")
    assert first == ""
    return lines


@pytest.mark.parametrize("case", DENIALS)
async def test_a_denial_says_image_finding_and_next_step(world: World, case: str) -> None:
    image, policy, expected = DENIALS[case]
    assert await denial(world, review(deployment(image)), policy) == expected


async def test_a_malformed_statement_is_told_apart_from_a_missing_one(world: World) -> None:
    lines = await denial(world, review(deployment(UNREADABLE)))
    assert lines[2].startswith("  found: 1 statement in directory:unreadable.json, ")
    assert lines[2].endswith(" (EvidenceMalformed)")
    assert lines[3] == "  next:  see why with `evidence-gate verify`, then attest again"


async def test_a_denial_points_to_the_sites_own_page(world: World) -> None:
    lines = await denial(world, review(deployment(UNSEEN)), helpUrl="https://wiki.example.com/gate")
    assert lines[3] == f"  next:  {ATTEST}; see https://wiki.example.com/gate"


async def test_each_denied_image_has_its_own_lines_with_all_its_containers(world: World) -> None:
    spec = pod(UNSEEN, ALSO_UNSEEN, initContainers=[{"name": "init", "image": UNSEEN}])
    lines = await denial(world, review(workload("Deployment", spec)))
    assert [line for line in lines if line.startswith("  image:")] == [
        f"  image: {UNSEEN} (containers c0, init)",
        f"  image: {ALSO_UNSEEN} (container c1)",
    ]
    assert len(lines) == 8


async def test_of_many_containers_the_first_eight_are_named(world: World) -> None:
    lines = await denial(world, review(deployment(*[UNSEEN] * 20)))
    assert lines[1] == f"  image: {UNSEEN} (containers c0, c1, c2, c3, c4, c5, c6, c7 and 12 more)"


async def test_an_object_that_cannot_be_read_is_denied_without_an_image(world: World) -> None:
    assert await denial(world, review(deployment(7))) == [
        BLOCK,
        "  found: the Deployment has no readable pod template (WorkloadNotSupported)",
        "  next:  add the kind to the gate's `workloads`, or deploy a kind that it can read",
    ]


async def test_a_kind_that_is_switched_off_is_named(world: World) -> None:
    lines = await denial(world, review(workload("StatefulSet", pod(UNSEEN))))
    assert lines[1] == "  found: StatefulSet is not in the gate's configured workloads (WorkloadNotSupported)"


async def test_what_could_not_be_looked_up_says_so(world: World) -> None:
    settings, body = world.settings(), review(deployment(UNSEEN))
    decision = await world.decider(settings, always(UNAVAILABLE)).decide(question(body))
    assert respond(decision, body, settings)["status"]["message"].split("\n")[1:] == [
        "execution-evidence: Execution evidence could not be looked up for this artifact",
        f"  image: {UNSEEN} (container c0)",
        "  found: store registry: it answers 429 (EvidenceUnavailable)",
        "  next:  try again; if it stays, ask the platform team to look at the gate's stores",
    ]


async def test_a_denial_that_would_be_too_long_is_cut_between_lines(world: World) -> None:
    images = [f"registry.example.com/shop/cart@sha256:{index:064x}" for index in range(200)]
    lines = await denial(world, review(deployment(*images)))
    assert len("\n".join(lines)) <= 8192
    assert lines[-1] == "  … and more; see the audit log"
    whole = {BLOCK, "  found: no statement about this digest (EvidenceMissing)", f"  next:  {ATTEST}"}
    whole |= {f"  image: {image} (container c{index})" for index, image in enumerate(images)}
    assert set(lines[:-1]) <= whole


async def test_a_denial_of_endless_names_stays_short(world: World) -> None:
    names = [{"name": "n" * 10_000 + str(index), "image": "A" * 100_000} for index in range(60)]
    lines = await denial(world, review(workload("Deployment", {"containers": names})))
    assert len("\n".join(lines)) <= 8192
    assert lines[1].startswith(f"  image: {'A' * 399}… (containers {'n' * 62}…, ")


async def test_a_denial_of_an_endless_kind_stays_short(world: World) -> None:
    body = review(deployment(UNSEEN), kind={"group": "x", "version": "v1", "kind": "K" * 100_000})
    assert len("\n".join(await denial(world, body))) <= 8192
