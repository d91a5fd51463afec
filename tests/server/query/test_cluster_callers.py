"""Who may query, by the API server's word; and that nobody may while it says nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.caller_reviews import ReviewsSimulator, answers, hangs
from webhook.kube.opening import open_client
from webhook.limits import LIMITS
from webhook.server.query.cluster_callers import AUDIENCE, ClusterCallers
from webhook.server.query.faults import FaultError

ROBOT = "system:serviceaccount:ci:robot"
USER = {"username": ROBOT, "uid": "u-1", "groups": ["system:serviceaccounts"], "extra": {"a/b": ["c"]}}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ReviewsSimulator]:
    async with ReviewsSimulator(tmp_path) as simulator:
        simulator.users["good"] = USER
        simulator.users["other"] = {"username": "other"}
        simulator.allowed.add(ROBOT)
        yield simulator


@pytest.fixture
async def callers(api: ReviewsSimulator) -> AsyncIterator[ClusterCallers]:
    async with open_client(api.kubeconfig) as client:
        rule = ClusterCallers(client)
        yield rule
        await rule.stop()


async def refusal(callers: ClusterCallers, token: str) -> FaultError:
    with pytest.raises(FaultError) as caught:
        await callers.admit(token)
    return caught.value


async def test_who_is_known_and_may_is_let_in_by_name(callers: ClusterCallers) -> None:
    assert await callers.admit("good") == ROBOT


async def test_the_questions_are_those_of_the_kubernetes_api(callers: ClusterCallers, api: ReviewsSimulator) -> None:
    await callers.admit("good")
    assert api.specs == [
        {"token": "good", "audiences": [AUDIENCE]},
        {
            "user": ROBOT,
            "uid": "u-1",
            "groups": ["system:serviceaccounts"],
            "extra": {"a/b": ["c"]},
            "nonResourceAttributes": {"path": "/v1/evidence/query", "verb": "post"},
        },
    ]


async def test_a_token_that_nobody_knows_is_refused(callers: ClusterCallers, api: ReviewsSimulator) -> None:
    fault = await refusal(callers, "bad")
    assert (fault.kind.name, fault.status) == ("unauthenticated", 401)
    assert api.requests["subjectaccessreviews"] == 0


async def test_who_may_not_is_refused(callers: ClusterCallers) -> None:
    fault = await refusal(callers, "other")
    assert (fault.kind.name, fault.status) == ("unauthorized", 403)


VOUCHED = {"authenticated": True, "user": USER, "audiences": [AUDIENCE]}
STATUSES: list[tuple[str, str, Any, str]] = [
    ("no status", "tokenreviews", [], "unauthenticated"),
    ("an empty status", "tokenreviews", {}, "unauthenticated"),
    ("authenticated in words", "tokenreviews", VOUCHED | {"authenticated": "true"}, "unauthenticated"),
    ("an error beside it", "tokenreviews", VOUCHED | {"error": "x"}, "unauthenticated"),
    ("no audiences", "tokenreviews", VOUCHED | {"audiences": None}, "unauthenticated"),
    ("another audience", "tokenreviews", VOUCHED | {"audiences": ["https://kubernetes"]}, "unauthenticated"),
    ("an audience in a text", "tokenreviews", VOUCHED | {"audiences": f"{AUDIENCE}-2"}, "unauthenticated"),
    ("no user", "tokenreviews", VOUCHED | {"user": None}, "unauthenticated"),
    ("a user without a name", "tokenreviews", VOUCHED | {"user": {"username": ""}}, "unauthenticated"),
    ("an empty access status", "subjectaccessreviews", {}, "unauthorized"),
    ("allowed in words", "subjectaccessreviews", {"allowed": "true"}, "unauthorized"),
    ("allowed and denied", "subjectaccessreviews", {"allowed": True, "denied": True}, "unauthorized"),
]


@pytest.mark.parametrize(("_name", "kind", "status", "expected"), STATUSES, ids=[row[0] for row in STATUSES])
async def test_an_answer_that_does_not_say_yes_is_a_no(
    callers: ClusterCallers, api: ReviewsSimulator, _name: str, kind: str, status: Any, expected: str
) -> None:
    api.faults[kind] = status
    assert (await refusal(callers, "good")).kind.name == expected


FAILURES = {
    "403": answers(403),
    "404": answers(404),
    "429": answers(429),
    "500": answers(500),
    "no JSON": answers(201, b"<html>"),
    "no object": answers(201, b"[]"),
    "too large": answers(201, b'{"a": "' + b"x" * (1024 * 1024) + b'"}'),
}


@pytest.mark.parametrize("kind", ["tokenreviews", "subjectaccessreviews"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_while_the_api_server_fails_nobody_is_let_in_and_nothing_is_remembered(
    callers: ClusterCallers, api: ReviewsSimulator, kind: str, failure: str
) -> None:
    api.faults[kind] = FAILURES[failure]
    fault = await refusal(callers, "good")
    assert (fault.kind.name, fault.status, fault.kind.retryable) == ("caller_check_unavailable", 503, True)
    del api.faults[kind]
    assert await callers.admit("good") == ROBOT


async def test_an_api_server_that_is_away_lets_nobody_in(callers: ClusterCallers, api: ReviewsSimulator) -> None:
    await api.go_away()
    assert (await refusal(callers, "good")).status == 503


async def test_an_api_server_that_hangs_is_not_waited_for(callers: ClusterCallers, api: ReviewsSimulator) -> None:
    api.faults["tokenreviews"] = hangs
    async with asyncio.timeout(2 * LIMITS.caller_check_seconds):
        assert (await refusal(callers, "good")).status == 503


async def test_a_yes_and_a_no_are_remembered_for_a_moment(callers: ClusterCallers, api: ReviewsSimulator) -> None:
    for _ in range(3):
        assert await callers.admit("good") == ROBOT
        assert (await refusal(callers, "other")).status == 403
        assert (await refusal(callers, "bad")).status == 401
    assert api.requests == {"tokenreviews": 3, "subjectaccessreviews": 2}


async def test_what_is_remembered_is_no_longer_than_a_moment() -> None:
    assert LIMITS.caller_seconds <= 10


async def test_many_who_come_at_once_with_one_token_are_one_question(
    callers: ClusterCallers, api: ReviewsSimulator
) -> None:
    assert set(await asyncio.gather(*(callers.admit("good") for _ in range(50)))) == {ROBOT}
    assert api.requests["tokenreviews"] == 1


async def test_a_flood_of_made_up_tokens_does_not_reach_the_api_server(
    callers: ClusterCallers, api: ReviewsSimulator
) -> None:
    found = await asyncio.gather(
        *(callers.admit(f"made-up-{number}") for number in range(5 * LIMITS.caller_check_burst)),
        return_exceptions=True,
    )
    statuses = [fault.status for fault in found if isinstance(fault, FaultError)]
    assert len(statuses) == len(found)
    assert set(statuses) == {401, 429}
    assert api.requests["tokenreviews"] < 2 * LIMITS.caller_check_burst


async def test_a_flood_of_made_up_tokens_keeps_nobody_out_who_was_let_in_before(
    callers: ClusterCallers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await callers.admit("good") == ROBOT
    # As many strangers as drive the answer about it out of what is remembered.
    monkeypatch.setattr(callers._known, "_entries", {})
    flood = (callers.admit(f"made-up-{number}") for number in range(2 * LIMITS.caller_check_burst))
    await asyncio.gather(*flood, return_exceptions=True)
    assert (await refusal(callers, "made-up")).status == 429
    assert await callers.admit("good") == ROBOT
