"""What a broken glass leaves behind: warnings, audit annotations, the record."""

import json

from tests.admission.glass import ADMIN, BROKEN, EXPIRES, REASON, Glass, annotated, at, emergency
from tests.admission.requests import UNSEEN, review
from tests.admission.world import NOW, World, respond
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review


async def test_a_user_reads_what_was_let_past_and_until_when(glass: Glass) -> None:
    body = emergency(UNSEEN)
    answer = respond(await glass.decide(body), body, glass.world.settings())
    assert answer["allowed"] is True
    assert answer["warnings"][0] == (
        f"break-glass: An authorised user bypassed the gate until {at()}: checkout is down, INC-7"
    )
    assert answer["warnings"][1].startswith("overruled: image cart@sha256:")
    assert "EvidenceMissing: no statement about this digest" in answer["warnings"][1]
    assert answer["warnings"][2] == "next: attest the image, and remove the annotations"


async def test_the_audit_log_tells_what_came_of_it(glass: Glass) -> None:
    body = emergency(UNSEEN)
    notes = respond(await glass.decide(body), body, glass.world.settings())["auditAnnotations"]
    assert (notes["verdict"], notes["reasons"]) == ("Warn", "BreakGlass")
    assert notes["images"] == f"{UNSEEN}=EvidenceMissing"
    assert notes["breakGlass"] == f"honoured until {at()}: checkout is down, INC-7"
    glass.api.allowed.clear()
    notes = respond(await glass.decide(body), body, glass.world.settings())["auditAnnotations"]
    assert notes["breakGlass"].startswith("not honoured, since the right to bypass")


async def test_the_record_tells_who_why_until_when_and_what_was_overruled(glass: Glass) -> None:
    body = emergency(UNSEEN)
    decision = await glass.decide(body)
    record = json.loads(record_decision(decision, decode_review(body), glass.world.settings(), NOW).content)
    assert record["breakGlass"] == {
        "access": "allowed",
        "expires": at(),
        "honoured": True,
        "maxDuration": 24 * 3600,
        "problem": "",
        "reason": "checkout is down, INC-7",
        "user": {"username": "root@example.com", "uid": "u-1", "groups": ["sre"]},
    }
    assert (record["decision"]["verdict"], record["decision"]["reasons"]) == ("Warn", ["BreakGlass"])
    assert [ruling["result"]["result"] for ruling in record["images"][0]["rulings"]] == ["Fail"]


async def test_the_record_tells_a_refusal_too(glass: Glass) -> None:
    body = review(annotated(UNSEEN, notes={REASON: "a" * 1000, EXPIRES: 7}), userInfo=ADMIN)
    decision = await glass.decide(body)
    told = json.loads(record_decision(decision, decode_review(body), glass.world.settings(), NOW).content)[
        "breakGlass"
    ]
    assert (told["access"], told["honoured"], told["expires"]) == ("notAsked", False, None)
    assert told["reason"] == "a" * 201


async def test_a_dry_run_gets_the_same_verdict(glass: Glass) -> None:
    assert await glass.said(emergency(UNSEEN, dryRun=True)) == BROKEN


def test_it_changes_the_settings_digest(world: World) -> None:
    digests = {
        world.settings(breakGlass=section).digest
        for section in ({}, {"enabled": True}, {"enabled": True, "maxDuration": "1h"})
    }
    assert len(digests) == 3
