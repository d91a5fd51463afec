"""A replay in another process, elsewhere: another time zone, hash seed and locale, other orders of everything."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.admission.replay.scenes import POOL, RICH


def turned(value: Any) -> Any:
    """The same JSON with all members in the opposite order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("zone", "seed", "locale"),
    [("Pacific/Chatham", "1", "C"), ("America/St_Johns", "4242", "tr_TR.UTF-8"), ("UTC", "0", "POSIX")],
)
def test_the_same_digest_comes_of_it(tmp_path: Path, zone: str, seed: str, locale: str) -> None:
    record = asyncio.run(RICH.record(RICH.settings(tmp_path)))
    folder = tmp_path / "envelopes"
    folder.mkdir()
    for index, raw in enumerate(reversed(POOL)):
        (folder / f"{index}.json").write_bytes(raw)
    (tmp_path / "turned.json").write_text(json.dumps(turned(RICH.configuration()), indent=1))
    (tmp_path / "record.json").write_text(json.dumps(turned(json.loads(record.content)), indent=4))
    environment = {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": locale, "LANG": locale, "PATH": ""}
    arguments = ["replay", "record.json", "--config", "turned.json", "--envelope", "envelopes", "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-c", "from webhook.cli.main import main; main()", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
    )
    [outcome] = json.loads(done.stdout)["records"]
    assert (outcome["outcome"], outcome["recomputed"]) == ("identical", record.digest)
