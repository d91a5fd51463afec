"""A process that is killed while it writes, again and again: what it has accepted is there."""

import json
import random
import subprocess
import sys
from pathlib import Path

from tests.records.test_spool import rest
from webhook.records.file import RotatingFile
from webhook.records.spool import Spool

KILLS = 8
WRITER = """
import json, sys
from itertools import count
from pathlib import Path
from webhook.records.file import RotatingFile
from webhook.records.spool import Spool

folder, first = Path(sys.argv[1]), int(sys.argv[2])
spool, file = Spool(folder / "spool", 2**30), RotatingFile(folder / "records.jsonl", 50_000, 900)
for number in count(first, 3):
    lines = [json.dumps({"n": n, "x": "x" * (n % 7) * 700}).encode() for n in range(number, number + 3)]
    spool.write(lines)
    file.write(lines)
    print(number, flush=True)
"""


def killed_after(folder: Path, first: int, batches: int) -> int:
    """Runs a writer until it has accepted some batches, and kills it in the middle of one of the next."""
    with subprocess.Popen([sys.executable, "-c", WRITER, folder, str(first)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(batches):
            assert process.stdout.readline()
        process.kill()
        told = process.stdout.read().split()
    return first + 3 * (batches + len(told))


def test_what_a_killed_process_has_accepted_is_there(tmp_path: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    accepted: list[int] = []
    begun = 0
    for _ in range(KILLS):
        end = killed_after(tmp_path, begun, dice.randint(1, 40))
        accepted += range(begun, end)
        # What was written and not told of any more has numbers of its own.
        begun = end + 300
    spool = Spool(tmp_path / "spool", 2**30)
    delivered = rest(spool, 100_000)
    assert set(accepted) <= set(delivered)
    assert delivered == sorted(set(delivered))
    RotatingFile(tmp_path / "records.jsonl", 50_000, 900).close()
    assert set(accepted) <= _numbers_in_files(tmp_path)


def _numbers_in_files(folder: Path) -> set[int]:
    found, torn = set(), 0
    for path in folder.glob("records.jsonl*"):
        for line in path.read_bytes().splitlines():
            try:
                found.add(json.loads(line)["n"])
            except ValueError:
                torn += 1
    assert torn <= KILLS
    return found
