"""Profiles of real tools, read by us and by the tools themselves."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.harness.command import run
from tests.tools.build import program
from webhook.attest.counted import count_execution
from webhook.attest.counting import leaf_share
from webhook.attest.profile import Profile, Stack, unpack
from webhook.attest.reading import read_profile
from webhook.attest.tally import merge

pytestmark = pytest.mark.integration

SCRIPT = """
import json, queue, threading, time
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def encode():
    return json.loads(json.dumps([{"a": list(range(50))}] * 200))
def arrange():
    return sorted(range(50_000), key=lambda number: -number)
def main(seconds):
    threading.Thread(target=queue.Queue().get, daemon=True).start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fib(22), encode(), arrange()
main(3)
"""
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
__attribute__((noinline)) unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__attribute__((noinline)) double sum(int n) {
  double s = 0;
  for (int i = 1; i < n; i++) s += 1.0 / (i + n);
  return s;
}
int main(void) {
  double total = 0;
  for (time_t end = time(NULL) + 2; time(NULL) < end;) total += fib(20) + sum(200000 + (int)total % 7);
  return printf("%f\\n", total) < 0;
}
"""


def read(path: Path) -> Profile:
    with path.open("rb") as stream:
        return read_profile(stream)


def leaves(stacks: Iterable[tuple[Stack, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for stack, count in stacks:
        found[stack[-1]] += count
    return found


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("go")
    run([program("profiles"), "-out", str(folder)], folder)
    return folder


def pprof(flag: str, path: Path, *options: str) -> str:
    return run(
        ["go", "tool", "pprof", flag, "-nodecount=100000", "-nodefraction=0", *options, str(path)], path.parent
    )


def without_receivers(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    """Takes out what is in parentheses, as pprof does with some of Go's generic functions, and not with others."""
    found: Counter[str] = Counter()
    for symbol, count in counts:
        found[re.sub(r"\(.*\)", "", symbol) if "[" in symbol else symbol] += count
    return found


@pytest.mark.parametrize(
    ("name", "index"), [("cpu", "samples"), ("heap", "alloc_objects"), ("goroutine", "goroutine")]
)
def test_leaves_are_those_of_pprof(go: Path, name: str, index: str) -> None:
    path = go / f"{name}.pb.gz"
    top = pprof("-top", path, f"-sample_index={index}")
    # FLAT FLAT% SUM% CUM CUM% NAME, where functions that were inlined are marked.
    lines = re.findall(
        r"^\s*(\d+)\s+\S+%\s+\S+%\s+\d+\s+\S+%\s+(.+?)(?: \((?:partial-)?inline\))?$", top, re.MULTILINE
    )
    profile = read(path)
    assert profile.measure == f"{index}/count"
    theirs = without_receivers((symbol, int(count)) for count, symbol in lines if int(count))
    assert theirs == without_receivers(leaves(profile.stacks()).items())


def test_stacks_are_those_of_pprof(go: Path) -> None:
    path = go / "cpu.pb.gz"
    theirs: Counter[Stack] = Counter()
    for block in re.split(r"^-+\+-+$", pprof("-traces", path, "-sample_index=samples"), flags=re.MULTILINE)[1:]:
        # The labels of a sample stand before its stack: NAME: VALUE.
        lines = [line for line in block.splitlines() if line.strip() and not re.match(r"\s*\w+:\s", line)]
        if lines:
            count, leaf = lines[0].split(maxsplit=1)
            symbols = [leaf, *(line.strip() for line in lines[1:])]
            theirs[tuple(symbol.removesuffix(" (inline)") for symbol in reversed(symbols))] += int(count)
    assert sum(theirs.values()) >= 50
    assert theirs == Counter(dict(read(path).stacks()))


def test_the_work_counts_and_the_runtime_does_not(go: Path) -> None:
    found = count_execution(read(go / "cpu.pb.gz"))
    assert leaf_share(found).keys() & {"main.fibonacci", "main.noise"}
    assert {"main.fibonacci", "main.noise"} <= leaves(found.profile.stacks()).keys()
    assert not [symbol for symbol in leaf_share(found) if symbol.startswith("runtime/pprof.")]


def test_a_program_that_only_waits_has_no_hot_symbol(go: Path) -> None:
    for name in ("idle", "goroutine"):
        found = count_execution(read(go / f"{name}.pb.gz"))
        assert leaf_share(found) == {}
        assert found.left_out


@pytest.mark.parametrize("name", ["cpu.otlp", "cpu.otlp.json"])
def test_opentelemetry_says_the_same_as_pprof(go: Path, name: str) -> None:
    theirs, ours = read(go / name), read(go / "cpu.pb.gz")
    assert dict(theirs.stacks()) == dict(ours.stacks())
    assert theirs.measure == ours.measure


def test_replicas_are_added_up(go: Path) -> None:
    one = read(go / "cpu.pb.gz")
    both = merge([one, read(go / "cpu.otlp")])
    assert dict(both.stacks()) == {stack: 2 * count for stack, count in one.stacks()}


@pytest.mark.parametrize("form", ["raw", "speedscope"])
def test_py_spy_finds_the_functions_at_work(form: str, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(SCRIPT)
    spy = Path(sys.executable).with_name("py-spy")
    options = ["--format", form, "--rate", "100", "--duration", "2", "--output", "profile"]
    run([spy, "record", *options, "--", sys.executable, "work.py"], tmp_path)
    found = count_execution(read(tmp_path / "profile"))
    hot = leaf_share(found)
    assert any(symbol.startswith("fib (") for symbol in hot)
    assert any(symbol.startswith("arrange.<locals>.<lambda> (") for symbol in hot)
    # However deep `fib` calls itself, it is one function on one path.
    fibs = [path for path in found.samples if found.symbols[unpack(path)[-1]].startswith("fib (")]
    assert len(fibs) == 1


def test_perf_counts_the_same_leaves(tmp_path: Path) -> None:
    recorded = _recorded(tmp_path)
    report = run(
        ["perf", "report", "-i", recorded, "--no-children", "--stdio", "-g", "none", "-n", "-F", "sample,sym"],
        tmp_path,
    )
    theirs = {name: int(count) for count, name in re.findall(r"^\s+(\d+)\s+\[\.\] (\S+)\s*$", report, re.MULTILINE)}
    (tmp_path / "script").write_text(run(["perf", "script", "-i", recorded], tmp_path))
    ours = leaves(read(tmp_path / "script").stacks())
    assert {"fib", "sum"} <= ours.keys()
    assert {name: ours[name] for name in theirs} == theirs


def _recorded(folder: Path) -> str:
    for tool in ("perf", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed; the recorded text in tests/attest/profiles is read all the same")
    (folder / "work.c").write_text(PROGRAM)
    run(["gcc", "-g", "-O1", "-fno-omit-frame-pointer", "-o", "work", "work.c"], folder)
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "99", "-g", "-o", "perf.data", "./work"]
    result = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"perf cannot record here: {result.stderr.strip()[:200]}")
    return "perf.data"
