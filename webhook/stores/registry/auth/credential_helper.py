"""Docker's credential helpers: `docker-credential-NAME get`, with the server on its standard input.

The protocol is that of github.com/docker/docker-credential-helpers. The program comes from `PATH`, by a name that
cannot leave it, and is run without a shell. What it prints on standard error may hold secrets, and goes nowhere.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from typing import Any

from webhook.errors import MalformedError, UnavailableError
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json
from webhook.stores.registry.auth.credentials import Credential

SECONDS = 5.0
"""How long a helper may take; a review has ten seconds for everything."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOT_FOUND = b"credentials not found in native keychain"
_NO_CREDENTIAL = "printed something else than a credential"
_TOKEN_USER = "<token>"  # noqa: S105 - the protocol's word for "the secret is an identity token"
_PASSED_ON = ("AWS_", "AZURE_", "GOOGLE_")
"""Beginnings of the variables by which a pod's own cloud identity reaches the clouds' helpers."""


class _HelperError(Exception):
    """The helper does not what it should; the text is ours."""


def is_helper_name(name: Any) -> bool:
    """Tells whether a value may name a helper.

    Args:
        name: Any JSON value.

    Returns:
        True for 1 to 64 characters none of which leads into another folder.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_installed(name: str) -> bool:
    """Tells whether a helper is on `PATH`.

    Args:
        name: Its NAME.

    Returns:
        True if there is such a program.
    """
    return shutil.which(_program(name)) is not None


async def ask_helper(name: str, server: str, seconds: float = SECONDS) -> Credential | None:
    """Asks a helper for a credential.

    Args:
        name: Its NAME, which `is_helper_name` has accepted.
        server: What is asked for: a host, or Docker Hub's `https://index.docker.io/v1/`.
        seconds: When it is killed.

    Returns:
        The credential, or None if the helper has none for this server.

    Raises:
        UnavailableError: The helper cannot be started, fails, hangs, or prints something else.
    """
    try:
        async with asyncio.timeout(seconds):
            status, output = await _run(name, server)
        return _understood(status, output)
    except TimeoutError:
        problem = f"did not answer within {seconds:g} s"
    except OSError:
        problem = "cannot be started"
    except _HelperError as error:
        problem = str(error)
    raise UnavailableError(f"the credential helper {_program(name)} {problem}")


def _program(name: str) -> str:
    return f"docker-credential-{name}"


class _Talk(asyncio.SubprocessProtocol):
    """What a helper prints, and when it is done.

    Not asyncio's streams: with them, waiting for a killed process also waits for whoever has inherited its pipe.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.output = bytearray()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.silent: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - there is one pipe to read
        self.output += data
        if len(self.output) > LIMITS.helper_bytes and not self.silent.done():
            self.silent.set_exception(_HelperError(_NO_CREDENTIAL))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if fd == 1 and not self.silent.done():
            self.silent.set_result(None)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


async def _run(name: str, server: str) -> tuple[int | None, bytes]:
    transport, talk = await asyncio.get_running_loop().subprocess_exec(
        _Talk,
        _program(name),
        "get",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
        start_new_session=True,
    )
    try:
        _tell(transport, server)
        await talk.silent
        await asyncio.shield(talk.exited)
        return transport.get_returncode(), bytes(talk.output)
    except BaseException:
        # The whole group: a helper's children are of no more use than itself.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        raise
    finally:
        try:
            await asyncio.shield(talk.exited)
        finally:
            transport.close()


def _tell(transport: asyncio.SubprocessTransport, server: str) -> None:
    pipe = transport.get_pipe_transport(0)
    if isinstance(pipe, asyncio.WriteTransport):
        pipe.write(server.encode())
        pipe.close()


def _environment() -> dict[str, str]:
    wanted = {"PATH", "HOME"}
    return {name: value for name, value in os.environ.items() if name in wanted or name.startswith(_PASSED_ON)}


def _understood(status: int | None, output: bytes) -> Credential | None:
    if status != 0:
        # By the protocol, this sentence on standard output, whatever the status.
        if output.strip() == _NOT_FOUND:
            return None
        raise _HelperError("failed")
    try:
        answer = parse_json(output, "answer")
    except MalformedError:
        raise _HelperError(_NO_CREDENTIAL) from None
    username, secret = (answer.get(name, "") if isinstance(answer, dict) else None for name in ("Username", "Secret"))
    if not isinstance(username, str) or not isinstance(secret, str):
        raise _HelperError(_NO_CREDENTIAL)
    credential = Credential("", "", secret) if username == _TOKEN_USER else Credential(username, secret)
    return None if credential == Credential("", "") else credential
