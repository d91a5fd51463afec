"""Resident memory of a webhook that has nothing to do."""

import time

from bench.machine import resident_mib
from bench.process_start import started
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.cluster import make_account
from tests.harness.gate import Gate

_STARTS = 3
_SECONDS = 5.0
_INTERVAL = 0.5


def measure(stage: Stage) -> list[Figure]:
    """Starts the webhook a few times and looks at its memory while it idles.

    Args:
        stage: The shared parts.

    Returns:
        Resident memory, the highest of each start.
    """
    kubeconfig = make_account(stage.control_plane)
    gate = Gate(stage.new_folder("idle"), {}, kubeconfig, stores={"cluster": {}})
    say("idle: memory with the Kubernetes client loaded")
    highest = []
    for number in range(1, _STARTS + 1):
        with started(gate, kubeconfig) as (program, _):
            highest.append(_highest(program.pid))
        say(f"  start {number} of {_STARTS}: {highest[-1]:.1f} MiB")
    how = (
        f"the highest VmRSS in the {_SECONDS:.0f} s after ready; Kubernetes client, cluster store and Events on, "
        f"empty cluster; median of and spread over {_STARTS} starts"
    )
    return [Figure.of(Title("Memory, idle", "MiB", 80.0, how), highest)]


def _highest(pid: int) -> float:
    values = []
    for _ in range(int(_SECONDS / _INTERVAL)):
        time.sleep(_INTERVAL)
        values.append(resident_mib(pid))
    return max(values)
