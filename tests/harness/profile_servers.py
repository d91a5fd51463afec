"""Real profile servers on loopback ports, and what pushes profiles to them as their own agents do."""

import base64
import http.client
import json
import time
import urllib.parse
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.attest.made import message
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.tools.build import program

_READY_SECONDS = 60.0
_INSTANCES = (
    "ingester.lifecycler.addr",
    "compactor.ring.instance-addr",
    "distributor.ring.instance-addr",
    "overrides-exporter.ring.instance-addr",
    "query-scheduler.ring.instance-addr",
    "store-gateway.sharding-ring.instance-addr",
    "query-frontend.instance-addr",
)
"""Where Pyroscope's parts look for each other."""


class ProfileServer(ABC):
    """A server's process; a context manager.

    Attributes:
        kind: As `source.kind` has it.
        counted: What it calls the CPU time that Go's `runtime/pprof` writes down.
        folder: Its log and what it stores.
        url: Where it listens.
    """

    kind: str
    counted: str

    def __init__(self, folder: Path) -> None:
        """Chooses ports.

        Args:
            folder: An empty folder.
        """
        self.folder = folder
        self._ports = free_ports(3)
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self._program: Program | None = None

    @abstractmethod
    def command(self) -> list[str | Path]:
        """Says how it is started."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Says whether it takes profiles and answers questions."""

    @abstractmethod
    def push(self, content: bytes, labels: Mapping[str, str]) -> None:
        """Pushes a profile.

        Args:
            content: pprof, as Go writes it.
            labels: Where it comes from.
        """

    def __enter__(self) -> Self:
        """Starts the process and waits until it is ready."""
        self._program = Program(self.command(), self.folder / "log")
        poll(self._is_ready, _READY_SECONDS, what="a profile server that is ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        if self._program is not None:
            self._program.kill()

    def ask(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> tuple[int, dict[str, str], bytes]:
        """Makes one request.

        Args:
            method: The method.
            path: The path.
            body: What is sent.
            content_type: What that is.

        Returns:
            Status, headers by lower-case name, body.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def _is_ready(self) -> bool:
        assert self._program is not None
        assert self._program.exit_code is None, self._program.tail()
        try:
            return self.is_ready()
        except OSError:
            return False


class RealPyroscope(ProfileServer):
    """Grafana Pyroscope, all of its parts in one process."""

    kind = "pyroscope"
    counted = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"

    def __init__(self, folder: Path, *, tenants: bool = False) -> None:
        """Chooses ports.

        Args:
            folder: An empty folder.
            tenants: Whether each request must name its tenant; nothing can be pushed here then.
        """
        super().__init__(folder)
        self._tenants = tenants

    def command(self) -> list[str | Path]:
        """Says how it is started."""
        options = {
            "server.http-listen-address": "127.0.0.1",
            "server.http-listen-port": self._ports[0],
            "server.grpc-listen-address": "127.0.0.1",
            "server.grpc-listen-port": self._ports[1],
            "memberlist.bind-addr": "127.0.0.1",
            "memberlist.advertise-addr": "127.0.0.1",
            "memberlist.bind-port": self._ports[2],
            "pyroscopedb.data-path": self.folder / "data",
            "storage.backend": "filesystem",
            "storage.filesystem.dir": self.folder / "shared",
            "self-profiling.disable-push": "true",
            "usage-stats.enabled": "false",
            "ingester.min-ready-duration": "0s",
            "auth.multitenancy-enabled": str(self._tenants).lower(),
            **dict.fromkeys(_INSTANCES, "127.0.0.1"),
        }
        return [program("pyroscope"), *(f"-{name}={value}" for name, value in options.items())]

    def is_ready(self) -> bool:
        """Says whether it takes profiles and answers questions."""
        status, _, body = self.ask("GET", "/ready")
        return status == http.client.OK and body.strip() == b"ready"

    def push(self, content: bytes, labels: Mapping[str, str]) -> None:
        """Pushes a profile by `push.v1.PusherService/Push`, as Grafana Alloy does.

        Args:
            content: pprof, as Go writes it.
            labels: Where it comes from.
        """
        named = {"__name__": "process_cpu", "service_name": labels.get("container", "none"), **labels}
        sample = {"ID": str(uuid.uuid4()), "rawProfile": base64.b64encode(content).decode()}
        series = {
            "labels": [{"name": name, "value": value} for name, value in sorted(named.items())],
            "samples": [sample],
        }
        answer = self.ask("POST", "/push.v1.PusherService/Push", json.dumps({"series": [series]}).encode())
        assert answer[0] == http.client.OK, answer

    def push_folded(self, content: bytes, labels: Mapping[str, str]) -> None:
        """Pushes stacks of the last minute, one look a hundredth of a second, by `/ingest`.

        Args:
            content: Folded stacks, as py-spy writes them.
            labels: Where they come from.
        """
        now = int(time.time())
        named = ",".join(f"{name}={value}" for name, value in labels.items())
        query = {
            "name": f"app{{{named}}}",
            "from": now - 60,
            "until": now,
            "format": "folded",
            "sampleRate": 100,
            "spyName": "pyspy",
            "units": "samples",
        }
        answer = self.ask("POST", f"/ingest?{urllib.parse.urlencode(query)}", content, "binary/octet-stream")
        assert answer[0] == http.client.OK, answer


class RealParca(ProfileServer):
    """Parca, with what it is given in memory."""

    kind = "parca"
    counted = "process_cpu:samples:count:cpu:nanoseconds:delta"

    def command(self) -> list[str | Path]:
        """Says how it is started."""
        bucket = {"type": "FILESYSTEM", "config": {"directory": str(self.folder / "bucket")}}
        file = self.folder / "parca.yaml"
        file.write_text(json.dumps({"object_storage": {"bucket": bucket}}))
        options = {
            "config-path": file,
            "http-address": self.url.removeprefix("http://"),
            "storage-path": self.folder / "data",
            "debuginfo-cache-dir": self.folder,
        }
        return [program("parca"), *(f"--{name}={value}" for name, value in options.items())]

    def is_ready(self) -> bool:
        """Says whether it takes profiles and answers questions."""
        return self.ask("GET", "/metrics")[0] == http.client.OK

    def push(self, content: bytes, labels: Mapping[str, str]) -> None:
        """Pushes a profile by `parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw`, as Parca's agent did.

        Args:
            content: pprof, as Go writes it.
            labels: Where it comes from.
        """
        named = {"__name__": "process_cpu", **labels}
        pairs = (message(1, name.encode()) + message(2, value.encode()) for name, value in named.items())
        series = message(1, b"".join(message(1, pair) for pair in pairs)) + message(2, message(1, content))
        question = message(2, series)
        framed = b"\0" + len(question).to_bytes(4, "big") + question
        path = "/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw"
        status, headers, body = self.ask("POST", path, framed, "application/grpc-web+proto")
        assert (status, b"grpc-status: 0" in body) == (http.client.OK, True), (status, headers, body)
