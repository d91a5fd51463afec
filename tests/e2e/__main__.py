"""`python -m tests.e2e`: the chart on a real single-node cluster, made here and gone afterwards. Root only.

The cluster lives in mount, network, process and host name namespaces of its own. When the last test is over, the
kernel kills whatever still runs in them, and mounts, bridges and packet rules go with them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.builder import ROOT, Builder
from tests.tools.build import ToolsError, build
from tests.tools.modules import MODULES
from tests.tools.progress import say

FOLDER_VARIABLE = "E2E_FOLDER"
_PROGRAMS = ("containerd", "runc", "buildah", "debootstrap", "nft", "iptables", "conntrack", "ip", "unshare", "go")
_PACKAGES = "buildah conntrack containerd containernetworking-plugins debootstrap iproute2 iptables nftables runc"
_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc")
_PRIVATE = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/run/containerd", "/run/netns")
"""Paths that no option of kubelet, containerd or CNI moves; each gets a folder of this run mounted over it."""


def main(arguments: Sequence[str]) -> int:
    """Builds what is missing, and runs the tests.

    Args:
        arguments: For pytest.

    Returns:
        The exit code: pytest's, 1 if something was left behind, or 2 if this machine lacks something.
    """
    lacking = _lacking()
    if lacking:
        say(f"error: {lacking}")
        return 2
    try:
        build(MODULES)
    except ToolsError as error:
        say(f"error: {error}")
        return 2
    say("building the image")
    Builder().build_all()
    with tempfile.TemporaryDirectory(prefix="e2e-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        code = _run_tests(Path(folder), arguments)
    left = _clean_cgroups()
    if left:
        say(f"error: left behind: {', '.join(left)}")
    return code or bool(left)


def _lacking() -> str:
    if os.geteuid() != 0:
        return "a node needs root; everything else is `make test`"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if not Path("/usr/lib/cni/bridge").exists():
        missing.append("/usr/lib/cni/bridge")
    if missing:
        return f"{', '.join(missing)} not found; on Debian: apt-get install {_PACKAGES}"
    return ""


def _run_tests(folder: Path, arguments: Sequence[str]) -> int:
    mounts = []
    for number, place in enumerate(_PRIVATE):
        Path(place).mkdir(parents=True, exist_ok=True)
        (folder / f"private-{number}").mkdir()
        mounts.append(f"mount --bind {folder}/private-{number} {place}")
    pytest = f'exec {sys.executable} -m pytest -m e2e --durations=0 --durations-min=0.5 "$@"'
    script = " && ".join([*mounts, pytest])
    command = ["unshare", *_NAMESPACES, "--", "sh", "-c", script, "sh", *(arguments or ["tests/e2e"])]
    return subprocess.run(command, check=False, cwd=ROOT, env=os.environ | {FOLDER_VARIABLE: str(folder)}).returncode


def _clean_cgroups() -> list[str]:
    """Removes the groups of pods that are gone; the kernel refuses while a process is in one."""
    left = []
    for top in Path("/sys/fs/cgroup").glob("**/kubepods"):
        for group in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            group.rmdir()
        try:
            top.rmdir()
        except OSError:
            left.append(str(top))
    return left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
