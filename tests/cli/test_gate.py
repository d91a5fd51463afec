import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from webhook.cli.main import main

COMMAND = Path(sys.executable).with_name("evidence-gate")
EVIDENCE = "has_execution_evidence=true"
SYMBOLS = "execution_evidence_hot_symbol_count="
PATHS = "execution_evidence_unique_call_paths="

# The first seed's "Example Gate Results": verdict, reason, message, exit code; the two counts, if there is evidence.
EXAMPLES = {
    "quality met": (
        ["Pass", "EvidenceSufficient"],
        "Execution evidence meets quality thresholds (hot symbols: 42, call paths: 17)",
        ("production", "Warn", (42, 17)),
    ),
    "not required": (
        ["Pass", "EnvironmentNotRequired"],
        "Execution evidence not required for environment 'staging'",
        ("staging", "Warn", None),
    ),
    "no evidence, warn mode": (
        ["Warn", "EvidenceMissing"],
        "No execution evidence found for this artifact (warn mode)",
        ("production", "Warn", None),
    ),
    "no evidence, block mode": (
        ["Fail", "EvidenceMissing"],
        "No execution evidence found for this artifact in required environment",
        ("production", "Block", None),
    ),
    "insufficient quality": (
        ["Fail", "EvidenceInsufficient"],
        "Execution evidence trace quality is insufficient: hot symbols 1 < 3 or call paths 0 < 1",
        ("production", "Warn", (1, 0)),
    ),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["gate", *arguments])


def configuration(folder: Path, **section: Any) -> str:
    file = folder / "gate.json"
    file.write_text(json.dumps({"PolicyGates": {"ExecutionEvidence": section}}))
    return str(file)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_installed_command_gives_the_seeds_examples_to_the_letter(example: str, tmp_path: Path) -> None:
    (verdict, reason), message, (environment, action, counts) = EXAMPLES[example]
    config = configuration(tmp_path, Enabled=True, MissingEvidenceAction=action)
    arguments = [str(COMMAND), "gate", "--environment", environment, "--config", config]
    if counts is not None:
        for pair in (EVIDENCE, f"{SYMBOLS}{counts[0]}", f"{PATHS}{counts[1]}"):
            arguments += ["--metadata", pair]
    text = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert text.stdout == f"{verdict}: {message}\n"
    assert text.stderr == ""
    assert text.returncode == (1 if verdict == "Fail" else 0)
    machine = subprocess.run([*arguments, "-o", "json"], capture_output=True, text=True, check=False)
    assert json.loads(machine.stdout) == {
        "gate": "execution-evidence",
        "result": verdict,
        "message": message,
        "reason": reason,
    }
    assert machine.returncode == text.returncode


def test_without_a_configuration_the_gate_is_enabled_with_the_seeds_defaults() -> None:
    assert run("--environment", "production").stdout.startswith("Warn: ")
    below = run("--environment", "production", "--metadata", EVIDENCE, "--metadata", f"{SYMBOLS}2")
    assert below.stdout.endswith("hot symbols 2 < 3 or call paths 0 < 1\n")


def test_the_help_says_that_the_gate_is_enabled_without_a_configuration() -> None:
    assert "Without --config the gate runs with its default options, except that it is enabled" in " ".join(
        run("--help").stdout.split()
    )


def test_a_configuration_may_say_that_the_gate_is_off(tmp_path: Path) -> None:
    result = run("--environment", "production", "--config", configuration(tmp_path), "-o", "json")
    assert json.loads(result.stdout)["reason"] == "GateDisabled"
    assert result.exit_code == 0


def test_a_value_may_hold_an_equals_sign() -> None:
    result = run("--environment", "staging", "--metadata", "note=a=b")
    assert result.exit_code == 0


BEACONS = ["--gate", "beacon-rate", "--environment", "production"]
NINE_OF_10 = ["has_beacon_data=true", "beacon_expected_count=10", "beacon_verified_count=9"]


@pytest.mark.parametrize(
    ("section", "pairs", "said", "code"),
    [
        (None, NINE_OF_10, "Pass: Beacon verification rate meets the minimum: 0.90 >= 0.80 (verified 9 of 10)", 0),
        (None, [], "Warn: No beacon data found for this artifact (warn mode)", 0),
        ({}, NINE_OF_10, "Pass: Beacon rate gate is disabled", 0),
        (
            {"Enabled": True, "MissingBeaconAction": "Block"},
            [],
            "Fail: No beacon data found for this artifact in required environment",
            1,
        ),
        (
            {"Enabled": True, "MinBeaconRate": 0.95},
            NINE_OF_10,
            "Fail: Beacon verification rate is insufficient: 0.90 < 0.95 (verified 9 of 10)",
            1,
        ),
    ],
)
def test_the_second_gate_runs_by_its_own_section(
    section: dict[str, Any] | None, pairs: list[str], said: str, code: int, tmp_path: Path
) -> None:
    arguments = [*BEACONS, *(word for pair in pairs for word in ("--metadata", pair))]
    if section is not None:
        file = tmp_path / "gate.json"
        # The first gate's section has no say.
        gates = {"ExecutionEvidence": {"Enabled": True, "MissingEvidenceAction": "Block"}, "BeaconRate": section}
        file.write_text(json.dumps({"PolicyGates": gates}))
        arguments += ["--config", str(file)]
    result = run(*arguments)
    assert (result.stdout, result.exit_code) == (f"{said}\n", code)
    machine = json.loads(run(*arguments, "-o", "json").stdout)
    assert machine["gate"] == "beacon-rate"
    assert f"{machine['result']}: {machine['message']}" == said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--environment'"),
        (["--environment", "x", "--metadata", "has_execution_evidence"], "write KEY=VALUE"),
        (["--environment", "x", "--metadata", "=true"], "write KEY=VALUE"),
        (["--environment", "x", "--metadata", "a=1", "--metadata", "a=2"], "a is given twice"),
        (["--environment", "x", "--gate", "beacons"], "'beacons' is not one of 'beacon-rate', 'execution-evidence'"),
        (["--environment", "x", "-o", "yaml"], "'yaml' is not one of"),
    ],
)
def test_a_usage_error_says_what_to_write_and_exits_with_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"PolicyGates":{"ExecutionEvidence":{"Enabeld":true}}}', "Enabled"),
        ('{"PolicyGates":{"ExecutionEvidence":{"MinHotSymbolCount":-1}}}', "MinHotSymbolCount"),
        ("{", ""),
    ],
)
def test_a_configuration_error_exits_with_2(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "gate.json"
    file.write_text(content)
    result = run("--environment", "production", "--config", str(file))
    assert result.exit_code == 2
    assert str(file) in result.stderr
    assert message in result.stderr


def test_a_configuration_that_is_not_there_exits_with_2(tmp_path: Path) -> None:
    assert run("--environment", "production", "--config", str(tmp_path / "none.yaml")).exit_code == 2


def test_an_environment_without_a_name_is_no_pass() -> None:
    # "Requires nothing" is exit code 0; a variable that a pipeline has not set is an empty text.
    result = run("--environment", "")
    assert result.exit_code == 2
    assert "an environment's name has 1 to 63 of the characters" in result.stderr
