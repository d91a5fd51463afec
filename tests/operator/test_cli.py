import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from webhook.cli.operator import command

GOOD = {"namespace": "stella", "service": "gate", "secret": "gate-tls", "webhook-configuration": "gate"}


def arguments(folder: Path, **changes: str) -> list[str]:
    (folder / "config.yaml").touch()
    options = GOOD | {"config": str(folder / "config.yaml"), "ops-listen": "127.0.0.1:0"} | changes
    return [f"--{name}={value}" for name, value in options.items()]


def started(options: list[str]) -> tuple[int, str]:
    command_line = [str(Path(sys.executable).with_name("evidence-gate")), "operator", *options]
    result = subprocess.run(command_line, check=False, capture_output=True, text=True, timeout=30)
    return result.returncode, result.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("namespace", "Stella", "lower-case letters"),
        ("namespace", "a/../b", "lower-case letters"),
        ("namespace", "n" * 64, "at most 63"),
        ("service", "gate.other", "at most 63"),
        ("secret", "../gate", "lower-case letters"),
        ("secret", "s" * 251, "at most 250"),
        ("webhook-configuration", "gate?x", "lower-case letters"),
        ("scan-role", "r" * 64, "at most 63"),
        ("environment-label", "a b", "stella.ops/environment"),
        ("retention", "90d", "2160h"),
        ("retention", "", "2160h"),
        ("ops-listen", "8080", "HOST:PORT"),
        ("config", "missing.yaml", "does not exist"),
    ],
)
def test_a_wrong_option_is_refused_with_what_to_write(option: str, value: str, said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, arguments(tmp_path, **{option: value}))
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_configuration_is_told_in_one_line(tmp_path: Path) -> None:
    options = arguments(tmp_path)
    (tmp_path / "config.yaml").write_text("trust: {keys: [{name: staging, file: missing.pub}]}")
    code, text = started(options)
    assert code == 2
    assert text.count("\n") == 1
    assert "trust.keys[0].file 'missing.pub': cannot be read" in text


def test_a_kubeconfig_that_leads_nowhere_is_told_in_one_line(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    code, text = started(arguments(tmp_path, kubeconfig=str(kubeconfig)))
    assert code == 2
    assert text.count("\n") == 1
    assert "does not lead to an API server" in text


def test_certificates_are_kept_by_all_options_or_none(tmp_path: Path) -> None:
    some = [option for option in arguments(tmp_path) if not option.startswith("--secret")]
    result = CliRunner().invoke(command, some)
    assert result.exit_code == 2
    assert "all of --namespace, --service, --secret and --webhook-configuration, or none" in result.stderr
