"""Break-glass by the real API server: its users, its RBAC, its word about who may bypass."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace, apply, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.workloads import deployment

SECONDS = 20.0
ENVIRONMENT = "emergency"
ACCOUNT = "break-glass-gate"
ROLE = "break-glass"
DEPLOY = "break-glass-deploy"
GROUP = "rbac.authorization.k8s.io"
DENIED = "not honoured, since"
ADMITTED = "Warning: break-glass: An authorised user bypassed the gate until "
ROBOT = "system:serviceaccount:{}:robot"
RULES = [
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]


def role(name: str, *rules: Any) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def bind(namespace: Namespace, name: str, cluster_role: str, *subjects: str) -> None:
    """Binds a ClusterRole in one namespace alone."""
    namespace.kubectl("create", "rolebinding", name, f"--clusterrole={cluster_role}", *subjects)


def rescued(image: str, name: str = "cart", **changes: Any) -> dict[str, Any]:
    end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    notes = {"stella.ops/break-glass": "checkout is down, INC-7", "stella.ops/break-glass-expires": end}
    item = deployment(name, image)
    item["metadata"]["annotations"] = notes | changes
    return item


@pytest.fixture(scope="module")
def rescue(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook with exactly the rights that it needs, and the role to bind."""
    user = {"apiGroup": GROUP, "kind": "User", "name": ACCOUNT}
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": ACCOUNT}
    head = {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": ACCOUNT}}
    bypass = {"apiGroups": ["stella.ops"], "resources": ["executionevidencegates"], "verbs": ["bypass"]}
    deploy = {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["*"]}
    roles = role(ACCOUNT, *RULES), role(ROLE, bypass), role(DEPLOY, deploy)
    apply(control_plane, *roles, head | {"roleRef": reference, "subjects": [user]})
    kubeconfig = control_plane.kubeconfig_for(ACCOUNT)
    folder = tmp_path_factory.mktemp("rescue")
    gate = Gate(folder, {"RequiredEnvironments": [ENVIRONMENT]}, kubeconfig, breakGlass={"enabled": True})
    with gate, registered(control_plane, gate, [ENVIRONMENT]):
        yield gate


@pytest.fixture
def shop(control_plane: ControlPlane, rescue: Gate) -> Namespace:  # noqa: ARG001 - it must run
    """A namespace in which `dev` and `ops` may deploy, and `ops` may bypass; the group `oncall` may too."""
    namespace = Namespace.new(control_plane, ENVIRONMENT)
    everybody = ("--user=dev", "--user=ops", "--group=oncall", f"--serviceaccount={namespace.name}:robot")
    bind(namespace, "deploy", DEPLOY, *everybody)
    bind(namespace, "rescue", ROLE, "--user=ops", "--group=oncall", f"--serviceaccount={namespace.name}:robot")
    return namespace


def create(namespace: Namespace, item: dict[str, Any], *who: str) -> subprocess.CompletedProcess[str]:
    return namespace.create(item, *who)


def told(namespace: Namespace, name: str = "cart") -> list[dict[str, Any]]:
    events = namespace.events()
    return [entry for entry in events if entry["involvedObject"]["name"] == name and entry["reason"] == "BreakGlass"]


WHO: list[tuple[str, list[str], bool]] = [
    ("a user with the right", ["--as=ops"], True),
    ("a user without", ["--as=dev"], False),
    ("a group with the right", ["--as=eve", "--as-group=oncall"], True),
    ("another group", ["--as=dev", "--as-group=sre"], False),
]


@pytest.mark.parametrize(("_name", "who", "expected"), WHO, ids=[row[0] for row in WHO])
def test_the_users_right_in_the_namespace_decides(
    shop: Namespace,
    _name: str,
    who: list[str],
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    result = create(shop, rescued(image_of("nobody-ran-it")), *who)
    assert (result.returncode == 0) is expected
    assert (ADMITTED if expected else f"{DENIED} the right to bypass") in result.stderr


def test_a_service_account_has_the_right_that_is_bound_to_it(shop: Namespace) -> None:
    result = create(shop, rescued(image_of("nobody-ran-it")), f"--as={ROBOT.format(shop.name)}")
    assert ADMITTED in result.stderr


def test_a_right_in_another_namespace_is_none_here(shop: Namespace) -> None:
    other = Namespace.new(shop.control_plane, ENVIRONMENT)
    bind(other, "deploy", DEPLOY, "--user=ops")
    assert f"{DENIED} the right to bypass" in create(other, rescued(image_of("nobody-ran-it")), "--as=ops").stderr


def test_the_event_tells_reason_end_and_user(shop: Namespace) -> None:
    item = rescued(image_of("nobody-ran-it"))
    create(shop, item, "--as=ops")
    [event] = poll(lambda: told(shop), SECONDS, "the Event is there")
    assert (event["type"], event["involvedObject"]["kind"]) == ("Warning", "Deployment")
    end = item["metadata"]["annotations"]["stella.ops/break-glass-expires"]
    assert f"until {end}: checkout is down, INC-7; by ops; overruled: {image_of('nobody-ran-it')}" in event["message"]


def test_the_log_the_metric_and_the_audit_log_tell_it(shop: Namespace, rescue: Gate) -> None:
    before = rescue.metric("execution_evidence_gate_break_glass_total")
    create(shop, rescued(image_of("nobody-ran-it")), "--as=ops")
    assert rescue.metric("execution_evidence_gate_break_glass_total") == before + 1

    def logged() -> list[dict[str, Any]]:
        return [line for line in rescue.log("break-glass") if line["object"] == f"{shop.name}/cart"]

    lines = poll(logged, SECONDS, "the line is written")
    assert [(line["level"], line["user"], line["reason"]) for line in lines] == [
        ("WARNING", "ops", "checkout is down, INC-7")
    ]
    wanted = {"verb": "create", "resource": "deployments", "namespace": shop.name}
    [entry] = poll(lambda: shop.control_plane.audit_events(**wanted), 5, "the request stands in the audit log")
    notes = {key.rpartition("/")[2]: value for key, value in entry["annotations"].items()}
    assert notes["breakGlass"].endswith(": checkout is down, INC-7")
    assert notes["reasons"] == "BreakGlass"


def test_a_dry_run_says_the_same_and_leaves_no_event(shop: Namespace) -> None:
    result = create(shop, rescued(image_of("nobody-ran-it"), "tried"), "--as=ops", "--dry-run=server")
    assert ADMITTED in result.stderr
    create(shop, rescued(image_of("nobody-ran-it"), "done"), "--as=ops")
    poll(lambda: told(shop, "done"), SECONDS, "the Event of the request that came later")
    assert told(shop, "tried") == []


def set_image(namespace: Namespace, name: str, who: str) -> subprocess.CompletedProcess[str]:
    return namespace.kubectl("set", "image", "deployment/cart", f"cart={image_of(name)}", f"--as={who}", check=False)


def test_what_was_rescued_goes_on_and_the_annotation_is_nobody_elses(shop: Namespace) -> None:
    assert create(shop, rescued(image_of("nobody-ran-it")), "--as=ops").returncode == 0
    assert shop.kubectl("scale", "deployment/cart", "--replicas=3", "--as=dev", check=False).returncode == 0
    assert f"{DENIED} the right to bypass" in set_image(shop, "nobody-ran-this-either", "dev").stderr
    shop.kubectl("annotate", "deployment/cart", "stella.ops/break-glass-")
    assert (
        f"{DENIED} the annotation stella.ops/break-glass" in set_image(shop, "nobody-ran-this-either", "ops").stderr
    )
    shop.kubectl("annotate", "deployment/cart", "stella.ops/break-glass-expires-")
    refusal = set_image(shop, "nobody-ran-this-either", "ops").stderr
    assert "(EvidenceMissing)" in refusal
    assert "break-glass" not in refusal
    assert shop.kubectl("scale", "deployment/cart", "--replicas=4", "--as=dev", check=False).returncode == 0


def test_a_developer_who_writes_the_annotation_gains_nothing(shop: Namespace) -> None:
    assert create(shop, rescued(image_of("nobody-ran-it")), "--as=ops").returncode == 0
    end = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.kubectl("annotate", "--overwrite", "deployment/cart", f"stella.ops/break-glass-expires={end}", "--as=dev")
    assert DENIED in set_image(shop, "nobody-ran-this-either", "dev").stderr


def test_a_right_that_is_taken_back_has_ended(shop: Namespace) -> None:
    assert create(shop, rescued(image_of("nobody-ran-it")), "--as=ops").returncode == 0
    shop.kubectl("delete", "rolebinding", "rescue")

    def refused() -> bool:
        return (
            DENIED in create(shop, rescued(image_of("nobody-ran-it"), "other"), "--as=ops", "--dry-run=server").stderr
        )

    poll(refused, SECONDS, "the API server knows of it")


@pytest.mark.parametrize("end", ["2020-01-01T00:00:00Z", "2126-01-01T00:00:00Z", "tomorrow", ""])
def test_an_end_that_cannot_count_is_told(shop: Namespace, end: str) -> None:
    item = rescued(image_of("nobody-ran-it"), **{"stella.ops/break-glass-expires": end})
    assert DENIED in create(shop, item, "--as=ops").stderr


def test_a_webhook_that_may_not_ask_lets_nobody_past(
    control_plane: ControlPlane, account: Path, tmp_path: Path
) -> None:
    environment = "emergency-without-rights"
    policy = {"RequiredEnvironments": [environment]}
    gate = Gate(tmp_path, policy, account, breakGlass={"enabled": True}, events={"enabled": False})
    with gate, registered(control_plane, gate, [environment]):
        result = Namespace.new(control_plane, environment).create(rescued(image_of("nobody-ran-it")))
    assert f"{DENIED} whether the user may could not be found out: the gate's account may not ask" in result.stderr


def test_a_record_of_it_says_who_and_what_was_overruled(shop: Namespace, rescue: Gate) -> None:
    create(shop, rescued(image_of("nobody-ran-it")), "--as=eve", "--as-group=oncall")

    def logged() -> list[dict[str, Any]]:
        return [
            line["record"] for line in rescue.log("decision") if line["record"]["request"]["namespace"] == shop.name
        ]

    [record] = poll(logged, SECONDS, "the decision is logged")
    assert record["breakGlass"]["access"] == "allowed"
    assert record["breakGlass"]["user"]["username"] == "eve"
    assert "oncall" in record["breakGlass"]["user"]["groups"]
    assert json.dumps(record["images"]).count('"EvidenceMissing"') >= 1
