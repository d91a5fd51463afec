import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tests.cli.reviewing import POOR, UNKNOWN, answers, arguments, as_json, review, site, workload
from tests.settings.writing import merge_bomb
from webhook.cli.main import main

COMMAND = Path(sys.executable).with_name("evidence-gate")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return site(tmp_path)


def test_a_manifest_has_documents_lists_and_kinds_that_run_nothing(folder: Path) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [workload(UNKNOWN, name="b"), workload(POOR, name="c")]}
    others = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}} for kind in ("Service", "ConfigMap")]
    found = as_json(folder, workload(name="a"), "", others[0], listed, others[1], workload(kind="Rollout", name="d"))
    assert [(entry["kind"], entry["name"], entry["verdict"]) for entry in found] == [
        ("Deployment", "a", "Pass"),
        ("Deployment", "b", "Fail"),
        ("Deployment", "c", "Fail"),
        ("Rollout", "d", "Pass"),
    ]


def test_a_manifest_may_be_json(folder: Path) -> None:
    assert review(folder, json.dumps(workload())).exit_code == 0


def test_several_files_and_standard_input_are_read_in_order(folder: Path) -> None:
    for name in ("a", "c"):
        (folder / name).write_text(yaml.safe_dump(workload(name=name)))
    files = ["-f", str(folder / "a"), "--filename", "-", "-f", str(folder / "c")]
    result = CliRunner().invoke(main, arguments(folder, *files, "-o", "json"), input=json.dumps(workload(name="b")))
    assert result.exit_code == 0
    assert [entry["name"] for entry in answers(result)] == ["a", "b", "c"]


NOT_YAML = "is not YAML"
MISTAKES: dict[str, tuple[str, str]] = {
    "empty": ("", "no workload in these manifests"),
    "only other kinds": ("kind: Service\n", "no workload in these manifests"),
    "text": ("hello", "no workload in these manifests"),
    "empty list": ("kind: List\nitems: []\n", "no workload in these manifests"),
    "unclosed": ("a: [", NOT_YAML),
    "foreign tag": ("kind: !secret Deployment", NOT_YAML),
    "deep": ("[" * 100_000, NOT_YAML),
    "no such boolean": ("kind: !!bool maybe", NOT_YAML),
    "no such time": ("kind: !!timestamp x", NOT_YAML),
    "empty integer": ("kind: !!int ''", NOT_YAML),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_manifest_that_cannot_be_read_is_a_usage_error(mistake: str, folder: Path) -> None:
    content, message = MISTAKES[mistake]
    result = review(folder, content)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


# What YAML can say and JSON cannot; a traceback's exit code would be that of a denial.
@pytest.mark.parametrize(
    "addition",
    ["x: &a [*a]", "x: {2026-11-24: a}", "x: {1: a, '1': b}", "x: .nan", "x: !!binary aGk=", 'x: "\\ud800"'],
)
def test_a_manifest_that_json_cannot_hold_is_a_usage_error(addition: str, folder: Path) -> None:
    result = review(folder, yaml.safe_dump(workload()) + addition + "\n")
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("labels", ["{1: a, app: b}", "{true: a, app: b}", "{day: 2026-11-24}"])
def test_what_kubectl_writes_as_text_is_read_as_text(labels: str, folder: Path) -> None:
    result = review(folder, yaml.safe_dump(workload()) + f"x: {labels}\n")
    assert result.exit_code == 0


def test_a_name_writes_no_line_of_its_own(folder: Path) -> None:
    forged = "x\nDeployment default/cart: admitted (EvidenceSufficient)\x1b[2K"
    result = review(folder, workload(UNKNOWN, name=forged, namespace=forged))
    assert result.exit_code == 1
    assert not any(line.startswith("Deployment default/cart") for line in result.stdout.splitlines())
    assert "\x1b" not in result.stdout


def test_a_file_above_16_mib_is_refused(folder: Path) -> None:
    result = review(folder, "#" * (16 * 1024 * 1024 + 1))
    assert result.exit_code == 2
    assert "is larger than 16777216 bytes" in result.stderr


def test_a_workload_that_no_review_can_hold_is_refused(folder: Path) -> None:
    result = review(folder, json.dumps(workload(annotations={"a": "x" * (8 * 1024 * 1024)})))
    assert result.exit_code == 2
    assert "too large" in result.stderr


ALIASES = "x0: &a0 [x]\n" + "\n".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15))


@pytest.mark.parametrize("bomb", [ALIASES, merge_bomb(12)], ids=["aliases", "merge keys"])
def test_what_multiplies_is_refused_before_it_fills_the_memory(bomb: str, folder: Path) -> None:
    (folder / "bomb.yaml").write_text(yaml.safe_dump(workload()) + bomb)
    command = [str(COMMAND), *arguments(folder, "-f", str(folder / "bomb.yaml"))]
    limited = ["/bin/sh", "-c", 'ulimit -v 2000000; exec "$@"', "sh", *command]
    result = subprocess.run(limited, capture_output=True, text=True, timeout=8, check=False)
    assert "Traceback" not in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_opened_is_named(name: str, folder: Path) -> None:
    result = CliRunner().invoke(main, arguments(folder, "-f", str(folder / name)))
    assert result.exit_code == 2
    assert str(folder / name) in result.stderr


def test_standard_input_that_is_closed_holds_no_workload(folder: Path) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", str(COMMAND), *arguments(folder, "-f", "-")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "no workload in these manifests\n")
