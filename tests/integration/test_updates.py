"""Changes of a running workload: what brings no new image is let through, mostly without asking."""

import json

import pytest

from tests.harness.cluster import Namespace
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.workloads import workload

UNTIL_SEEN = 5.0

pytestmark = pytest.mark.parametrize("kind", ["Deployment", "Rollout"])

NO_CALL = {
    "label": {"metadata": {"labels": {"tier": "web"}}},
    "annotation": {"metadata": {"annotations": {"note": "hello"}}},
    "finalizer": {"metadata": {"finalizers": ["example.com/hold"]}},
    "paused": {"spec": {"paused": True}},
    "more replicas": {"spec": {"replicas": 5}},
    "fewer replicas": {"spec": {"replicas": 1}},
    "no replicas": {"spec": {"replicas": 0}},
}


def start(namespace: Namespace, kind: str, name: str, replicas: int = 3) -> None:
    manifest = workload(kind, "cart", image_of(name), replicas=replicas)
    poll(lambda: namespace.create(manifest).returncode == 0, UNTIL_SEEN, "the workload is admitted")


def patch(namespace: Namespace, kind: str, change: object) -> str:
    """Patches the workload; gives what kubectl says about a refusal."""
    text = json.dumps(change)
    return namespace.kubectl("patch", kind, "cart", "--type=merge", "-p", text, check=False).stderr


def with_image(image: str, **container: object) -> dict[str, object]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "cart", "image": image, **container}]}}}}


def image_in(namespace: Namespace, kind: str) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return namespace.kubectl("get", kind, "cart", "-o", path).stdout


def withdraw(gate: Gate, namespace: Namespace, name: str) -> None:
    """Takes evidence away, and waits until a new workload of that image would be denied."""
    (gate.evidence / f"{digest_of(name).removeprefix('sha256:')}.json").unlink()
    poll(lambda: not namespace.admits(image_of(name)), UNTIL_SEEN, "the evidence is gone")


@pytest.mark.parametrize("change", NO_CALL.values(), ids=NO_CALL)
def test_a_change_that_brings_nothing_new_never_asks_the_webhook(
    production: Namespace, gate: Gate, kind: str, change: object
) -> None:
    start(production, kind, "sufficient")
    before = gate.reviews()
    assert patch(production, kind, change) == ""
    assert gate.reviews() == before


def test_a_new_template_with_the_same_images_is_admitted_without_evidence(
    production: Namespace, gate: Gate, kind: str
) -> None:
    name = f"same-image-{kind}"
    gate.publish(digest_of(name))
    start(production, kind, name)
    withdraw(gate, production, name)
    before = gate.reviews()
    change = with_image(image_of(name), env=[{"name": "LEVEL", "value": "debug"}])
    assert patch(production, kind, change) == ""
    assert gate.reviews() == before + 1


def test_a_new_image_without_evidence_is_denied_and_the_old_one_stays(production: Namespace, kind: str) -> None:
    start(production, kind, "sufficient")
    assert "(EvidenceMissing)" in patch(production, kind, with_image(image_of("nobody-ran-it")))
    assert image_in(production, kind) == image_of("sufficient")


def test_a_new_image_with_evidence_is_admitted(production: Namespace, gate: Gate, kind: str) -> None:
    gate.publish(digest_of(f"next-{kind}"))
    start(production, kind, "sufficient")
    change = with_image(image_of(f"next-{kind}"))
    poll(lambda: patch(production, kind, change) == "", UNTIL_SEEN, "the new image is admitted")
    assert image_in(production, kind) == image_of(f"next-{kind}")


def test_a_second_image_without_evidence_is_denied_beside_a_running_one(production: Namespace, kind: str) -> None:
    start(production, kind, "sufficient")
    containers = [
        {"name": "cart", "image": image_of("sufficient")},
        {"name": "sidecar", "image": image_of("nobody-ran-it")},
    ]
    refusal = patch(production, kind, {"spec": {"template": {"spec": {"containers": containers}}}})
    assert f"  image: {image_of('nobody-ran-it')} (container sidecar)" in refusal
    assert image_of("sufficient") not in refusal


@pytest.mark.parametrize("replicas", [3, None], ids=["three", "absent, which means one"])
def test_starting_the_first_pods_is_evaluated(
    production: Namespace, gate: Gate, kind: str, replicas: int | None
) -> None:
    name = f"from-zero-{kind}-{replicas}"
    gate.publish(digest_of(name))
    start(production, kind, name, replicas=0)
    withdraw(gate, production, name)
    assert "(EvidenceMissing)" in patch(production, kind, {"spec": {"replicas": replicas}})


def test_starting_the_first_pods_is_admitted_with_evidence(production: Namespace, gate: Gate, kind: str) -> None:
    start(production, kind, "sufficient", replicas=0)
    before = gate.reviews()
    assert patch(production, kind, {"spec": {"replicas": 3}}) == ""
    assert gate.reviews() == before + 1


def test_a_workload_without_pods_is_evaluated_when_it_is_created(production: Namespace, kind: str) -> None:
    # Else it could be scaled up later by the scale subresource, which shows no image to anybody.
    result = production.create(workload(kind, "cart", image_of("nobody-ran-it"), replicas=0))
    assert "(EvidenceMissing)" in result.stderr


def test_a_new_image_is_evaluated_while_there_are_no_pods(production: Namespace, kind: str) -> None:
    start(production, kind, "sufficient", replicas=0)
    assert "(EvidenceMissing)" in patch(production, kind, with_image(image_of("nobody-ran-it")))


def test_scaling_and_a_new_image_in_one_change_is_evaluated(production: Namespace, kind: str) -> None:
    start(production, kind, "sufficient")
    change = with_image(image_of("nobody-ran-it"))
    change["spec"] |= {"replicas": 2}  # type: ignore[operator]  # a dict, as made above
    assert "(EvidenceMissing)" in patch(production, kind, change)


def test_an_object_that_is_being_deleted_is_no_way_around(production: Namespace, kind: str) -> None:
    start(production, kind, "sufficient")
    patch(production, kind, {"metadata": {"finalizers": ["example.com/hold"]}})
    production.kubectl("delete", kind, "cart", "--wait=false")
    assert "(EvidenceMissing)" in patch(production, kind, with_image(image_of("nobody-ran-it")))


def test_an_object_that_is_being_deleted_loses_its_finalizer_without_evidence(
    production: Namespace, gate: Gate, kind: str
) -> None:
    name = f"deleted-{kind}"
    gate.publish(digest_of(name))
    start(production, kind, name)
    patch(production, kind, {"metadata": {"finalizers": ["example.com/hold"]}})
    withdraw(gate, production, name)
    production.kubectl("delete", kind, "cart", "--wait=false")
    assert patch(production, kind, {"metadata": {"finalizers": None}}) == ""
    assert production.kubectl("get", kind, "-o", "name").stdout == ""
