"""`python -m bench [--quick] [SCENARIO…]`: measures, prints the table, and writes a whole run down."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import cluster, idle, patch, ready, registry, registry_cold, scan, steps, warm
from bench.machine import CLIENT_CORE, description, on_core
from bench.report import Figure, replaced, table
from bench.stage import QUICK, Effort, Stage, say

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "docs" / "performance.md"
_QUIET = 0.5
_RESULTS = _ROOT / "build" / "bench.json"

SCENARIOS: dict[str, Callable[[Stage], list[Figure]]] = {
    "warm": warm.measure,
    "patch": patch.measure,
    "ready": ready.measure,
    "idle": idle.measure,
    "registry": registry.measure,
    "scan": scan.measure,
    "cluster": cluster.measure,
}
"""In the order in which they run: the last one fills the API server that the others want empty."""


_SERVERS = {"the webhook": "gate", "the strict bare handler": "strict", "the ordinary bare handler": "ordinary"}
"""Whose whole requests stand beside the steps."""


def main() -> int:
    """Runs what the command line names.

    Returns:
        0, also when a target is missed; a bench that measured the wrong thing ends with a traceback.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and memory.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; default all")
    parser.add_argument("--quick", action="store_true", help="measure little, for a look while working")
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    chosen = [name for name in SCENARIOS if name in arguments.scenarios or not arguments.scenarios]
    machine, began = description(), time.monotonic()
    say(f"{machine['cores']} cores, Python {machine['python']}, load before {machine['load_before']}")
    if machine["load_before"] > _QUIET:
        say("other programs are busy: expect worse figures and wide spreads")
    with on_core(CLIENT_CORE), Stage(QUICK if arguments.quick else Effort()) as stage:
        figures = [figure for name in chosen for figure in SCENARIOS[name](stage)]
    print(f"\n{table(figures)}")
    if arguments.quick or len(chosen) < len(SCENARIOS):
        say("a part of the bench: nothing is written down")
    else:
        say("steps: a warm review's steps in this process")
        _write_down(figures, steps.measure(), machine, time.monotonic() - began)
    return 0


def _write_down(figures: list[Figure], medians: dict[str, float], machine: dict[str, Any], seconds: float) -> None:
    results = {
        "machine": machine,
        "seconds": round(seconds, 1),
        "figures": [figure.to_json() for figure in figures],
        "steps_us": medians,
    }
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    measured_on = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
    content = f"{table(figures)}\nMeasured in {seconds:.0f} s on: {measured_on}."
    details = {name: value for figure in figures for name, value in figure.details.items()}
    whole = {name: details[f"{key}_processor_us"] for name, key in _SERVERS.items()}
    page = replaced(_PAGE.read_text(), "bench", content)
    page = replaced(page, "registry", registry_cold.table(details))
    _PAGE.write_text(replaced(page, "steps", steps.table(medians, whole)))
    say(f"written: {_RESULTS.relative_to(_ROOT)} and {_PAGE.relative_to(_ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
