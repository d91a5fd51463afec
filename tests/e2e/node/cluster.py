"""A whole cluster on this machine: one node with kubelet, containerd, kube-proxy, DNS, and a registry.

Run inside namespaces of its own (`python -m tests.e2e` makes them), so that nothing here can touch the machine's
network or mounts, and everything is gone with the last process.
"""

import http.client
import json
import os
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.node import files
from tests.e2e.node.files import NODE, NODE_NAME, SERVICES, Folders
from tests.e2e.node.flags import ETCD_PORT, NAMES, URL, api_server_flags, kubelet_flags, scheduler_flags
from tests.harness.api_server import ApiServer
from tests.harness.flags import Flags, controller_manager_flags, etcd_flags
from tests.harness.pki import Pki
from tests.harness.polling import poll
from tests.harness.process import Program
from tests.tools.build import program

PAUSE = f"{files.REGISTRY}/pause:1"
_SECONDS = 90.0
_NETWORK = f"""\
link set lo up
link add node0 type bridge
addr add {NODE}/24 dev node0
link set node0 up
route add {SERVICES} dev node0
"""
"""Without the route, a Service's address would have no way to the rules that translate it."""


class Cluster(ApiServer):
    """The cluster; a context manager.

    Attributes:
        folders: Where it keeps its state.
    """

    def __init__(self, folder: Path) -> None:
        """Remembers how to start.

        Args:
            folder: An empty folder with a short path.
        """
        self.folder = folder
        self.folders = Folders(folder)
        self.url = URL
        self.audit_log = folder / "audit.jsonl"
        self._pki = Pki(folder, *NAMES)
        self.kubeconfig = self._pki.kubeconfig(URL, "admin", "system:masters")
        self._log_in(self._pki.ca_file, folder / "admin.pem")
        self._programs: dict[str, Program] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Starts the control plane and the registry. `start_node` comes after the images have been pushed."""
        subprocess.run(["ip", "-batch", "-"], input=_NETWORK, text=True, check=True)
        for name in ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"):
            # The second: a pod that calls a Service must get its answer through the rules that translate back.
            Path("/proc/sys", name).write_text("1")
        self._cleanup.callback(self._stop)
        self._start("etcd", etcd_flags(self.folders["etcd"], ETCD_PORT, ETCD_PORT + 1))
        self.start_api_server()
        kubeconfig = self._pki.kubeconfig(URL, "system:kube-controller-manager")
        self._start("kube-controller-manager", controller_manager_flags(kubeconfig, self._pki, 10257))
        self._start("kube-scheduler", scheduler_flags(self._pki.kubeconfig(URL, "system:kube-scheduler")))
        self._run("registry", "serve", files.registry(self.folders))
        poll(_registry_answers, _SECONDS, "the registry answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends every program; what pods leave behind goes with the namespaces."""
        self._cleanup.close()

    def start_node(self) -> None:
        """Starts what runs pods, and waits until a pod could be made."""
        folders, pki = self.folders, self._pki
        log = folder_log(self.folder, "containerd")
        self._programs["containerd"] = Program(
            ["/usr/bin/containerd", "--config", files.containerd(folders, PAUSE)], log
        )
        poll(folders.socket.exists, _SECONDS, "containerd listens")
        configuration = files.kubelet(folders, pki.ca_file, pki.server("kubelet", NODE, NODE_NAME))
        node = pki.kubeconfig(URL, f"system:node:{NODE_NAME}", "system:nodes")
        self._start("kubelet", kubelet_flags(folders, configuration, node))
        proxy = files.kube_proxy(folders, pki.kubeconfig(URL, "system:kube-proxy"))
        self._run("kube-proxy", f"--config={proxy}")
        self._run("coredns", "-conf", files.coredns(folders, self.kubeconfig))
        poll(self._node_is_ready, _SECONDS, "the node is ready")
        poll(
            lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0,
            _SECONDS,
            "the default service account exists",
        )

    def start_api_server(self) -> None:
        """Starts the API server and waits until it is ready."""
        self._start("kube-apiserver", api_server_flags(self.folders, self._pki))
        poll(self._api_server_is_ready, _SECONDS, "the API server is ready")

    def kill_api_server(self) -> None:
        """Ends the API server at once; etcd keeps what it holds."""
        self._programs.pop("kube-apiserver").kill()

    def kill_process(self, pod: str, argument: str) -> None:
        """Kills the first process of a container, as the kernel does for want of memory.

        Args:
            pod: The pod's name, which is also its host name.
            argument: Stands in the process's command line.
        """
        found = [entry for entry in Path("/proc").glob("[0-9]*") if _is_first_process(entry, pod, argument)]
        assert len(found) == 1, found
        os.kill(int(found[0].name), signal.SIGKILL)

    def _start(self, name: str, flags: Flags) -> None:
        self._run(name, *(f"--{flag}={value}" for flag, value in flags.items()))

    def _run(self, name: str, *arguments: str | Path) -> None:
        self._programs[name] = Program([program(name), *arguments], folder_log(self.folder, name))

    def _check_programs(self) -> None:
        for name, running in self._programs.items():
            assert running.exit_code is None, f"{name} ended with {running.exit_code}\n{running.tail()}"

    def _api_server_is_ready(self) -> bool:
        self._check_programs()
        return self.is_ready()

    def _node_is_ready(self) -> bool:
        self._check_programs()
        found = self.kubectl("get", "node", NODE_NAME, "-o", "json", check=False)
        conditions = json.loads(found.stdout)["status"].get("conditions", []) if found.returncode == 0 else []
        return {"Ready": "True"} in [{item["type"]: item["status"]} for item in conditions]

    def _stop(self) -> None:
        # Backwards: who depends on others ends first.
        for running in reversed(self._programs.values()):
            running.kill()


def _is_first_process(entry: Path, pod: str, argument: str) -> bool:
    try:
        variables, line = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
        status = (entry / "status").read_text()
    except OSError:
        return False
    inside = next(row.split()[-1] for row in status.splitlines() if row.startswith("NSpid:"))
    return inside == "1" and f"HOSTNAME={pod}\0".encode() in variables and argument.encode() in line


def folder_log(folder: Path, name: str) -> Path:
    """Names a program's log.

    Args:
        folder: The cluster's folder.
        name: The program.

    Returns:
        The file.
    """
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    return logs / f"{name}.log"


def _registry_answers() -> bool:
    host, _, port = files.REGISTRY_ADDRESS.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
