"""`evidence-gate review` with evidence in a registry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.reviewing import configure, review, site, warnings, webhook_warnings, workload
from tests.simulators.api_server import status
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_thread import RegistryThread
from tests.support.envelopes import dump, envelope
from tests.support.keys import ecdsa
from tests.support.statements import statement

CART = "shop/cart"
ALLOW = "add the repository to `stores.registry.allow`, so that its evidence is looked for"


@pytest.fixture
def registry() -> Iterator[RegistryThread]:
    with RegistryThread(referrers=True) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, registry: RegistryThread) -> Path:
    prepared = site(tmp_path)
    configure(prepared, {"registry": registry.settings()}, TagPolicy="Resolve")
    return prepared


def attested(simulator: RegistrySimulator, tag: str) -> str:
    """Puts an image there with evidence beside it, and gives its digest."""
    digest = simulator.add_manifest(CART, {"note": tag}, tag)
    simulator.attach(CART, digest, dump(envelope(statement(subjects=[digest]), [ecdsa(owner="staging")])))
    return digest


def running(registry: RegistryThread, image: str) -> dict[str, Any]:
    document = workload()
    document["spec"]["template"]["spec"]["containers"][0]["image"] = f"{registry.host}/{CART}{image}"
    return document


def test_an_image_is_admitted_on_what_lies_beside_it(folder: Path, registry: RegistryThread) -> None:
    digest = attested(registry.simulator, "1.0")
    result = review(folder, running(registry, f"@{digest}"))
    assert result.exit_code == 0
    assert result.stdout.startswith("Deployment default/cart: admitted (EvidenceSufficient)\n")
    assert "Warning" not in result.stdout


def test_a_tag_that_leads_to_evidence_is_admitted_and_warned_of(folder: Path, registry: RegistryThread) -> None:
    attested(registry.simulator, "1.0")
    result = review(folder, running(registry, ":1.0"))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Deployment default/cart: admitted (EvidenceSufficient)"
    assert [line for line in lines if line.startswith("Warning: ") and "tag" in line]


@pytest.mark.parametrize(("environment", "warned"), [("production", True), ("staging", False)])
def test_a_tag_is_warned_of_where_the_webhook_warns_of_it(
    folder: Path, registry: RegistryThread, environment: str, warned: object
) -> None:
    # Where nothing is required, nobody looks where a tag leads.
    attested(registry.simulator, "1.0")
    document = running(registry, ":1.0")
    told = warnings(review(folder, document, environment=environment))
    assert bool(told) is warned
    assert told == webhook_warnings(folder, document, environment)


@pytest.mark.parametrize("image", [":2.0", f"@sha256:{'0' * 64}"])
def test_an_image_with_nothing_beside_it_is_denied(folder: Path, registry: RegistryThread, image: str) -> None:
    assert review(folder, running(registry, image)).exit_code == 1


def test_an_image_outside_the_allow_list_is_denied_with_that_reason(folder: Path, registry: RegistryThread) -> None:
    configure(folder, {"registry": registry.settings("other/*")})
    result = review(folder, running(registry, f"@sha256:{'0' * 64}"))
    assert result.exit_code == 1
    assert f"  found: {registry.host}/{CART} is not in stores.registry.allow, so it is not asked" in result.stdout
    # Running it in staging would not help: nobody would look at what that brings.
    assert f"  next:  {ALLOW}\n" in result.stdout
    assert "profiling" not in result.stdout


def test_an_image_outside_the_allow_list_is_warned_of_with_what_helps(folder: Path, registry: RegistryThread) -> None:
    configure(folder, {"registry": registry.settings("other/*")}, MissingEvidenceAction="Warn")
    result = review(folder, running(registry, f"@sha256:{'0' * 64}"))
    assert f"next: {ALLOW}" in warnings(result)


def test_a_registry_that_refuses_leaves_the_image_undecided(folder: Path, registry: RegistryThread) -> None:
    registry.simulator.faults["referrers"].append(status(403))
    result = review(folder, running(registry, f"@sha256:{'0' * 64}"))
    assert result.exit_code == 3
    assert f"registry {registry.host} denies access to the repository (403)" in result.stdout


def test_pull_secrets_need_a_cluster(folder: Path, registry: RegistryThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    configure(folder, {"registry": registry.settings(pullSecrets=True)})
    result = review(folder, running(registry, ":1.0"))
    assert result.exit_code == 2
    assert "the pod's service account" in result.stderr
