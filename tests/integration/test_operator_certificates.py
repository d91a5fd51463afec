"""The operator's certificates in a real API server: issued, trusted, repaired."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.operator.process import (
    SECRET,
    SERVICE,
    Operator,
    configuration_by_service,
    make_operator_account,
    mount,
    secret_data,
    service_in_front,
)

UNTIL_EVENT = 8.0
"""Less than the ten seconds between two looks: an event must have led to it."""
UNTIL_LOOK = 25.0
CONFIGURATION = "operated"


@dataclass
class Scene:
    """A webhook behind a Service, and the operator that looks after both."""

    control_plane: ControlPlane
    namespace: str
    gate: Gate
    operator: Operator
    watched: Namespace

    def entries(self) -> list[dict[str, Any]]:
        shown = self.control_plane.kubectl("get", "validatingwebhookconfiguration", CONFIGURATION, "-o", "json")
        entries: list[dict[str, Any]] = json.loads(shown.stdout)["webhooks"]
        return entries

    def bundle(self) -> str:
        return str(self.entries()[0]["clientConfig"].get("caBundle", ""))

    def secret(self, name: str = SECRET) -> dict[str, bytes]:
        return secret_data(self.control_plane, self.namespace, name)


@pytest.fixture
def scene(control_plane: ControlPlane, account: Path, tmp_path: Path) -> Iterator[Scene]:
    own = Namespace.new(control_plane, None).name
    watched = Namespace.new(control_plane, "operated")
    kubeconfig = make_operator_account(control_plane, own, CONFIGURATION)
    folder = tmp_path / "gate"
    folder.mkdir()
    apply(control_plane, service_in_front(own))
    with Gate(folder, {"RequiredEnvironments": ["operated"]}, account) as gate:
        gate.publish(digest_of("cart"))
        apply(control_plane, configuration_by_service(CONFIGURATION, gate, own, "operated"))
        try:
            with Operator(tmp_path, kubeconfig, own, CONFIGURATION) as operator:
                running = Scene(control_plane, own, gate, operator, watched)
                poll(running.secret, UNTIL_LOOK, "the Secret is there")
                yield running
        finally:
            control_plane.kubectl("delete", "validatingwebhookconfiguration", CONFIGURATION)


def test_the_api_server_trusts_what_the_operator_issued(scene: Scene) -> None:
    mount(scene.gate, scene.secret())
    poll(lambda: scene.watched.admits(image_of("cart")), UNTIL_LOOK, "the review is answered")
    assert not scene.watched.admits(image_of("unseen"))
    assert scene.gate.reviews() > 0


def test_the_secrets_hold_what_each_side_needs_and_no_more(scene: Scene) -> None:
    served, authority = scene.secret(), scene.secret(f"{SECRET}-ca")
    assert served.keys() == {"tls.crt", "tls.key", "ca.crt"}
    assert authority.keys() == {"ca.crt", "ca.key", "bundle.crt"}
    host = f"{SERVICE}.{scene.namespace}.svc"
    leaf = x509.load_pem_x509_certificate(served["tls.crt"])
    for name in (host, f"{host}.cluster.local"):
        store = Store(x509.load_pem_x509_certificates(served["ca.crt"]))
        PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name)).verify(leaf, [])
    shown = scene.control_plane.kubectl("-n", scene.namespace, "get", "secret", SECRET, "-o", "json")
    secret = json.loads(shown.stdout)
    assert secret["type"] == "kubernetes.io/tls"
    assert [owner["kind"] for owner in secret["metadata"]["ownerReferences"]] == ["Service"]


def test_a_bundle_that_is_emptied_by_hand_is_repaired_and_other_entries_are_left_alone(scene: Scene) -> None:
    before = poll(scene.bundle, UNTIL_LOOK, "the bundle is there")
    patch = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
    scene.control_plane.kubectl(
        "patch", "validatingwebhookconfiguration", CONFIGURATION, "--type=json", "-p", json.dumps(patch)
    )
    poll(lambda: scene.bundle() == before, UNTIL_EVENT, "the bundle is repaired")
    assert "caBundle" not in scene.entries()[1]["clientConfig"]


def test_secrets_that_are_deleted_come_back_and_the_old_leaf_stays_trusted(scene: Scene) -> None:
    old = scene.secret()
    scene.control_plane.kubectl("-n", scene.namespace, "delete", "secret", f"{SECRET}-ca")
    poll(lambda: scene.secret(f"{SECRET}-ca"), UNTIL_LOOK, "the authority's Secret is there again")
    bundle = poll(lambda: scene.secret(f"{SECRET}-ca")["bundle.crt"], UNTIL_LOOK, "its bundle")
    assert bundle.count(b"BEGIN CERTIFICATE") == 2
    assert old["ca.crt"] in bundle
    scene.control_plane.kubectl("-n", scene.namespace, "delete", "secret", SECRET)
    fresh = poll(scene.secret, UNTIL_LOOK, "the Secret is there again")
    assert fresh["tls.crt"] != old["tls.crt"]


def test_when_both_secrets_are_deleted_what_the_pods_serve_stays_trusted(scene: Scene) -> None:
    old = scene.secret()
    poll(scene.bundle, UNTIL_LOOK, "the bundle is there")
    scene.control_plane.kubectl("-n", scene.namespace, "delete", "secret", SECRET, f"{SECRET}-ca")
    fresh = poll(scene.secret, UNTIL_LOOK, "the Secret is there again")
    assert fresh["tls.crt"] != old["tls.crt"]
    poll(lambda: base64.b64decode(scene.bundle()) == fresh["ca.crt"], UNTIL_EVENT, "the new bundle is out")
    assert fresh["ca.crt"].count(b"BEGIN CERTIFICATE") == 2
    assert old["ca.crt"] in fresh["ca.crt"]


def test_when_all_is_well_nothing_is_written(scene: Scene) -> None:
    poll(scene.bundle, UNTIL_LOOK, "the bundle is there")

    def looks() -> int:
        return len(scene.control_plane.audit_events(verb="get", resource="secrets", namespace=scene.namespace))

    def writes() -> int:
        audit = scene.control_plane.audit_events
        kinds = ({"resource": "secrets", "namespace": scene.namespace}, {"name": CONFIGURATION})
        return sum(len(audit(verb=verb, **kind)) for verb in ("patch", "create", "update") for kind in kinds)

    before, then = writes(), looks()
    poll(lambda: looks() >= then + 4, 2 * UNTIL_LOOK, "two more looks at both Secrets")
    assert writes() == before
