"""An API server that reviews tokens and access, with the faults that a real one does not give on demand.

tests/integration/test_query_callers.py holds the real one to the same answers.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ReviewsSimulator:
    """The simulator; an asynchronous context manager.

    Attributes:
        kubeconfig: Leads to it.
        users: What a TokenReview's status says of a token; the audiences are those that were asked for.
        allowed: The users who may query.
        faults: For `tokenreviews` and `subjectaccessreviews`: what is answered instead.
        requests: How many there were of each.
        specs: The specs of all of them, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "reviews.kubeconfig"
        self.users: dict[str, Any] = {}
        self.allowed: set[str] = set()
        self.faults: dict[str, Fault | Any] = {}
        self.requests: Counter[str] = Counter()
        self.specs: list[dict[str, Any]] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listens, and writes the kubeconfig."""
        app = web.Application()
        app.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", self._token)
        app.router.add_post("/apis/authorization.k8s.io/v1/subjectaccessreviews", self._access)
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
        await self.go_away()

    async def go_away(self) -> None:
        """Refuses connections from now on."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _token(self, request: web.Request) -> web.StreamResponse:
        spec = await self._spec(request, "tokenreviews")
        user = self.users.get(spec["token"])
        status = {"authenticated": False, "error": "unknown token"}
        if user is not None:
            status = {"authenticated": True, "user": user, "audiences": spec["audiences"]}
        return await self._answer(request, "tokenreviews", status)

    async def _access(self, request: web.Request) -> web.StreamResponse:
        spec = await self._spec(request, "subjectaccessreviews")
        return await self._answer(request, "subjectaccessreviews", {"allowed": spec["user"] in self.allowed})

    async def _spec(self, request: web.Request, kind: str) -> Any:
        self.requests[kind] += 1
        spec = (await request.json())["spec"]
        self.specs.append(spec)
        return spec

    async def _answer(self, request: web.Request, kind: str, status: Any) -> web.StreamResponse:
        fault = self.faults.get(kind)
        if callable(fault):
            answer: web.StreamResponse = await fault(request)
            return answer
        return web.json_response({"status": status if fault is None else fault}, status=201)


async def hangs(_: web.Request) -> web.StreamResponse:
    """A fault: no answer."""
    await asyncio.Event().wait()
    raise AssertionError


def answers(code: int, body: bytes = b"{}") -> Fault:
    """A fault: this answer.

    Args:
        code: The status.
        body: What comes with it.

    Returns:
        The fault.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, body=body, content_type="application/json")

    return answer
