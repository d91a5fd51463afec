"""An API server that gives single objects: Secrets and ServiceAccounts."""

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.simulators.endpoint import Endpoint


class ApiObjectsSimulator(Endpoint):
    """The simulator; an asynchronous context manager.

    Attributes:
        objects: What is served, by path; a number is answered as a status, None not at all.
        paths: What was asked for, in order, as it came over the wire.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "objects.kubeconfig")
        self.objects: dict[str, dict[str, Any] | int | bytes | None] = {}
        self.paths: list[str] = []

    def routes(self) -> Sequence[web.RouteDef]:
        """Says what is answered: everything."""
        return [web.route("*", "/{path:.*}", self._answer)]

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
