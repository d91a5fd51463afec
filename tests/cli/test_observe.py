"""`evidence-gate observe` without a cluster that answers; with one: tests/integration/test_observer.py."""

import asyncio
import dataclasses
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from tests.observer.watching import GATE, configured
from tests.simulators.endpoint import Endpoint
from tests.support.deadline import at_most
from webhook.cli import observe
from webhook.cli.main import main
from webhook.errors import UnavailableError
from webhook.kube.api_errors import ApiStatusError
from webhook.observer.settings import load_observer_settings

SECONDS = 30.0
NOWHERE = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["observe", *arguments])


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text(NOWHERE)
    return tmp_path / "kubeconfig"


def test_a_configuration_is_needed() -> None:
    result = run()
    assert result.exit_code == 2
    assert "--config" in result.output


def test_a_mistake_in_the_file_ends_with_2(tmp_path: Path, kubeconfig: Path) -> None:
    path = configured(tmp_path, windows="1h")
    result = run(f"--config={path}", f"--kubeconfig={kubeconfig}")
    assert (result.exit_code, result.output) == (2, f"{path}: windows: unknown key, did you mean 'window'?\n")


def test_a_key_that_cannot_be_used_ends_with_2_before_anything_is_asked(tmp_path: Path, kubeconfig: Path) -> None:
    path = configured(tmp_path, GATE | {"stores": {"cluster": {}}}, signing={"keyFile": "none"})
    program = str(Path(sys.executable).with_name("evidence-gate"))
    command = [program, "observe", f"--config={path}", f"--kubeconfig={kubeconfig}"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert answer.returncode == 2
    assert f"signing.keyFile {tmp_path}/none: cannot be read" in answer.stderr


def test_a_log_level_that_does_not_exist_ends_with_2(
    tmp_path: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    result = run(f"--config={configured(tmp_path)}", f"--kubeconfig={kubeconfig}")
    assert (result.exit_code, result.output) == (2, "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR\n")


class Hanging(Endpoint):
    """An API server that takes requests and answers none."""

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/{rest:.*}", self._hang)]

    async def _hang(self, _: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[Hanging]:
    async with Hanging(tmp_path / "hanging.kubeconfig") as server:
        yield server


async def test_a_cluster_that_does_not_answer_has_no_more_than_the_run_s_time(
    tmp_path: Path, hanging: Hanging
) -> None:
    settings = load_observer_settings(configured(tmp_path))
    short = settings.file.model_copy(update={"timeout_seconds": 0.2})
    with at_most(SECONDS), pytest.raises(TimeoutError):
        await observe._observe(dataclasses.replace(settings, file=short), hanging.kubeconfig, None)


ERRORS = [
    (TimeoutError(), "the cluster could not be read in time; see timeoutSeconds"),
    (UnavailableError("the Sigstore hangs"), "the Sigstore hangs"),
    (ApiStatusError(403), "the cluster cannot be read: the API server answered 403"),
    (asyncio.CancelledError(), "stopped before the end; what was attested by then stays"),
]


@pytest.mark.parametrize(("error", "message"), ERRORS)
def test_what_did_not_answer_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(observe, "_observe", fail)
    result = run(f"--config={configured(tmp_path)}", "--dry-run")
    assert (result.exit_code, result.output) == (3, f"{message}\n")
