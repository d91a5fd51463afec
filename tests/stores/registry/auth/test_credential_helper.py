import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.kube.waiting import until
from tests.stores.registry.docker import helper
from webhook.errors import UnavailableError
from webhook.stores.registry.auth.credential_helper import ask_helper, is_helper_name, is_installed
from webhook.stores.registry.auth.credentials import Credential

GOOD = '{"ServerURL": "ghcr.io", "Username": "u", "Secret": "p"}'
NOT_FOUND = "credentials not found in native keychain"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


async def asked(folder: Path, script: str, seconds: float = 10.0) -> Credential | None:
    helper(folder, "x", script)
    return await ask_helper("x", "ghcr.io", seconds)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GOOD, Credential("u", "p")),
        ('{"Username": "u", "Secret": "p"}', Credential("u", "p")),
        ('{"Username": "<token>", "Secret": "t"}', Credential("", "", "t")),
        ('{"Username": "", "Secret": ""}', None),
        ("{}", None),
    ],
)
async def test_an_answer_is_read(answer: str, expected: Credential | None, folder: Path) -> None:
    assert await asked(folder, f"echo '{answer}'") == expected


async def test_the_server_comes_on_standard_input_and_the_action_as_the_only_argument(folder: Path) -> None:
    await asked(folder, f"cat >'{folder}/stdin'; echo \"$#:$1\" >'{folder}/arguments'; echo '{GOOD}'")
    assert (folder / "stdin").read_text() == "ghcr.io"
    assert (folder / "arguments").read_text() == "1:get\n"


async def test_a_helper_that_does_not_read_the_server_is_no_failure(folder: Path) -> None:
    assert await asked(folder, f"exec <&-; echo '{GOOD}'") == Credential("u", "p")


async def test_only_what_a_helper_needs_is_in_its_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"HOME": "/h", "AWS_ROLE_ARN": "r", "AZURE_CLIENT_ID": "c", "GOOGLE_APPLICATION_CREDENTIALS": "g"}
    for name, value in {**given, "LD_PRELOAD_X": "x", "MY_AWS_KEY": "x", "HTTP_PROXY": "x", "SECRET": "x"}.items():
        monkeypatch.setenv(name, value)
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_")) and name not in given]:
        monkeypatch.delenv(name)
    await asked(folder, f"/usr/bin/env -0 >'{folder}/environment'; echo '{GOOD}'")
    entries = (folder / "environment").read_text().split("\0")
    # The shell that runs the script adds these.
    seen = {entry.partition("=")[0] for entry in entries if entry} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert seen == {"PATH", *given}


@pytest.mark.parametrize("status", [0, 1, 7])
async def test_a_helper_that_has_none_is_anonymous(status: int, folder: Path) -> None:
    script = f"echo '{NOT_FOUND}'; exit {status}"
    if status:
        assert await asked(folder, script) is None
    else:
        with pytest.raises(UnavailableError, match="printed something else"):
            await asked(folder, script)


FAILURES = {
    "it fails": (f"echo '{GOOD}'; exit 1", "failed"),
    "it fails with a secret on standard output": ("echo no such secret-42; exit 1", "failed"),
    "it is killed": ("kill -9 $$", "failed"),
    "it prints nothing": ("true", "printed something else than a credential"),
    "it prints a text": ("echo secret-42", "printed something else than a credential"),
    "it prints a list": ("echo '[\"secret-42\"]'", "printed something else than a credential"),
    "it prints a number": ('echo \'{"Username": "u", "Secret": 42}\'', "printed something else than a credential"),
    "it prints two": (f"echo '{GOOD}{GOOD}'", "printed something else than a credential"),
    "it prints without end": ("yes secret-42", "printed something else than a credential"),
}


@pytest.mark.parametrize(("script", "problem"), FAILURES.values(), ids=FAILURES)
async def test_a_helper_that_fails_is_named_without_what_it_said(script: str, problem: str, folder: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        await asked(folder, f"echo secret-42 >&2; {script}")
    assert caught.value.detail == f"the credential helper docker-credential-x {problem}"


async def test_what_a_helper_prints_on_standard_error_goes_nowhere(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await asked(folder, f"echo secret-42 >&2; echo '{GOOD}'")
    assert "secret-42" not in capfd.readouterr().err


async def test_a_helper_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(UnavailableError, match="docker-credential-absent cannot be started"):
        await ask_helper("absent", "ghcr.io")
    assert not is_installed("absent")
    helper(folder, "present", "true")
    assert is_installed("present")


def begun(folder: Path) -> bool:
    return (folder / "pid").exists() and (folder / "pid").read_text() != ""


def ended(folder: Path) -> bool:
    try:
        status = Path(f"/proc/{int((folder / 'pid').read_text())}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


# `exec`: its own process hangs. Without: a child of it does, and holds the pipe. `setsid`: even out of its group.
HANGING = ["exec sleep 30", "sleep 30", "sleep 30 & wait", "trap '' TERM; sleep 30", "setsid sleep 30"]


@pytest.mark.parametrize("script", HANGING)
async def test_a_helper_that_hangs_is_killed(script: str, folder: Path) -> None:
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=r"docker-credential-x did not answer within 0\.5 s"):
        await asked(folder, f"echo $$ >'{folder}/pid'; {script}", 0.5)
    assert time.monotonic() - start < 5
    await until(lambda: ended(folder), 5, "the end of the helper")


async def test_a_helper_that_hangs_is_killed_with_its_children(folder: Path) -> None:
    with pytest.raises(UnavailableError):
        await asked(folder, f"sleep 30 & echo $! >'{folder}/pid'; wait", 0.5)
    await until(lambda: ended(folder), 5, "the end of the helper's child")


async def test_a_helper_is_killed_with_whoever_waits_for_it(folder: Path) -> None:
    waiting = asyncio.create_task(asked(folder, f"echo $$ >'{folder}/pid'; exec sleep 30", 60.0))
    await until(lambda: begun(folder), 5, "the helper's own note")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: ended(folder), 5, "the end of the helper")


async def test_nothing_is_given_to_a_shell(folder: Path) -> None:
    helper(folder, "x", f"cat >'{folder}/stdin'; echo '{GOOD}'")
    await ask_helper("x", f"$(touch {folder}/evil); touch {folder}/evil\n")
    assert not (folder / "evil").exists()
    assert (folder / "stdin").read_text() == f"$(touch {folder}/evil); touch {folder}/evil\n"


@pytest.mark.parametrize("name", ["ecr-login", "gcloud", "acr-env", "desktop.exe", "a", "x" * 64, "a..b"])
def test_a_name_that_stays_in_path_is_accepted(name: str) -> None:
    assert is_helper_name(name)
