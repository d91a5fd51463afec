"""The machine: which core does what, and what a process uses of it. Linux only.

The webhook has one core to itself; clients, API server and the bench have the other.
"""

import os
import platform
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
CLIENT_CORE = _CORES[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keeps this thread, and every process that it starts meanwhile, on one core.

    Args:
        core: The core's number.

    Yields:
        Nothing; afterwards this thread may run where it could before, the started processes may not.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def resident_mib(pid: int) -> float:
    """Reads a process's resident memory.

    Args:
        pid: The process.

    Returns:
        MiB.
    """
    return _mib(pid, "VmRSS")


def highest_mib(pid: int) -> float:
    """Reads the most resident memory that a process has ever had.

    Args:
        pid: The process.

    Returns:
        MiB.
    """
    return _mib(pid, "VmHWM")


def _mib(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields[field].split()[0]) / 1024


def processor_seconds(pid: int) -> float:
    """Reads how much processor time a process has used.

    Args:
        pid: The process.

    Returns:
        Seconds, user and system, of all its threads.
    """
    # The second field is the name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def description() -> dict[str, Any]:
    """Says what the figures were measured on.

    Returns:
        Names to values, for people.
    """
    info = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return {
        "cores": len(_CORES),
        "processor": models[0] if models else platform.machine(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION.partition(" ")[2].split()[0],
        "aiohttp": version("aiohttp"),
        "pydantic": version("pydantic"),
        "kubernetes": version("kubernetes"),
        "load_before": round(os.getloadavg()[0], 2),
    }
