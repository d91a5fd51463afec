import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner, Result

from tests.support.keys import ecdsa
from webhook.cli.main import main
from webhook.settings.file import WORKLOADS
from webhook.settings.loading import load_settings

ALLOW = {"allow": ["ghcr.io/*"]}
COMMAND = Path(sys.executable).with_name("evidence-gate")
GOOD: dict[str, Any] = {
    "PolicyGates": {"ExecutionEvidence": {"Enabled": True}},
    "stores": {"directory": {"path": "evidence"}},
    "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
}
SEED = """{"PolicyGates":{"ExecutionEvidence":{"Enabled":false,"MissingEvidenceAction":"Warn",
"RequiredEnvironments":["production"],"MinHotSymbolCount":3,"MinUniqueCallPaths":1}}}"""


def registry(**options: Any) -> dict[str, Any]:
    return {"stores": {"registry": ALLOW | options}}


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
            f"workloads[0]: not one of {', '.join(WORKLOADS)}",
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
        ["TagPolicy Resolve asks a registry for the digest; set stores.registry"],
    ),
    ("registry", GOOD | registry(alow=[]), ["stores.registry.alow: unknown key, did you mean 'allow'?"]),
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


@pytest.mark.parametrize(
    ("options", "content", "place", "problem"),
    [
        ({"dockerConfig": "login"}, None, "dockerConfig", "cannot be read, or is larger than 1 MiB"),
        ({"dockerConfig": "login"}, "[]", "dockerConfig", "it is no mapping"),
        (
            {"dockerConfig": "login"},
            '{"credsStore": "absent"}',
            "dockerConfig",
            "the credential helper docker-credential-absent is not on PATH",
        ),
        (
            {"hosts": {"ghcr.io": {"caFile": "login"}}},
            "text",
            "hosts.ghcr.io.caFile",
            "cannot be read, or holds no PEM certificates",
        ),
    ],
)
def test_a_file_that_the_registry_store_cannot_use_is_a_mistake(
    options: dict[str, Any], content: str | None, place: str, problem: str, folder: Path
) -> None:
    if content is not None:
        (folder / "login").write_text(content)
    file = written(folder, GOOD | registry(**options))
    result = check(file)
    assert result.exit_code == 2
    assert result.stderr == f"{file}: stores.registry.{place} {str(folder / 'login')!r}: {problem}\n"


def test_a_registry_store_is_valid_outside_a_cluster_too(folder: Path) -> None:
    (folder / "login").write_text("{}")
    (folder / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    options = registry(dockerConfig="login", hosts={"ghcr.io": {"caFile": "ca.pem"}}, pullSecrets=True)
    result = check(written(folder, GOOD | options))
    assert result.exit_code == 0
    assert ": valid (trusted keys: 1, sha256:" in result.stdout


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
