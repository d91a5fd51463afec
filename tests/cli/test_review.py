from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from click.testing import CliRunner

from tests.cli.reviewing import (
    FOREIGN,
    GOOD,
    POOR,
    SHOP,
    UNKNOWN,
    as_json,
    configure,
    review,
    site,
    warnings,
    webhook_warnings,
    workload,
)
from webhook.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return site(tmp_path)


@pytest.mark.parametrize(
    ("digests", "code", "words"),
    [
        ([GOOD], 0, ["admitted (EvidenceSufficient)"]),
        ([GOOD, GOOD], 0, ["admitted (EvidenceSufficient)"] * 2),
        ([UNKNOWN], 1, ["denied (EvidenceMissing)"]),
        ([POOR], 1, ["denied (EvidenceInsufficient)"]),
        ([FOREIGN], 1, ["denied (EvidenceUntrusted)"]),
        ([GOOD, UNKNOWN], 1, ["admitted (EvidenceSufficient)", "denied (EvidenceMissing)"]),
    ],
)
def test_the_verdicts_are_told_and_one_denial_denies(
    digests: list[str], code: int, words: list[str], folder: Path
) -> None:
    result = review(folder, *(workload(digest) for digest in digests))
    assert result.exit_code == code
    heads = [line for line in result.stdout.splitlines() if line.startswith("Deployment ")]
    assert heads == [f"Deployment default/cart: {word}" for word in words]
    assert result.stderr == ""


def test_a_denial_reads_as_the_design_has_it(folder: Path) -> None:
    lines = review(folder, workload(UNKNOWN)).stdout.splitlines()
    assert lines[1] == "execution-evidence: No execution evidence found for this artifact in required environment"
    assert lines[2] == f"  image: {SHOP}@{UNKNOWN} (container cart)"
    assert lines[3].startswith("  found: ")
    assert lines[4].startswith("  next:  run it in staging with profiling on, then `evidence-gate attest`")


def test_a_warning_admits(folder: Path) -> None:
    configure(folder, MissingEvidenceAction="Warn")
    result = review(folder, workload(UNKNOWN))
    assert result.exit_code == 0
    assert result.stdout.startswith("Deployment default/cart: admitted with a warning (EvidenceMissing)\nWarning: ")
    assert as_json(folder, workload(UNKNOWN))[0]["allowed"] is True


WARN = {"MissingEvidenceAction": "Warn"}
WARNED: dict[str, tuple[str, str, dict[str, Any], bool]] = {
    "enough": ("production", GOOD, {}, False),
    "not required here": ("staging", UNKNOWN, {}, False),
    "not required anywhere": ("production", UNKNOWN, {"Enabled": False}, False),
    "missing": ("production", UNKNOWN, WARN, True),
    "missing, and blocked": ("production", UNKNOWN, {}, False),
    "too little": ("production", POOR, WARN, False),
}
"""The environment, the image, the gate, and whether the webhook warns: only if it admits and something is missing."""


@pytest.mark.parametrize("case", WARNED)
def test_what_the_webhook_does_not_warn_of_is_not_warned_of(case: str, folder: Path) -> None:
    environment, digest, section, warned = WARNED[case]
    configure(folder, **section)
    told = warnings(review(folder, workload(digest), environment=environment))
    assert bool(told) is warned
    assert told == webhook_warnings(folder, workload(digest), environment)


@pytest.mark.parametrize(("environment", "code"), [("staging", 0), ("production", 1), ("PRODUCTION", 1)])
def test_an_environment_that_requires_nothing_admits(environment: str, code: int, folder: Path) -> None:
    result = review(folder, workload(UNKNOWN), environment=environment)
    assert result.exit_code == code
    assert ("EnvironmentNotRequired" in result.stdout) is (code == 0)


@pytest.mark.parametrize("environment", ["", " production", "production\n", "produc\u0442ion", "../production"])
def test_what_no_environment_is_called_is_no_pass(environment: str, folder: Path) -> None:
    # A variable that a pipeline has not set is an empty text.
    result = review(folder, workload(UNKNOWN), environment=environment)
    assert result.exit_code == 2
    assert "an environment's name has 1 to 63 of the characters" in result.stderr


MISSING_STORE = {"directory": {"path": "nowhere"}}


def test_a_store_that_cannot_be_read_leaves_it_undecided(folder: Path) -> None:
    configure(folder, MISSING_STORE)
    result = review(folder, workload(GOOD))
    assert result.exit_code == 3
    assert result.stdout.startswith("Deployment default/cart: not decided (EvidenceUnavailable)\n")
    assert "store directory: the folder cannot be read" in result.stdout


