import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.keys import ecdsa
from webhook.cli.main import main
from webhook.settings import load_settings

COMMAND = Path(sys.executable).with_name("evidence-gate")
GOOD: dict[str, Any] = {
    "PolicyGates": {"ExecutionEvidence": {"Enabled": True}},
    "stores": {"directory": {"path": "evidence"}},
    "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
}
SEED = """{"PolicyGates":{"ExecutionEvidence":{"Enabled":false,"MissingEvidenceAction":"Warn",
"RequiredEnvironments":["production"],"MinHotSymbolCount":3,"MinUniqueCallPaths":1}}}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staging.pub").write_bytes(ecdsa().pem)
    return tmp_path


def check(file: Path) -> Result:
    return CliRunner().invoke(main, ["config", "check", str(file)])


def written(folder: Path, content: str | bytes | dict[str, Any]) -> Path:
    file = folder / "gate.yaml"
    text = json.dumps(content) if isinstance(content, dict) else content
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_valid_file_is_confirmed_with_its_keys_and_its_digest(folder: Path) -> None:
    file = written(folder, GOOD)
    result = check(file)
    assert result.exit_code == 0
    assert result.stdout == f"{file}: valid (trusted keys: 1, {load_settings(file).digest})\n"
    assert result.stderr == ""


def test_the_seeds_file_is_valid_and_remarked_upon(folder: Path) -> None:
    result = check(written(folder, SEED))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "note: PolicyGates.ExecutionEvidence.Enabled is false: every image is admitted."
    assert all(line.startswith("note: ") for line in lines[:-1])
    assert ": valid (trusted keys: 0, sha256:" in lines[-1]


MISTAKES: list[tuple[str, str | bytes | dict[str, Any], list[str]]] = [
    ("unknown key", GOOD | {"store": {}}, ["store: unknown key, did you mean 'stores'?"]),
    (
        "two mistakes",
        {"PolicyGates": {"ExecutionEvidence": {"Enable": True}}, "workloads": ["Deploy"]},
        [
            "PolicyGates.ExecutionEvidence.Enable: unknown key, did you mean 'Enabled'?",
            "workloads[0]: not one of Deployment, Rollout, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod",
        ],
    ),
    ("not YAML", "a: [", ["line 1: is not YAML: expected the node content, but found '<stream end>'"]),
    ("not UTF-8", b"\xff", ["is not YAML"]),
    ("a list", "[]", ["must be a mapping with `PolicyGates` and other sections"]),
    ("too large", "#" * (1024 * 1024 + 1), ["cannot be read, or is larger than 1 MiB"]),
    (
        "no key file",
        GOOD | {"trust": {"keys": [{"name": "staging", "file": "gone.pub"}]}},
        ["trust.keys[0].file 'gone.pub': cannot be read"],
    ),
    (
        "no key",
        GOOD | {"trust": {"keys": [{"name": "staging", "file": "gate.yaml"}]}},
        ["trust.keys[0].file 'gate.yaml': it holds no PEM public key"],
    ),
    (
        "threshold too high",
        GOOD | {"trust": GOOD["trust"] | {"threshold": 2}},
        ["trust.threshold is higher than the number of distinct keys"],
    ),
    (
        "tags",
        {"PolicyGates": {"ExecutionEvidence": {"TagPolicy": "Resolve"}}},
        ["TagPolicy Resolve needs a registry store, and there is none yet"],
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda row: row[0])
def test_a_mistake_is_told_on_standard_error_and_exits_with_2(
    mistake: tuple[str, str | bytes | dict[str, Any], list[str]], folder: Path
) -> None:
    _, content, problems = mistake
    file = written(folder, content)
    result = check(file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "".join(f"{file}: {problem}\n" for problem in problems)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_is_not_there_is_a_usage_error(name: str, folder: Path) -> None:
    result = check(folder / name)
    assert result.exit_code == 2
    assert "Invalid value for 'FILE'" in result.stderr


def test_without_a_file_the_usage_is_shown(folder: Path) -> None:
    assert CliRunner().invoke(main, ["config", "check"]).exit_code == 2
    assert CliRunner().invoke(main, ["config"]).exit_code == 2
    assert CliRunner().invoke(main, ["config", "check", str(written(folder, GOOD)), "more"]).exit_code == 2


@pytest.mark.parametrize(("content", "code"), [(SEED, 0), ("a: [", 2), ("events: {enabled: !!bool maybe}", 2)])
def test_the_installed_command_never_shows_a_traceback(content: str, code: int, folder: Path) -> None:
    command = [str(COMMAND), "config", "check", str(written(folder, content))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert result.returncode == code
