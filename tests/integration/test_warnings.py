"""Warn mode, as kubectl prints it."""

import pytest

from tests.harness.cluster import Namespace
from tests.harness.evidence import image_of
from tests.harness.workloads import deployment
from tests.integration.conftest import NamespaceMaker

PREFIX = "Warning: "


@pytest.fixture
def preproduction(namespace_in: NamespaceMaker) -> Namespace:
    """A namespace of an environment that warns."""
    return namespace_in("preproduction")


@pytest.mark.parametrize("name", ["nobody-ran-it", "stranger"])
def test_missing_evidence_is_admitted_with_a_warning(preproduction: Namespace, name: str) -> None:
    result = preproduction.create(deployment("cart", image_of(name)))
    assert result.stdout == "deployment.apps/cart created\n"
    message = "execution-evidence: No execution evidence found for this artifact (warn mode)"
    assert f"{PREFIX}{message}" in result.stderr.splitlines()


def test_each_warning_fits_what_the_api_server_advises(preproduction: Namespace) -> None:
    result = preproduction.create(deployment("cart", image_of("nobody-ran-it")))
    warnings = [line.removeprefix(PREFIX) for line in result.stderr.splitlines() if line.startswith(PREFIX)]
    assert len(warnings) == len(result.stderr.splitlines()) > 1
    assert max(map(len, warnings)) <= 120


def test_a_warning_names_image_and_reason(preproduction: Namespace) -> None:
    result = preproduction.create(deployment("cart", image_of("nobody-ran-it")))
    digest = image_of("nobody-ran-it").partition("@")[2]
    [line] = [line for line in result.stderr.splitlines() if "EvidenceMissing" in line]
    assert f"cart@{digest[:19]}" in line


def test_sufficient_evidence_gives_no_warning(preproduction: Namespace) -> None:
    assert preproduction.create(deployment("cart", image_of("sufficient"))).stderr == ""


def test_insufficient_evidence_is_denied_in_warn_mode_too(preproduction: Namespace) -> None:
    result = preproduction.create(deployment("cart", image_of("insufficient")))
    assert 'admission webhook "preproduction.execution-evidence.stella.ops" denied the request' in result.stderr