@pytest.mark.parametrize(("section", "code"), [({}, 3), ({"UnavailableEvidenceAction": "Warn"}, 0)])
def test_what_an_unavailable_store_leads_to_is_configured(section: dict[str, Any], code: int, folder: Path) -> None:
    configure(folder, MISSING_STORE, **section)
    assert review(folder, workload(GOOD)).exit_code == code


def test_a_denial_outweighs_what_is_undecided(folder: Path) -> None:
    configure(folder, MISSING_STORE)
    by_tag = workload(GOOD)
    by_tag["spec"]["template"]["spec"]["containers"][0]["image"] = f"{SHOP}:1.4"
    assert review(folder, workload(GOOD), by_tag).exit_code == 1


@pytest.mark.parametrize("kubeconfig", ["not a kubeconfig", "{}", "apiVersion: v1\nkind: Config\n"])
def test_a_cluster_that_nobody_can_name_is_a_configuration_error(kubeconfig: str, folder: Path) -> None:
    configure(folder, {"cluster": {}})
    (folder / "kubeconfig").write_text(kubeconfig)
    result = review(folder, workload(GOOD), more=("--kubeconfig", str(folder / "kubeconfig")))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("metadata", "namespace", "name"),
    [
        ({}, "default", "cart"),
        ({"namespace": "shop"}, "shop", "cart"),
        ({"name": None, "generateName": "cart-"}, "default", "cart-"),
    ],
)
def test_namespace_and_name_are_the_manifests(
    metadata: dict[str, Any], namespace: str, name: str, folder: Path
) -> None:
    document = workload()
    document["metadata"] = {key: value for key, value in (document["metadata"] | metadata).items() if value}
    entry = as_json(folder, document)[0]
    assert (entry["namespace"], entry["name"]) == (namespace, name)
    assert (entry["record"]["request"]["namespace"], entry["record"]["request"]["name"]) == (namespace, name)


def test_a_kind_that_the_webhook_is_not_asked_about_is_told_and_decides_nothing(folder: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}}
    result = review(folder, pod)
    assert result.exit_code == 0
    assert result.stderr == "Pod default/p: not evaluated (not in the gate's `workloads`)\n"
    assert "admitted" not in result.output


@pytest.mark.parametrize("digest", [GOOD, POOR, UNKNOWN])
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_the_json_holds_the_record_and_its_digest(digest: str, environment: str, folder: Path) -> None:
    entry = as_json(folder, workload(digest), environment=environment)[0]
    assert list(entry) == ["kind", "namespace", "name", "allowed", "verdict", "reasons", "decision", "record"]
    assert entry["decision"] == "sha256:" + sha256(rfc8785.dumps(entry["record"])).hexdigest()
    assert entry["verdict"] == entry["record"]["decision"]["verdict"]
    assert entry["reasons"] == entry["record"]["decision"]["reasons"]
    assert entry["allowed"] is (entry["verdict"] != "Fail")
    assert entry["record"]["decision"]["environment"] == environment
    assert entry["record"]["decision"]["triggerTime"]["kind"] == "unix_millis"
    assert (entry["record"]["kind"], entry["record"]["request"]["operation"]) == ("DecisionRecord", "CREATE")


def test_the_text_tells_the_same_digest_as_the_record(folder: Path) -> None:
    lines = review(folder, workload()).stdout.splitlines()
    prefix, digest = lines[-1].split("sha256:")
    assert prefix == "  decision: "
    assert len(digest) == 64


def test_only_the_clock_tells_two_runs_apart(folder: Path) -> None:
    first, second = (as_json(folder, workload())[0] for _ in range(2))
    second["record"]["decision"]["triggerTime"] = first["record"]["decision"]["triggerTime"]
    assert second["record"] == first["record"]
    assert "sha256:" + sha256(rfc8785.dumps(second["record"])).hexdigest() == first["decision"]


def test_another_manifest_is_another_request(folder: Path) -> None:
    found = as_json(folder, workload(), workload(labels={"a": "b"}), workload())
    uids = [entry["record"]["request"]["uid"] for entry in found]
    assert uids[0] == uids[2] != uids[1]


def test_a_broken_configuration_is_a_configuration_error(folder: Path) -> None:
    configure(folder, Enable=True)
    result = review(folder, workload())
    assert result.exit_code == 2
    assert "ExecutionEvidence.Enable: unknown key, did you mean 'Enabled'?" in result.stderr


@pytest.mark.parametrize("left_out", ["-f", "--environment", "--config"])
def test_what_is_required_is_asked_for(left_out: str, folder: Path) -> None:
    given = {"-f": "x", "--environment": "production", "--config": str(folder / "gate.json")}
    del given[left_out]
    result = CliRunner().invoke(main, ["review", *(part for pair in given.items() for part in pair)])
    assert result.exit_code == 2
    assert "Missing option" in result.stderr
