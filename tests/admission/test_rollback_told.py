"""What a return leaves behind: warnings, denials, the record; and nothing for the next review."""

import json

from tests.admission.history import ALLOW, BACK, FRESH, NEVER_RAN, RETURNED, STALE, Shop, replica_set
from tests.admission.requests import OLD, deployment, review
from tests.admission.world import NOW, question, respond, said
from webhook.admission.record import record_decision
from webhook.admission.review import decode_review


async def test_a_user_reads_that_it_is_a_return_and_which(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    answer = respond(await shop.decide(BACK), BACK, shop.world.settings(ALLOW))
    assert answer["allowed"] is True
    assert answer["auditAnnotations"]["reasons"] == "Rollback"
    assert answer["auditAnnotations"]["images"] == f"{OLD}=Rollback"
    assert "rollback: ReplicaSet/cart-1, made 2026-01-04T00:00:00Z" in answer["warnings"]


async def test_a_denial_says_why_the_history_does_not_help(shop: Shop) -> None:
    text = respond(await shop.decide(BACK), BACK, shop.world.settings(ALLOW))["status"]["message"]
    assert f"\n  rollback: {NEVER_RAN}" in text


async def test_the_record_tells_both_rulings_and_the_revision(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    decision = await shop.decide(BACK)
    record = json.loads(record_decision(decision, decode_review(BACK), shop.world.settings(ALLOW), NOW).content)
    (image,) = record["images"]
    created = int(FRESH.timestamp()) * 1000
    assert image["rollback"]["revision"] == {"name": "cart-1", "uid": "uid-cart-1", "created": created}
    assert [ruling["result"]["reason"] for ruling in image["rollback"]["overruled"]] == ["EvidenceStale"]
    (ruling,) = image["rulings"]
    assert ruling["result"]["reason"] == "Rollback"
    assert ruling["evidence"]["value"]["value"]["execution_evidence_reason"] == "EvidenceSufficient"
    assert ruling["basis"] == image["rollback"]["overruled"][0]["basis"]


async def test_the_next_review_is_judged_by_its_own_clock(shop: Shop) -> None:
    # The provider has lately said that the image passes; for another instant.
    shop.api.items = [replica_set(OLD)]
    decider = shop.world.decider(shop.world.settings(ALLOW), reader=shop.objects)
    assert said(await decider.decide(question(BACK))) == RETURNED
    assert said(await decider.decide(question(review(deployment(OLD))))) == STALE
    assert said(await decider.decide(question(BACK))) == RETURNED
