"""Callers of the evidence service and the real API server: tokens for us alone, and a right that can be bound."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.server.query.asking import question

SERVICE = "evidence-service"
CALLERS = "evidence-callers"
AUDIENCE = "execution-evidence-gate"
RBAC = {"apiVersion": "rbac.authorization.k8s.io/v1"}


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return RBAC | {"kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def bound(name: str, subject: dict[str, str]) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    return RBAC | {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": reference,
        "subjects": [subject],
    }


@pytest.fixture(scope="module")
def accounts(control_plane: ControlPlane) -> Namespace:
    """A namespace with two accounts, of which `robot` may query."""
    namespace = Namespace.new(control_plane, None)
    for name in ("robot", "stranger"):
        namespace.kubectl("create", "serviceaccount", name)
    rule = {"nonResourceURLs": ["/v1/evidence/query"], "verbs": ["post"]}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": namespace.name}
    apply(control_plane, role(CALLERS, rule), bound(CALLERS, subject))
    return namespace


@pytest.fixture(scope="module")
def service(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook that serves evidence to those for whom the API server vouches, with exactly the rights it needs."""
    rules = [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": SERVICE}
    apply(control_plane, role(SERVICE, *rules), bound(SERVICE, user))
    folder = tmp_path_factory.mktemp("service")
    gate = Gate(folder, {}, control_plane.kubeconfig_for(SERVICE), events={"enabled": False})
    gate.options = {"query-listen": "127.0.0.1:0", "query-cluster-callers": None}
    gate.publish(digest_of("seen"))
    with gate:
        yield gate


def ask(gate: Gate, token: str) -> tuple[int, Any]:
    (line,) = gate.log("evidence service listening")
    trust = ssl.create_default_context(cadata=gate.ca_pem.decode())
    request = urllib.request.Request(  # noqa: S310 - our own https
        f"{line['address']}/v1/evidence/query",
        data=json.dumps(question(digest_of("seen"))).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, context=trust, timeout=20) as answer:  # noqa: S310 - as above
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def token(accounts: Namespace, name: str, *flags: str) -> str:
    return accounts.kubectl("create", "token", name, *flags).stdout.strip()


def test_an_account_that_may_query_is_answered(service: Gate, accounts: Namespace) -> None:
    status, document = ask(service, token(accounts, "robot", "--audience", AUDIENCE))
    assert (status, document.get("error")) == (200, None)
    assert document["result"]["value"]["value"]["has_execution_evidence"] == "true"


def test_an_account_that_may_not_is_refused(service: Gate, accounts: Namespace) -> None:
    status, document = ask(service, token(accounts, "stranger", "--audience", AUDIENCE))
    assert (status, document["error"]["kind"]) == (403, "unauthorized")


@pytest.mark.parametrize("flags", [[], ["--audience", "somebody-else"]])
def test_a_token_that_was_made_for_others_is_refused(service: Gate, accounts: Namespace, flags: list[str]) -> None:
    status, document = ask(service, token(accounts, "robot", *flags))
    assert (status, document["error"]["kind"]) == (401, "unauthenticated")


def test_a_token_with_a_broken_signature_is_refused(service: Gate, accounts: Namespace) -> None:
    good = token(accounts, "robot", "--audience", AUDIENCE)
    head, payload, signature = good.split(".")
    assert ask(service, f"{head}.{payload}.{signature[::-1]}")[0] == 401


def test_a_right_that_is_taken_back_ends_within_seconds(
    service: Gate, accounts: Namespace, control_plane: ControlPlane
) -> None:
    shown = token(accounts, "stranger", "--audience", AUDIENCE)
    rule = {"nonResourceURLs": ["/v1/evidence/query"], "verbs": ["post"]}
    subject = {"kind": "ServiceAccount", "name": "stranger", "namespace": accounts.name}
    apply(control_plane, role("a-moment", rule), bound("a-moment", subject))
    poll(lambda: ask(service, shown)[0] == 200, 30, "the right is known")
    control_plane.kubectl("delete", "clusterrolebinding", "a-moment")
    poll(lambda: ask(service, shown)[0] == 403, 30, "the right is gone")


def test_a_webhook_that_may_not_ask_lets_nobody_in(
    control_plane: ControlPlane, account: Path, accounts: Namespace, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, {}, account, events={"enabled": False})
    gate.options = {"query-listen": "127.0.0.1:0", "query-cluster-callers": None}
    with gate:
        status, document = ask(gate, token(accounts, "robot", "--audience", AUDIENCE))
    assert control_plane.is_ready()
    assert (status, document["error"]["kind"]) == (503, "caller_check_unavailable")
