from typing import Any

import pytest

from tests.kube.recording import draft
from webhook.kube.event_series import Series

HEX = 16  # 64 bits of chance.


def body(**changes: Any) -> dict[str, Any]:
    return Series(draft(**changes), 0.0).body("pod-1")


def test_an_event_names_its_object_and_reporter() -> None:
    event = body(uid="1234")
    assert event["regarding"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "cart",
        "uid": "1234",
    }
    assert event["metadata"]["namespace"] == "shop"
    assert (event["reportingController"], event["reportingInstance"]) == ("execution-evidence-gate", "pod-1")


def test_an_object_without_name_and_uid_leaves_them_out() -> None:
    assert body(name="")["regarding"] == {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop"}


def test_an_object_without_namespace_is_told_of_in_default() -> None:
    assert body(namespace="")["metadata"]["namespace"] == "default"
    assert Series(draft(namespace=""), 0.0).collection == "/apis/events.k8s.io/v1/namespaces/default/events"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("cart", "cart"),
        ("cart.v2", "cart.v2"),
        ("", "execution-evidence-gate"),
        ("system:role", "execution-evidence-gate"),
        ("Cart", "execution-evidence-gate"),
        ("cart-", "execution-evidence-gate"),
        ("../cart", "execution-evidence-gate"),
        ("a" * 64, "execution-evidence-gate"),  # Longer than a label.
        (".".join(["a" * 58] * 4), ".".join(["a" * 58] * 4)),  # 235 characters and 17 more are 252.
        (".".join(["a" * 59] * 4), "execution-evidence-gate"),  # 239 and 17 are 256.
    ],
)
def test_an_events_name_is_a_dns_name_that_begins_with_the_objects(name: str, stem: str) -> None:
    made = body(name=name)["metadata"]["name"]
    assert made[:-HEX] == f"{stem}."
    assert len(made) <= 253


def test_two_events_never_share_a_name() -> None:
    assert len({body()["metadata"]["name"] for _ in range(1000)}) == 1000


@pytest.mark.parametrize(("field", "size"), [("reason", 128), ("action", 128), ("note", 1024)])
def test_what_is_too_long_is_cut_at_a_whole_character(field: str, size: int) -> None:
    assert body(**{field: "a" * size})[field] == "a" * size
    cut = body(**{field: "ü" * size})[field]
    # The ellipsis takes 3 bytes, each ü 2.
    assert cut == "ü" * ((size - 3) // 2) + "…"


def test_a_note_with_half_a_surrogate_pair_can_be_sent() -> None:
    assert body(note="a\ud800b")["note"] == "a?b"


@pytest.mark.parametrize(
    "changes",
    [
        {"namespace": "Shop"},
        {"namespace": "../kube-system"},
        {"namespace": "shop/x"},
        {"namespace": "shop?x"},
        {"namespace": "shop\n"},
        {"namespace": "a" * 64},
        {"reason": ""},
        {"action": ""},
        {"name": "a" * 254},
        {"kind": "a" * 254},
        {"api_version": "a" * 254},
        {"uid": "a" * 254},
    ],
)
def test_what_the_api_server_could_only_refuse_is_known_before(changes: dict[str, str]) -> None:
    assert draft().postable
    assert not draft(**changes).postable


def test_the_first_of_its_kind_is_no_series() -> None:
    assert "series" not in body()


def test_repeats_before_the_event_is_posted_are_in_it() -> None:
    series = Series(draft(), 0.0)
    series.repeat(1.0)
    series.repeat(2.0)
    event = series.body("pod-1")
    assert event["series"]["count"] == 3
    assert event["series"]["lastObservedTime"] >= event["eventTime"]


def test_a_renewed_series_has_a_new_name() -> None:
    series = Series(draft(), 0.0)
    before = series.path
    series.reported = 1
    series.renew()
    assert series.path != before
    assert series.reported == 0


def test_an_event_names_the_decision_that_it_tells_of() -> None:
    assert body(decision="sha256:1")["metadata"]["annotations"] == {"stella.ops/decision": "sha256:1"}
    assert "annotations" not in body()["metadata"]


def test_a_series_names_the_latest_decision() -> None:
    series = Series(draft(decision="sha256:1"), 0.0)
    series.repeat(1.0, "sha256:2")
    assert series.body("pod-1")["metadata"]["annotations"] == {"stella.ops/decision": "sha256:2"}
    series.repeat(2.0, "sha256:3")
    patch = series.patch()
    assert patch["metadata"] == {"annotations": {"stella.ops/decision": "sha256:3"}}
    assert patch["series"]["count"] == 3


def test_a_patch_without_a_decision_leaves_the_annotations_alone() -> None:
    assert Series(draft(), 0.0).patch().keys() == {"series"}


def test_another_decision_alone_is_a_repeat() -> None:
    assert draft(decision="sha256:1") == draft(decision="sha256:2")
    assert len({draft(decision="sha256:1"), draft(decision="sha256:2")}) == 1
