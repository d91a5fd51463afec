"""Docker configurations as somebody writes them, and helpers as somebody installs them."""

import base64
import json
from pathlib import Path
from typing import Any


def auth(username: str, password: str) -> str:
    """The Base64 of `username:password`."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def config(**members: Any) -> bytes:
    """A `config.json`."""
    return json.dumps(members).encode()


def helper(folder: Path, name: str, script: str) -> Path:
    """Installs `docker-credential-NAME`: a shell script.

    Args:
        folder: A folder on `PATH`.
        name: Its NAME.
        script: What it does.

    Returns:
        The program.
    """
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program
