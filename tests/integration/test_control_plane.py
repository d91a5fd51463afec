"""The harness itself: what the other tests take for granted."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.harness.control_plane import ControlPlane
from tests.harness.polling import poll


def test_the_api_server_has_the_pinned_version(control_plane: ControlPlane) -> None:
    versions = json.loads(control_plane.kubectl("version", "-o", "json").stdout)
    assert versions["serverVersion"]["minor"] == "37"
    assert versions["serverVersion"]["gitVersion"] == versions["clientVersion"]["gitVersion"]


def test_a_user_may_do_only_what_rbac_grants(control_plane: ControlPlane) -> None:
    nobody = str(control_plane.kubeconfig_for("nobody"))
    refused = control_plane.kubectl("--kubeconfig", nobody, "get", "pods", check=False)
    assert 'pods is forbidden: User "nobody" cannot list resource "pods"' in refused.stderr


def test_requests_stand_in_the_audit_log(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "audited")
    events = poll(
        lambda: control_plane.audit_events(verb="create", resource="configmaps", name="audited"), 5, "an audit event"
    )
    assert events[0]["user"]["username"] == "admin"
    assert events[0]["level"] == "Metadata"


def test_a_restarted_api_server_still_holds_its_objects(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "configmap", "kept")
    control_plane.restart_api_server()
    assert control_plane.kubectl("get", "configmap", "kept", "-o", "name").stdout == "configmap/kept\n"


def test_controllers_make_the_replica_set_of_a_deployment() -> None:
    with ControlPlane(controllers=True) as running:
        running.kubectl("create", "deployment", "cart", "--image", "registry.example.com/cart:1")
        made = poll(lambda: running.kubectl("get", "replicaset", "-o", "name").stdout, 20, "a ReplicaSet")
    assert made.startswith("replicaset.apps/cart-")


def test_a_stopped_control_plane_leaves_nothing_behind() -> None:
    with ControlPlane() as running:
        port = urlsplit(running.url).port
    assert not running.folder.exists()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port or 0)):
        pass
