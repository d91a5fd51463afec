"""Several environments at once, each with its own options."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cluster import Namespace, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.workloads import deployment

STRICT, LENIENT, LOUD = "strict", "lenient", "loud"


@pytest.fixture
def differing(control_plane: ControlPlane, account: Path, tmp_path: Path) -> Iterator[Gate]:
    """Three environments: `strict` as the section says, `lenient` with lower thresholds, `loud` only warns."""
    overrides = {
        LENIENT: {"MinHotSymbolCount": 1, "MinUniqueCallPaths": 0, "EvidenceEnvironments": ["staging", "preview"]},
        LOUD: {"MissingEvidenceAction": "Warn"},
    }
    gate = Gate(tmp_path, {"RequiredEnvironments": [STRICT, LENIENT, LOUD], "Overrides": overrides}, account)
    gate.publish(digest_of("hardly seen"), hotSymbolCount=1, uniqueCallPaths=0)
    with gate, registered(control_plane, gate, [STRICT, LENIENT, LOUD]):
        yield gate


@pytest.mark.usefixtures("differing")
def test_the_same_image_is_denied_in_one_environment_and_admitted_in_another(control_plane: ControlPlane) -> None:
    manifest = deployment("cart", image_of("hardly seen"))
    denied = Namespace.new(control_plane, STRICT).create(manifest)
    admitted = Namespace.new(control_plane, LENIENT).create(manifest)
    assert "hot symbols 1 < 3 or call paths 0 < 1" in denied.stderr
    assert (denied.returncode, admitted.returncode, admitted.stderr) == (1, 0, "")


@pytest.mark.usefixtures("differing")
def test_each_environment_has_its_own_answer_to_missing_evidence(control_plane: ControlPlane) -> None:
    manifest = deployment("cart", image_of("never seen"))
    outcomes = {
        environment: Namespace.new(control_plane, environment).create(manifest)
        for environment in (STRICT, LENIENT, LOUD)
    }
    assert [outcome.returncode for outcome in outcomes.values()] == [1, 1, 0]
    assert "No execution evidence found for this artifact (warn mode)" in outcomes[LOUD].stderr


def test_an_override_that_changes_while_serving_changes_one_environment(
    control_plane: ControlPlane, differing: Gate
) -> None:
    manifest = deployment("cart", image_of("hardly seen"))
    section = differing.configuration["PolicyGates"]["ExecutionEvidence"]
    section["Overrides"] = {STRICT: {"Enabled": False}} | section["Overrides"]
    differing.configure(differing.configuration)
    strict = Namespace.new(control_plane, STRICT)
    poll(lambda: strict.admits(image_of("never seen")), 5.0, "the gate is off in one environment")
    assert Namespace.new(control_plane, LENIENT).create(manifest).returncode == 0
    assert Namespace.new(control_plane, LENIENT).create(deployment("other", image_of("never seen"))).returncode == 1
