"""Writes real servers' answers down, byte by byte as they came: `python -m tests.observer.sources.recording`."""

import asyncio
import socket
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.harness.command import run
from tests.harness.profile_servers import ProfileServer, RealParca, RealPyroscope
from tests.observer.sources.asking import CART, LABELS, source
from tests.simulators.profile_server import Asked, ProfileServerSimulator
from tests.simulators.profile_server_faults import says
from tests.tools.build import program
from webhook.errors import UnavailableError
from webhook.observer.sources.protocol import ContainerRun

RECORDED = Path(__file__).with_name("recorded")
_NOBODY = ContainerRun("shop", "nobody-0", "cart")
_TIMEOUT_SECONDS = 30


def _question(folder: Path, kind: str, run_: ContainerRun, window: timedelta) -> Asked:
    """Lets our client ask a server that says nothing, and takes down what it asks."""
    end = datetime.now(UTC)

    async def _ask(server: ProfileServerSimulator) -> None:
        try:
            await source(server, kind).profile(run_, end - window, end)
        except UnavailableError:
            return

    with ProfileServerSimulator(folder) as server:
        server.fault = says(b"", 503)
        asyncio.run(_ask(server))
        return server.asked[0]


def _exchange(server: ProfileServer, path: str, asked: Asked) -> bytes:
    host = server.url.removeprefix("http://")
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        *(
            f"{name}: {asked.headers[name]}"
            for name in ("content-type", "accept", "accept-encoding", "content-length")
        ),
    ]
    address, port = host.split(":")
    with socket.create_connection((address, int(port)), _TIMEOUT_SECONDS) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + asked.body)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def _record(server: ProfileServer, folder: Path) -> None:
    hour, days = timedelta(hours=1), timedelta(hours=25)
    for name, run_, window in (("found", CART, hour), ("nothing", _NOBODY, hour), ("days", CART, days)):
        asked = _question(folder, server.kind, run_, window)
        (RECORDED / f"{server.kind}-{name}.http").write_bytes(_exchange(server, asked.path, asked))
    asked = _question(folder, server.kind, CART, hour)
    (RECORDED / f"{server.kind}-elsewhere.http").write_bytes(_exchange(server, f"{asked.path}s", asked))


def _main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run([program("profiles"), "-out", str(folder), "-length", "1s"], folder)
        content = (folder / "cpu.pb.gz").read_bytes()
        (RECORDED / "pushed.pb.gz").write_bytes(content)
        for kind in (RealPyroscope, RealParca):
            home = folder / kind.kind
            home.mkdir()
            with kind(home) as server:
                server.push(content, LABELS)
                _record(server, home)


if __name__ == "__main__":
    _main()
