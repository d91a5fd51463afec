"""What a user sees who creates a workload, as kubectl prints it."""

import pytest

from tests.harness.cluster import Namespace
from tests.harness.evidence import image_of
from tests.harness.gate import Gate
from tests.harness.workloads import API_VERSIONS, deployment, workload
from tests.integration.conftest import NamespaceMaker

MISSING = "No execution evidence found for this artifact in required environment"
INSUFFICIENT = "Execution evidence trace quality is insufficient: hot symbols 1 < 3 or call paths 0 < 1"
DENIED = 'admission webhook "production.execution-evidence.stella.ops" denied the request:'


def test_sufficient_evidence_admits_without_a_word(production: Namespace) -> None:
    result = production.create(deployment("cart", image_of("sufficient")))
    assert (result.stdout, result.stderr) == ("deployment.apps/cart created\n", "")


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("nobody-ran-it", MISSING, "EvidenceMissing"),
        ("insufficient", INSUFFICIENT, "EvidenceInsufficient"),
        ("stranger", MISSING, "EvidenceUntrusted"),
    ],
)
def test_a_denial_says_one_fact_a_line(production: Namespace, name: str, message: str, reason: str) -> None:
    result = production.create(deployment("cart", image_of(name)))
    first, *facts = [line.rstrip() for line in result.stderr.splitlines()]
    assert result.returncode == 1
    assert first == f'Error from server (Forbidden): error when creating "STDIN": {DENIED}'
    assert facts[:2] == [f"execution-evidence: {message}", f"  image: {image_of(name)} (container cart)"]
    assert facts[2].startswith("  found: ")
    assert facts[2].endswith(f" ({reason})")
    assert facts[3].startswith("  next:  ")
    assert facts[3].endswith("; see https://example.com/evidence")
    assert len(facts) == 4


def test_a_denial_for_want_of_evidence_says_how_to_make_it(production: Namespace) -> None:
    result = production.create(deployment("cart", image_of("nobody-ran-it")))
    assert "  next:  run it in staging with profiling on, then `evidence-gate attest`; see " in result.stderr


def test_a_denied_object_does_not_exist(production: Namespace) -> None:
    production.create(deployment("cart", image_of("nobody-ran-it")))
    assert production.kubectl("get", "deployments", "-o", "name").stdout == ""


def test_only_the_image_without_evidence_is_named(production: Namespace) -> None:
    manifest = deployment("cart", image_of("sufficient"))
    pod = manifest["spec"]["template"]["spec"]
    pod["initContainers"] = [{"name": "migrate", "image": image_of("nobody-ran-it")}]
    result = production.create(manifest)
    assert f"  image: {image_of('nobody-ran-it')} (container migrate)" in result.stderr
    assert image_of("sufficient") not in result.stderr


def test_an_image_named_by_tag_is_denied_as_not_pinned(production: Namespace) -> None:
    result = production.create(deployment("cart", "registry.example.com/shop/cart:1.4"))
    assert f"execution-evidence: {MISSING}" in result.stderr
    assert "  image: registry.example.com/shop/cart:1.4 (container cart)" in result.stderr
    assert "(ImageNotPinned)" in result.stderr


def test_a_tag_beside_a_digest_changes_nothing(production: Namespace) -> None:
    image = image_of("sufficient").replace("@", ":1.4@")
    assert production.create(deployment("cart", image)).returncode == 0


def test_an_environment_that_is_not_required_admits(namespace_in: NamespaceMaker, gate: Gate) -> None:
    before = gate.reviews()
    result = namespace_in("development").create(deployment("cart", image_of("nobody-ran-it")))
    assert (result.returncode, result.stderr) == (0, "")
    assert gate.reviews() == before + 1


def test_a_namespace_of_no_environment_never_asks_the_webhook(namespace_in: NamespaceMaker, gate: Gate) -> None:
    before = gate.reviews()
    assert namespace_in(None).create(deployment("cart", image_of("nobody-ran-it"))).returncode == 0
    assert gate.reviews() == before


@pytest.mark.parametrize("flags", [(), ("--dry-run=server",)], ids=["real", "dry-run"])
@pytest.mark.parametrize(("name", "code"), [("sufficient", 0), ("insufficient", 1), ("nobody-ran-it", 1)])
def test_a_dry_run_gives_the_same_verdict(
    production: Namespace, name: str, code: int, flags: tuple[str, ...]
) -> None:
    assert production.create(deployment("cart", image_of(name)), *flags).returncode == code


def test_what_the_author_writes_on_the_object_does_not_help(production: Namespace) -> None:
    manifest = deployment("cart", image_of("nobody-ran-it"))
    forged = {
        "production.execution-evidence.stella.ops/verdict": "Pass",
        "stella.ops/break-glass": "true",
        "execution_evidence_hot_symbol_count": "42",
    }
    labels = {"stella.ops/environment": "development", "app": "cart"}
    for metadata in (manifest["metadata"], manifest["spec"]["template"]["metadata"]):
        metadata |= {"annotations": forged, "labels": labels}
    assert f"execution-evidence: {MISSING}" in production.create(manifest).stderr


def test_an_owner_does_not_help(production: Namespace) -> None:
    production.create(deployment("owner", image_of("sufficient")))
    uid = production.kubectl("get", "deployment", "owner", "-o", "jsonpath={.metadata.uid}").stdout
    manifest = workload("ReplicaSet", "cart", image_of("nobody-ran-it"))
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "owner", "uid": uid, "controller": True}
    manifest["metadata"]["ownerReferences"] = [owner]
    assert f"execution-evidence: {MISSING}" in production.create(manifest).stderr


def test_a_generated_name_is_no_way_around(production: Namespace) -> None:
    manifest = deployment("cart", image_of("nobody-ran-it"))
    manifest["metadata"] = {"generateName": "cart-"}
    assert f"execution-evidence: {MISSING}" in production.create(manifest).stderr


@pytest.mark.parametrize("kind", API_VERSIONS)
def test_every_workload_kind_is_denied_without_evidence(production: Namespace, kind: str) -> None:
    result = production.create(workload(kind, "cart", image_of("nobody-ran-it")))
    assert DENIED in result.stderr
    assert f"execution-evidence: {MISSING}" in result.stderr


@pytest.mark.parametrize("kind", API_VERSIONS)
def test_every_workload_kind_is_admitted_with_evidence(production: Namespace, kind: str) -> None:
    result = production.create(workload(kind, "cart", image_of("sufficient")))
    assert (result.returncode, result.stderr) == (0, "")
