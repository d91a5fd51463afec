"""The example manifests: each gets the verdict that their page tells."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from demo.workshop import ATTESTATIONS, Workshop
from tests.docs.console import ROOT
from tests.docs.tables import code, rows
from webhook.cli.main import main
from webhook.model.gate import Verdict
from webhook.settings.file import SettingsFile

EXAMPLES = ROOT / "manifests" / "examples"
CASES = [
    tuple(code(cell)[0] if code(cell) else cell for cell in cells)
    for cells in rows((EXAMPLES / "README.md").read_text("utf-8"), 4)
]
CONFIGURATION = yaml.safe_load((EXAMPLES / "config.yaml").read_text("utf-8"))
WEBHOOKS: list[dict[str, Any]] = yaml.safe_load((EXAMPLES / "webhook-configuration.yaml").read_text("utf-8"))[
    "webhooks"
]
RESOURCES = {"Deployment": ("apps", "v1", "deployments"), "Rollout": ("argoproj.io", "v1alpha1", "rollouts")}
EXIT_CODES = {"Pass": 0, "Warn": 0, "Fail": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shipped configuration and the evidence that the demo makes."""
    workshop = Workshop.furnish(tmp_path_factory.mktemp("examples"))
    for attestation in ATTESTATIONS:
        workshop.run(workshop.attest_arguments(attestation))
    shutil.copy(EXAMPLES / "config.yaml", workshop.folder)
    return workshop.folder


def review(folder: Path, manifest: str, environment: str) -> Result:
    arguments = ["review", "-f", str(EXAMPLES / manifest), "--environment", environment]
    return CliRunner().invoke(main, [*arguments, "--config", str(folder / "config.yaml"), "-o", "json"])


@pytest.mark.parametrize(("manifest", "environment", "verdict", "reason"), CASES)
def test_a_manifest_gets_its_verdict(
    folder: Path, manifest: str, environment: str, verdict: str, reason: str
) -> None:
    result = review(folder, manifest, environment)
    (outcome,) = json.loads(result.stdout)
    assert (outcome["verdict"], outcome["reasons"], result.exit_code) == (verdict, [reason], EXIT_CODES[verdict])


def test_every_manifest_and_every_verdict_is_told() -> None:
    files = {path.name for path in EXAMPLES.glob("*.yaml")} - {"config.yaml", "webhook-configuration.yaml"}
    assert {case[0] for case in CASES} == files
    assert {case[2] for case in CASES} == {verdict.value for verdict in Verdict}


def test_the_webhook_configuration_has_an_entry_for_each_required_environment() -> None:
    section = CONFIGURATION["PolicyGates"]["ExecutionEvidence"]
    assert [entry["name"].partition(".")[0] for entry in WEBHOOKS] == section["RequiredEnvironments"]


def test_an_entry_names_its_environment_everywhere() -> None:
    for entry in WEBHOOKS:
        environment = entry["name"].removesuffix(".execution-evidence.stella.ops")
        assert entry["clientConfig"]["service"]["path"] == f"/admit/{environment}"
        assert entry["namespaceSelector"] == {"matchLabels": {"stella.ops/environment": environment}}


def test_entries_differ_in_nothing_else() -> None:
    texts = {json.dumps(entry).replace(entry["name"].partition(".")[0], "ENV") for entry in WEBHOOKS}
    assert len(texts) == 1


def test_the_rules_send_the_kinds_that_are_evaluated_by_default() -> None:
    kinds = SettingsFile().workloads
    sent = [(*rule["apiGroups"], *rule["apiVersions"], *rule["resources"]) for rule in WEBHOOKS[0]["rules"]]
    assert sent == [RESOURCES[kind] for kind in kinds]
