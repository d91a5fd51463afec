"""Who may bypass the gate, by the API server's word, and that nobody may while it says nothing."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web

from tests.admission.glass import ACCESS, BROKEN, DENIED, Glass, annotated, emergency
from tests.admission.requests import UNSEEN, review
from tests.admission.world import question, said
from tests.simulators.caller_reviews import answers, hangs
from webhook.limits import LIMITS

UNKNOWN = "whether the user may could not be found out"
FAULTS: list[tuple[str, Any, str]] = [
    ("forbidden to us", answers(403), f"{UNKNOWN}: the gate's account may not ask"),
    ("broken", answers(500), f"{UNKNOWN}: the API server answered 500"),
    ("too busy", answers(429), f"{UNKNOWN}: the API server answered 429"),
    ("no JSON", answers(201, b"allowed"), f"{UNKNOWN}: the API server sent something that is not JSON"),
    ("no object", answers(201, b"[]"), f"{UNKNOWN}: the API server sent something that is no object"),
    ("no status", answers(201), f"{UNKNOWN}: the API server sent no answer"),
    ("an empty status", {}, "is missing"),
    ("allowed in words", {"allowed": "true"}, "is missing"),
    ("allowed in numbers", {"allowed": 1}, "is missing"),
    ("allowed and denied", {"allowed": True, "denied": True}, "is missing"),
    ("an error", {"allowed": False, "evaluationError": "x"}, "is missing"),
]


@pytest.mark.parametrize(("_name", "fault", "expected"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_any_other_answer_than_yes_is_none(glass: Glass, _name: str, fault: Any, expected: str) -> None:
    glass.api.faults[ACCESS] = fault
    assert expected in await glass.refusal(emergency(UNSEEN))


async def test_no_answer_is_none_and_takes_no_longer_than_there_is(glass: Glass) -> None:
    glass.api.faults[ACCESS] = hangs
    began = time.monotonic()
    decision = await glass.decide(emergency(UNSEEN), seconds=0.3)
    assert said(decision) == DENIED
    assert decision.break_glass is not None
    assert decision.break_glass.problem == f"{UNKNOWN} in time"
    assert time.monotonic() - began < 1.0


async def test_an_api_server_that_is_away_lets_nobody_past(glass: Glass) -> None:
    await glass.api.go_away()
    assert UNKNOWN in await glass.refusal(emergency(UNSEEN))


async def test_without_a_cluster_nobody_is_let_past(glass: Glass) -> None:
    glass.objects = None
    assert await glass.refusal(emergency(UNSEEN)) == "there is no API server to ask whether the user may"


@pytest.mark.parametrize("section", [{}, {"enabled": False}])
async def test_it_is_off_by_default(glass: Glass, section: dict[str, Any]) -> None:
    glass.section = section
    assert await glass.refusal(emergency(UNSEEN)) == "breakGlass is not enabled"
    assert glass.api.specs == []


async def test_a_flood_in_one_namespace_leaves_the_others_their_answers(glass: Glass) -> None:
    assert glass.objects is not None
    settings = glass.world.settings(breakGlass={"enabled": True})
    decider = glass.world.decider(settings, reader=glass.objects)
    stranger = review(annotated(UNSEEN), namespace="mallory")
    flooded = [await decider.decide(question(stranger)) for _ in range(2 * LIMITS.namespace_burst)]
    assert flooded[-1].break_glass is not None
    assert "too many such questions" in flooded[-1].break_glass.problem
    assert len(glass.api.specs) < 2 * LIMITS.namespace_burst
    assert said(await decider.decide(question(emergency(UNSEEN)))) == BROKEN


async def test_many_at_once_are_asked_a_few_at_a_time(glass: Glass) -> None:
    running = most = 0

    async def count(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return web.json_response({"status": {"allowed": True}}, status=201)

    glass.api.faults[ACCESS] = count
    settings = glass.world.settings(breakGlass={"enabled": True})
    decider = glass.world.decider(settings, reader=glass.objects)
    bodies = [emergency(UNSEEN, namespace=f"shop-{number}") for number in range(40)]
    decisions = await asyncio.gather(*[decider.decide(question(body)) for body in bodies])
    assert {said(decision) for decision in decisions} == {BROKEN}
    assert 0 < most <= LIMITS.object_reads
