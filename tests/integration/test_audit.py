"""Audit annotations in the API server's log, and the decision record that they point to."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785

from tests.harness.cluster import Namespace
from tests.harness.evidence import image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.workloads import deployment
from tests.integration.conftest import NamespaceMaker


def annotations(namespace: Namespace, environment: str) -> dict[str, str]:
    """Gives the webhook's annotations of the one Deployment that was to be created in a namespace."""
    plane = namespace.control_plane
    wanted = {"verb": "create", "resource": "deployments", "namespace": namespace.name}
    [event] = poll(lambda: plane.audit_events(**wanted), 5, "the request stands in the audit log")
    prefix = f"{environment}.execution-evidence.stella.ops/"
    found: dict[str, Any] = event["annotations"]
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


@pytest.mark.parametrize(
    ("environment", "name", "verdict", "reason"),
    [
        ("production", "sufficient", "Pass", "EvidenceSufficient"),
        ("production", "insufficient", "Fail", "EvidenceInsufficient"),
        ("production", "stranger", "Fail", "EvidenceUntrusted"),
        ("preproduction", "nobody-ran-it", "Warn", "EvidenceMissing"),
        ("development", "nobody-ran-it", "Pass", "EnvironmentNotRequired"),
    ],
)
def test_verdict_and_reason_stand_in_the_audit_log(
    namespace_in: NamespaceMaker, environment: str, name: str, verdict: str, reason: str
) -> None:
    namespace = namespace_in(environment)
    namespace.create(deployment("cart", image_of(name)))
    written = annotations(namespace, environment)
    assert (written["verdict"], written["reasons"]) == (verdict, reason)


def test_the_evaluated_images_stand_in_the_audit_log(production: Namespace) -> None:
    production.create(deployment("cart", image_of("nobody-ran-it")))
    assert image_of("nobody-ran-it") in annotations(production, "production")["images"]


@pytest.mark.parametrize("name", ["sufficient", "nobody-ran-it"])
def test_the_decision_in_the_audit_log_is_the_digest_of_the_logged_record(
    production: Namespace, gate: Gate, name: str
) -> None:
    production.create(deployment("cart", image_of(name)))
    digest = annotations(production, "production")["decision"]

    def logged() -> list[dict[str, Any]]:
        return [line for line in gate.log("decision") if line["decision"] == digest]

    [line] = poll(logged, 5, "the decision is logged")
    assert digest == f"sha256:{hashlib.sha256(rfc8785.dumps(line['record'])).hexdigest()}"
    assert line["uid"] == line["record"]["request"]["uid"]
    assert image_of(name) in str(line["record"]["images"])


def test_every_line_of_the_log_is_json(production: Namespace, gate: Gate) -> None:
    production.create(deployment("cart", image_of("sufficient")))
    for line in gate.program.log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            assert json.loads(line)["message"]
