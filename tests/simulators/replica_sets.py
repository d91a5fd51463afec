"""An API server that lists ReplicaSets in pages, as apps/v1 does, with the faults that a real one does not give."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.simulators.caller_reviews import Fault
from tests.simulators.endpoint import Endpoint


class ReplicaSetsSimulator(Endpoint):
    """The simulator; an asynchronous context manager.

    Attributes:
        items: The ReplicaSets of the namespace `shop`, in the order in which they are listed.
        queries: The query of each request, in order.
        fault: What is answered instead.
        change: Applied to each page.
        deployment: The Deployment `cart`; None if there is none.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "replica-sets.kubeconfig")
        self.items: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []
        self.fault: Fault | None = None
        self.deployment: dict[str, Any] | None = None
        self.change: Callable[[dict[str, Any]], Any] = lambda page: page

    def routes(self) -> Sequence[web.RouteDef]:
        """Says what is answered: the list, and the Deployment."""
        base = "/apis/apps/v1/namespaces/shop"
        return [web.get(f"{base}/replicasets", self._list), web.get(f"{base}/deployments/cart", self._get)]

    async def _get(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.deployment or {}, status=200 if self.deployment else 404)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(dict(request.query))
        if self.fault is not None:
            return await self.fault(request)
        wanted = [part.split("=") for part in request.query.get("labelSelector", "").split(",") if part]
        matching = [
            item
            for item in self.items
            if all(item["metadata"].get("labels", {}).get(key) == value for key, value in wanted)
        ]
        start, size = int(request.query.get("continue", 0)), int(request.query["limit"])
        rest = start + size < len(matching)
        page = {
            "kind": "ReplicaSetList",
            "apiVersion": "apps/v1",
            "metadata": {"resourceVersion": "7", **({"continue": str(start + size)} if rest else {})},
            "items": matching[start : start + size],
        }
        return web.json_response(self.change(page))
