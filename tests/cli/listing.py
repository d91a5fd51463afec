"""What `evidence-gate evidence` needs: evidence of every kind about one image in a folder, and a configuration."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.cli.reviewing import SHOP, configure
from tests.docs.console import ROOT
from tests.support.envelopes import dump, envelope
from tests.support.json_schema import accepts
from tests.support.keys import Signer, ecdsa
from tests.support.statements import beacon_statement, predicate, statement
from webhook.cli.main import main

DIGEST = f"sha256:{'ca' * 32}"
IMAGE = f"{SHOP}@{DIGEST}"
SCHEMA = json.loads((ROOT / "docs" / "contracts" / "evidence-listing-v1.schema.json").read_text("utf-8"))
STAGING, STRANGER = ecdsa(owner="staging"), ecdsa(owner="stranger")


def signed(signer: Signer = STAGING, **changes: Any) -> bytes:
    """Execution evidence about the image; `changes` are to the predicate."""
    return dump(envelope(statement(subjects=[DIGEST], predicate=predicate(**changes)), [signer]))


def counted(signer: Signer = STAGING, **changes: Any) -> bytes:
    """Beacon data about the image."""
    return dump(envelope(beacon_statement(subjects=[DIGEST], **changes), [signer]))


def site(folder: Path, files: dict[str, bytes], **policy: Any) -> Path:
    """A folder of evidence, a key that is trusted, and a configuration of a gate that blocks in production."""
    (folder / "evidence").mkdir()
    for name, content in files.items():
        (folder / "evidence" / name).write_bytes(content)
    (folder / "staging.pub").write_bytes(STAGING.pem)
    configure(folder, **policy)
    return folder


def run(command: str, *arguments: str) -> Result:
    """Runs `evidence-gate evidence`."""
    return CliRunner().invoke(main, ["evidence", command, *arguments])


def listed(folder: Path, *more: str, command: str = "list", image: str = IMAGE) -> Result:
    """Runs it by the folder's configuration."""
    return run(command, image, "--config", str(folder / "gate.json"), *more)


def document(result: Result) -> dict[str, Any]:
    """The JSON output, held against its schema."""
    found: dict[str, Any] = json.loads(result.stdout)
    assert accepts(SCHEMA, found)
    return found


def table(result: Result) -> list[dict[str, str]]:
    """The rows of the table, by column."""
    lines = result.stdout.splitlines()
    head = next(line for line in lines if line.startswith("RESULT"))
    names = [name for name in head.split("  ") if name]
    starts = [head.index(name) for name in names] + [None]
    body = lines[lines.index(head) + 1 :]
    rows = [line for line in body if not line.startswith(("note: ", "next: ")) and ": Pass: " not in line]
    rows = [line for line in rows if ": Fail: " not in line and ": Warn: " not in line]
    return [
        {name.strip(): line[begin:end].strip() for name, begin, end in zip(names, starts, starts[1:], strict=False)}
        for line in rows
    ]
