"""A million samples: what it takes to read and count them."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attest.made import message, number, scalar

pytestmark = pytest.mark.integration

SAMPLES, DEPTH, FUNCTIONS = 1_000_000, 15, 20_000
MEMORY = 500 * 2**20
PATIENCE = 60
"""Seconds; a fifth of them on a machine that does nothing else."""

COUNT = """
import json, re, sys, time
from webhook.attest.counted import count_execution
from webhook.attest.counting import distinct_paths
from webhook.attest.reading import read_profile
begin = time.monotonic()
with open(sys.argv[1], "rb") as stream:
    counted = count_execution(read_profile(stream))
# Not getrusage: its peak counts the process that this one was forked from.
with open("/proc/self/status") as status:
    used = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) * 1024
print(json.dumps([distinct_paths(counted), time.monotonic() - begin, used]))
"""


def test_a_million_samples_take_less_than_the_memory_they_may(tmp_path: Path) -> None:
    path = tmp_path / "large.pb"
    path.write_bytes(large())
    assert 40_000_000 < path.stat().st_size < 60_000_000
    result = subprocess.run(
        [sys.executable, "-c", COUNT, path], check=True, capture_output=True, text=True, timeout=2 * PATIENCE
    )
    paths, seconds, used = json.loads(result.stdout)
    print(f"{SAMPLES} samples: {seconds:.1f} s, {used / 2**20:.0f} MiB")  # noqa: T201 - figures for whoever asks
    assert paths > 0.99 * SAMPLES
    assert used < MEMORY
    assert seconds < PATIENCE


def large() -> bytes:
    """A profile of stacks that are all different."""
    choose = random.Random(1)  # noqa: S311 - the same profile every time
    ids = [number(index) for index in range(1, FUNCTIONS + 1)]
    values = message(2, number(1) + number(10_000_000))
    strings = ["", "samples", "count", "cpu", "nanoseconds"]
    strings += [f"example.com/shop/pkg{index % 97}.Function{index}" for index in range(FUNCTIONS)]
    parts = [message(1, scalar(1, 1) + scalar(2, 2)), message(1, scalar(1, 3) + scalar(2, 4))]
    parts += [message(2, message(1, b"".join(choose.choices(ids, k=DEPTH))) + values) for _ in range(SAMPLES)]
    for index in range(1, FUNCTIONS + 1):
        parts.append(message(4, scalar(1, index) + message(4, scalar(1, index))))
        parts.append(message(5, scalar(1, index) + scalar(2, 4 + index)))
    return b"".join([*parts, *(message(6, text.encode("ascii")) for text in strings)])
