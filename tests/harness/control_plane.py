"""A real etcd and kube-apiserver on loopback ports, and kubectl to talk to them."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.api_server import ApiServer
from tests.harness.flags import Flags, api_server_flags, controller_manager_flags, etcd_flags
from tests.harness.pki import Pki
from tests.harness.polling import NeverHappenedError, poll
from tests.harness.process import Program, free_ports
from tests.tools.build import program

_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_CONTROLLER_MANAGER = "system:kube-controller-manager"


class ControlPlane(ApiServer):
    """A control plane without nodes; a context manager that leaves nothing behind.

    There is no controller manager unless asked for, so nothing makes service accounts, pods of a ReplicaSet or
    ReplicaSets of a Deployment; the ServiceAccount admission plugin is off then, so that they may be made by hand.

    Attributes:
        admission_config: The file of `--admission-control-config-file`, or None; holds from the next start on.
    """

    def __init__(self, *, controllers: bool = False, admission_config: Path | None = None) -> None:
        """Remembers how to start.

        Args:
            controllers: Whether to run kube-controller-manager too.
            admission_config: As the attribute, for the first start.
        """
        self.admission_config = admission_config
        self._controllers = controllers
        self._cleanup = ExitStack()
        self._api_server: Program | None = None

    def __enter__(self) -> Self:
        """Starts everything and waits until it is ready; a failure shows the end of the program's output.

        Raises:
            ToolsError: A program has not been built. Nothing may be skipped for want of it.
        """
        with ExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="control-plane-", ignore_cleanup_errors=True)
            self.folder = Path(stack.enter_context(temporary))
            self._etcd_port, self._peer_port, self._port, self._manager_port = free_ports(4)
            self.url = f"https://127.0.0.1:{self._port}"
            self.audit_log = self.folder / "audit.jsonl"
            self._pki = Pki(self.folder)
            self.kubeconfig = self._pki.kubeconfig(self.url, "admin", "system:masters")
            self._log_in(self._pki.ca_file, self.folder / "admin.pem")
            self._etcd = self._start("etcd", etcd_flags(self.folder / "etcd", self._etcd_port, self._peer_port))
            stack.callback(self._etcd.kill)
            stack.callback(self._kill_api_server)
            self.start_api_server()
            if self._controllers:
                stack.callback(self._start_controllers().kill)
                self._wait_for_controllers()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kills the programs and removes the folder."""
        self._cleanup.close()

    def start_api_server(self) -> None:
        """Starts the API server on its port and waits until it is ready."""
        flags = api_server_flags(self.folder, self._pki, self._port, self._etcd_port, controllers=self._controllers)
        if self.admission_config is not None:
            flags = {**flags, "admission-control-config-file": self.admission_config}
        running = self._start("kube-apiserver", flags)
        self._api_server = running
        try:
            poll(lambda: self._ready(running), _READY_SECONDS, "the API server is ready")
        except NeverHappenedError as error:
            raise AssertionError(f"{error}\n{running.tail()}\n{self._etcd.tail()}") from None

    def stop_api_server(self) -> None:
        """Stops the API server and waits until it is gone; etcd keeps what it holds."""
        if self._api_server is None:
            return
        self._api_server.terminate()
        try:
            self._api_server.wait(_STOP_SECONDS)
        finally:
            self._kill_api_server()

    def restart_api_server(self) -> None:
        """Stops the API server and starts it again on the same port."""
        self.stop_api_server()
        self.start_api_server()

    def kubeconfig_for(self, user: str, group: str | None = None) -> Path:
        """Makes a user, who may do what RBAC grants to that name and group.

        Args:
            user: The user's name.
            group: The user's group, or None.

        Returns:
            The user's kubeconfig.
        """
        return self._pki.kubeconfig(self.url, user, group)

    def _start(self, name: str, flags: Flags) -> Program:
        arguments = [f"--{flag}={value}" for flag, value in flags.items()]
        return Program([program(name), *arguments], self.folder / f"{name}.log")

    def _ready(self, api_server: Program) -> bool:
        for running in (api_server, self._etcd):
            if running.exit_code is not None:
                raise AssertionError(f"{running.name} ended with {running.exit_code}\n{running.tail()}")
        return self.is_ready()

    def _kill_api_server(self) -> None:
        if self._api_server is not None:
            self._api_server.kill()
            self._api_server = None

    def _start_controllers(self) -> Program:
        kubeconfig = self._pki.kubeconfig(self.url, _CONTROLLER_MANAGER)
        flags = controller_manager_flags(kubeconfig, self._pki, self._manager_port)
        return self._start("kube-controller-manager", flags)

    def _wait_for_controllers(self) -> None:
        def made() -> bool:
            return self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0

        poll(made, _READY_SECONDS, "the controller manager has made the default service account")
