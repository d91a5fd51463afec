"""Back to an image whose evidence has become stale: group 9 of the cases."""

from datetime import timedelta
from typing import Any

import pytest

from tests.admission.history import (
    BACK,
    FRESH,
    NEVER_FRESH,
    NEVER_RAN,
    OBSERVED,
    RETURNED,
    SELECTOR,
    STALE,
    UID,
    ForgetfulProvider,
    Shop,
    owned,
    replica_set,
    rolled_back,
)
from tests.admission.providers import UNAVAILABLE, metadata
from tests.admission.requests import (
    ALSO_SEEN,
    ELSEWHERE,
    OLD,
    SEEN,
    STRANGER,
    TAGGED,
    THIN,
    UNREADABLE,
    UNSEEN,
    deployment,
    elsewhere,
    pod,
    review,
    workload,
)
from tests.admission.test_scale import scale
from tests.admission.world import INSTANT, said


async def test_an_image_that_the_workload_ran_while_it_was_fresh_returns_with_a_warning(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    assert await shop.said(BACK) == RETURNED


@pytest.mark.parametrize("policy", [{}, {"Rollback": "Gate"}])
async def test_by_default_it_does_not_and_nobody_is_asked(shop: Shop, policy: dict[str, Any]) -> None:
    shop.api.items = [replica_set(OLD)]
    shop.policy = {"MaxEvidenceAge": "720h", **policy}
    decision = await shop.decide(BACK)
    assert (said(decision), decision.images[0].rollback) == (STALE, None)
    assert shop.api.queries == []


async def test_each_environment_has_its_own_rule(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    shop.policy = {
        "MaxEvidenceAge": "720h",
        "RequiredEnvironments": ["production", "canary"],
        "Overrides": {"Canary": {"Rollback": "AllowPreviouslyAdmitted"}},
    }
    assert [await shop.said(BACK, place) for place in ("production", "canary")] == [STALE, RETURNED]


# MaxEvidenceAge is 720 hours: 30 days. Observations may end 300 s ahead of a clock.
MADE: list[tuple[str, Any, str]] = [
    ("at the end of the observation", OBSERVED, RETURNED),
    ("within the clocks' difference before", OBSERVED - timedelta(seconds=300), RETURNED),
    ("before the observation had ended", OBSERVED - timedelta(seconds=301), STALE),
    ("in the last whole second", OBSERVED + timedelta(days=30, seconds=-1), RETURNED),
    # The API server cuts off fractions: it may have been made up to a second later.
    ("in a second that may be too late", OBSERVED + timedelta(days=30), STALE),
    ("now", INSTANT, STALE),
    ("in the future", INSTANT + timedelta(days=1), STALE),
    ("in another zone", "2026-01-04T02:00:00+02:00", RETURNED),
]


@pytest.mark.parametrize(("_name", "created", "expected"), MADE, ids=[row[0] for row in MADE])
async def test_the_evidence_must_have_been_fresh_when_the_replica_set_was_made(
    shop: Shop, _name: str, created: Any, expected: str
) -> None:
    shop.api.items = [replica_set(OLD, created=created)]
    assert await shop.said(BACK) == expected


NOT_ITS_OWN: list[tuple[str, dict[str, Any]]] = [
    ("another image", replica_set(SEEN)),
    ("the same digest of another repository", replica_set(elsewhere("old", "registry.example.com/other/cart"))),
    ("named by a tag", replica_set(TAGGED)),
    ("no image at all", replica_set()),
    ("no template", {**replica_set(OLD), "spec": {}}),
    ("no owner", replica_set(OLD, owners=[])),
    ("owners are null", replica_set(OLD, ownerReferences=None)),
    ("an owner that is gone", replica_set(OLD, owners=owned("another-uid"))),
    ("an owner that has its name alone", replica_set(OLD, owners=owned(""))),
    ("an owner that does not control it", replica_set(OLD, owners=owned(controller=False))),
    ("an owner of which nobody knows that", replica_set(OLD, owners=owned(controller=None))),
    ("labels of another workload", replica_set(OLD, labels={"app": "other"})),
    ("an annotation that claims it", replica_set(SEEN, annotations={"deployment.kubernetes.io/revision": OLD})),
]


@pytest.mark.parametrize(("_name", "item"), NOT_ITS_OWN, ids=[row[0] for row in NOT_ITS_OWN])
async def test_only_what_the_workload_controls_and_names_by_digest_counts(
    shop: Shop, _name: str, item: dict[str, Any]
) -> None:
    shop.api.items = [item]
    assert await shop.refusal(BACK) == NEVER_RAN


async def test_a_history_without_the_image_says_so(shop: Shop) -> None:
    assert await shop.refusal(BACK) == NEVER_RAN


async def test_a_history_that_is_too_young_says_so(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD, created=INSTANT)]
    assert await shop.refusal(BACK) == NEVER_FRESH


async def test_any_revision_of_several_will_do(shop: Shop) -> None:
    shop.api.items = [
        replica_set(OLD, name="cart-3", created=INSTANT),
        replica_set(SEEN, name="cart-2", created=FRESH),
        replica_set(OLD, name="cart-1", created=FRESH),
    ]
    decision = await shop.decide(BACK)
    assert said(decision) == RETURNED
    rollback = decision.images[0].rollback
    assert rollback is not None
    assert rollback.found == "ReplicaSet/cart-1, made 2026-01-04T00:00:00Z"


NEVER: list[tuple[str, str, str]] = [
    ("never observed", UNSEEN, "Fail EvidenceMissing"),
    ("signed by a stranger", STRANGER, "Fail EvidenceUntrusted"),
    ("unreadable", UNREADABLE, "Fail EvidenceMalformed"),
    ("observed elsewhere", ELSEWHERE, "Fail EvidenceFromOtherEnvironment"),
    ("hardly observed", THIN, "Fail EvidenceInsufficient"),
    ("named by a tag", TAGGED, "Fail ImageNotPinned"),
    ("no image", "A B", "Fail ImageReferenceInvalid"),
]


@pytest.mark.parametrize(("_name", "image", "expected"), NEVER, ids=[row[0] for row in NEVER])
async def test_nothing_but_age_is_forgiven_and_nobody_is_asked(
    shop: Shop, _name: str, image: str, expected: str
) -> None:
    shop.api.items = [replica_set(image, created=INSTANT - timedelta(hours=1)), replica_set(image, name="cart-2")]
    assert await shop.said(rolled_back(image, SEEN)) == expected
    assert shop.api.queries == []


async def test_evidence_that_is_stale_and_thin_is_not_forgiven(shop: Shop) -> None:
    shop.policy |= {"MinHotSymbolCount": 1000}
    shop.api.items = [replica_set(OLD)]
    assert await shop.refusal(BACK) == NEVER_FRESH


async def test_evidence_of_a_key_that_is_no_longer_trusted_is_not_forgiven(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    key = {"name": "staging", "file": "staging.pub", "repositories": ["registry.example.com/other/*"]}
    shop.sections = {"trust": {"keys": [key]}}
    assert await shop.said(BACK) == "Fail EvidenceUntrusted"


async def test_one_image_that_is_denied_for_another_reason_denies_all_and_nobody_is_asked(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    assert await shop.said(rolled_back(deployment(OLD, UNSEEN), SEEN)) == "Fail EvidenceMissing,EvidenceStale"
    assert shop.api.queries == []


async def test_images_that_pass_stay_as_they_are(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    decision = await shop.decide(rolled_back(deployment(ALSO_SEEN, OLD), SEEN))
    assert [entry.result.reason.value for entry in decision.images] == ["EvidenceSufficient", "Rollback"]


NO_HISTORY: list[tuple[str, bytes]] = [
    ("it is new", review(deployment(OLD))),
    ("a kind without revisions", review(workload("StatefulSet", pod(OLD)), workload("StatefulSet", pod(SEEN)))),
    ("a ReplicaSet", review(workload("ReplicaSet", pod(OLD)), workload("ReplicaSet", pod(SEEN)))),
    ("the old object cannot be read", rolled_back(OLD, deployment(SEEN, replicas="many"))),
]


@pytest.mark.parametrize(("_name", "body"), NO_HISTORY, ids=[row[0] for row in NO_HISTORY])
async def test_what_has_no_history_is_decided_without_one(shop: Shop, _name: str, body: bytes) -> None:
    shop.sections = {"workloads": ["Deployment", "StatefulSet", "ReplicaSet"]}
    shop.api.items = [replica_set(OLD)]
    assert await shop.said(body) == STALE
    assert shop.api.queries == []


WITHOUT_IDENTITY = [
    rolled_back(OLD, deployment(SEEN, metadata={"name": "cart"})),
    rolled_back(OLD, SEEN, namespace=""),
    rolled_back(OLD, SEEN, namespace="shop/pods"),
    rolled_back(OLD, SEEN, namespace="../shop"),
]


@pytest.mark.parametrize("body", WITHOUT_IDENTITY, ids=["no uid", "no namespace", "a path", "a path upwards"])
async def test_who_has_no_identity_has_no_history(shop: Shop, body: bytes) -> None:
    shop.api.items = [replica_set(OLD, owners=owned(""))]
    assert await shop.refusal(body) == NEVER_RAN
    assert shop.api.queries == []


async def test_the_uid_is_the_old_object_s(shop: Shop) -> None:
    forged = deployment(OLD, metadata={"name": "cart", "uid": "another-uid"})
    shop.api.items = [replica_set(OLD, owners=owned("another-uid"))]
    assert await shop.refusal(rolled_back(forged, deployment(SEEN, **SELECTOR))) == NEVER_RAN


async def test_a_rollout_has_a_history_too(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD, owners=owned(kind="Rollout"))]
    new, old = (workload("Rollout", pod(image), **SELECTOR) for image in (OLD, SEEN))
    assert await shop.said(review(new, old)) == RETURNED


async def test_pods_that_start_again_are_a_return_too(shop: Shop) -> None:
    shop.api.items = [replica_set(OLD)]
    new, old = (deployment(OLD, replicas=number, **SELECTOR) for number in (2, 0))
    assert await shop.said(review(new, old)) == RETURNED


async def test_a_scale_that_starts_pods_again_is_a_return_too(shop: Shop) -> None:
    shop.sections = {"evaluateScaleUp": True}
    shop.api.items, shop.api.deployment = [replica_set(OLD)], deployment(OLD, replicas=0)
    old = {"metadata": {"name": "cart", "uid": UID}, "spec": {}, "status": {"selector": "app=cart"}}
    assert await shop.said(scale((0, 2), oldObject=old)) == RETURNED
    assert [query.get("labelSelector") for query in shop.api.queries] == ["app=cart"]


@pytest.mark.parametrize("action", ["Warn", "Block"])
async def test_a_warning_stays_the_warning_that_it_was(shop: Shop, action: str) -> None:
    shop.policy |= {"MissingEvidenceAction": action}
    shop.api.items = [replica_set(OLD)]
    expected = {"Warn": "Warn EvidenceStale", "Block": RETURNED}
    assert await shop.said(BACK) == expected[action]
    assert bool(shop.api.queries) is (action == "Block")


async def test_what_another_gate_says_stays_as_it_is(shop: Shop) -> None:
    shop.beacons = {"Enabled": True, "MissingBeaconAction": "Warn"}
    shop.api.items = [replica_set(OLD)]
    assert await shop.said(BACK) == "Warn BeaconDataMissing,Rollback"


async def test_what_could_not_be_found_out_for_then_is_no_proof(shop: Shop) -> None:
    shop.policy |= {"UnavailableEvidenceAction": "Warn"}
    shop.api.items = [replica_set(OLD)]
    stale = metadata({"execution_evidence_reason": "EvidenceStale", "execution_evidence_detail": "too old"})
    shop.provider = ForgetfulProvider(stale, UNAVAILABLE)
    assert await shop.refusal(BACK) == NEVER_FRESH


async def test_a_condition_that_is_not_met_still_denies(shop: Shop) -> None:
    condition = {
        "name": "busy",
        "environments": ["production"],
        "query": {
            "provider": "execution-evidence",
            "check": "hot_symbol_count",
            "params": {"environment": "production"},
        },
        "bind": {"image_digest": "imageDigest", "repository": "repository"},
        "comparator": "greater_than",
        "expected": 1,
    }
    shop.sections = {"gates": {"conditions": [condition]}}
    shop.api.items = [replica_set(OLD)]
    assert (await shop.said(BACK)).startswith("Fail ")
    assert shop.api.queries == []
