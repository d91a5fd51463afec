"""Where a simulated API server listens, and the kubeconfig that leads there."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web


class Endpoint:
    """The base of simulators; an asynchronous context manager.

    Attributes:
        kubeconfig: Leads to it.
    """

    def __init__(self, kubeconfig: Path) -> None:
        """Listens to nobody yet.

        Args:
            kubeconfig: The file to write.
        """
        self.kubeconfig = kubeconfig
        self._port = 0
        self._runner: web.AppRunner | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        """Says what is answered."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        """Listens, and writes the kubeconfig."""
        await self.listen()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self._port}"}}],
            "users": [{"name": "test", "user": {"token": "a-token"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        self.kubeconfig.write_text(json.dumps(content))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes away."""
        await self.go_away()

    async def listen(self) -> None:
        """Begins to answer, on the same port each time."""
        app = web.Application()
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=0.02)  # 0 would mean for ever.
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def go_away(self) -> None:
        """Cuts all connections, and refuses new ones."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
