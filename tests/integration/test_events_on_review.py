"""The Event of each evaluated review, as `kubectl get events` shows it."""

from typing import Any

import pytest

from tests.harness.cluster import Namespace
from tests.harness.evidence import image_of
from tests.harness.polling import poll
from tests.harness.workloads import deployment
from tests.integration.conftest import NamespaceMaker

UNTIL_POSTED = 10.0


def events(namespace: Namespace, name: str) -> list[dict[str, Any]]:
    return [event for event in namespace.events() if event["involvedObject"]["name"] == name]


def event(namespace: Namespace, name: str) -> dict[str, Any]:
    [only] = poll(lambda: events(namespace, name), UNTIL_POSTED, f"an Event about {name}")
    return only


@pytest.mark.parametrize(
    ("environment", "name", "kind", "reason"),
    [
        ("production", "sufficient", "Normal", "EvidenceSufficient"),
        ("preproduction", "nobody-ran-it", "Warning", "EvidenceMissing"),
        ("production", "nobody-ran-it", "Warning", "EvidenceMissing"),
        ("production", "insufficient", "Warning", "EvidenceInsufficient"),
    ],
)
def test_each_verdict_leaves_an_event(
    namespace_in: NamespaceMaker, environment: str, name: str, kind: str, reason: str
) -> None:
    namespace = namespace_in(environment)
    namespace.create(deployment("cart", image_of(name)))
    posted = event(namespace, "cart")
    assert (posted["type"], posted["reason"]) == (kind, reason)
    assert posted["involvedObject"]["kind"] == "Deployment"


def test_an_event_names_image_and_user(production: Namespace) -> None:
    production.create(deployment("cart", image_of("nobody-ran-it")))
    message = event(production, "cart")["message"]
    assert image_of("nobody-ran-it") in message
    assert "admin" in message


def test_kubectl_lists_the_event_of_a_denied_object_that_does_not_exist(production: Namespace) -> None:
    production.create(deployment("cart", image_of("nobody-ran-it")))
    event(production, "cart")
    table = production.kubectl("get", "events").stdout.splitlines()
    columns = table[1].split(maxsplit=4)
    assert columns[1:4] == ["Warning", "EvidenceMissing", "deployment/cart"]
    assert production.kubectl("get", "deployments", "-o", "name").stdout == ""


def test_repeats_raise_the_count_of_one_event(production: Namespace) -> None:
    for _ in range(4):
        production.create(deployment("cart", image_of("nobody-ran-it")))

    def counted() -> list[int]:
        counts = [entry.get("series", {}).get("count", 1) for entry in events(production, "cart")]
        return counts if sum(counts) >= 4 else []

    assert poll(counted, UNTIL_POSTED, "four denials are counted") == [4]


def test_a_dry_run_leaves_no_event(production: Namespace) -> None:
    production.create(deployment("rehearsed", image_of("nobody-ran-it")), "--dry-run=server")
    production.create(deployment("real", image_of("nobody-ran-it")))
    # The queue keeps its order: once the second one's Event is there, the first one's would be.
    event(production, "real")
    assert events(production, "rehearsed") == []


def test_a_change_without_a_new_image_leaves_no_event(production: Namespace) -> None:
    production.create(deployment("cart", image_of("sufficient")))
    production.kubectl("set", "env", "deployment/cart", "LEVEL=debug")
    production.create(deployment("later", image_of("sufficient")))
    event(production, "later")
    assert len(events(production, "cart")) == 1
    assert "series" not in event(production, "cart")
