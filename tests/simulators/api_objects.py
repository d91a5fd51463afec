"""An API server that gives single objects: Secrets and ServiceAccounts."""

import asyncio
import base64
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class ApiObjectsSimulator:
    """The simulator; an asynchronous context manager.

    Attributes:
        kubeconfig: Leads to it.
        objects: What is served, by path; a number is answered as a status, None not at all.
        paths: What was asked for, in order, as it came over the wire.
    """

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "objects.kubeconfig"
        self.objects: dict[str, dict[str, Any] | int | bytes | None] = {}
        self.paths: list[str] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listens, and writes the kubeconfig."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.02)  # 0 would mean for ever.
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        server = {"server": f"http://127.0.0.1:{self._runner.addresses[0][1]}"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": server}],
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
        if self._runner is not None:
            await self._runner.cleanup()

    def secret(self, name: str, auths: Any, *, namespace: str = "shop", key: str = "dockerconfigjson") -> None:
        """Serves a pull secret.

        Args:
            name: Its name.
            auths: Its `auths`; bytes are its whole content.
            namespace: Where.
            key: Its type: `dockerconfigjson` or `dockercfg`.
        """
        content = auths if key == "dockercfg" else {"auths": auths}
        raw = auths if isinstance(auths, bytes) else json.dumps(content).encode()
        self.objects[f"/api/v1/namespaces/{namespace}/secrets/{name}"] = {
            "kind": "Secret",
            "metadata": {"name": name},
            "type": f"kubernetes.io/{key}",
            "data": {f".{key}": base64.b64encode(raw).decode()},
        }

    def account(self, name: str, *secrets: str, namespace: str = "shop") -> None:
        """Serves a ServiceAccount.

        Args:
            name: Its name.
            secrets: Its pull secrets.
            namespace: Where.
        """
        self.objects[f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"] = {
            "kind": "ServiceAccount",
            "metadata": {"name": name},
            "imagePullSecrets": [{"name": secret} for secret in secrets],
        }

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.raw_path)
        found = self.objects.get(request.path, 404)
        if found is None:
            await asyncio.Event().wait()
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/json")
        if isinstance(found, int):
            return web.json_response({"kind": "Status", "code": found}, status=found)
        return web.json_response(found)
