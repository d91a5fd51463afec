"""An API server that reviews tokens and access, with the faults that a real one does not give on demand.

tests/integration/test_query_callers.py holds the real one to the same answers.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.simulators.endpoint import Endpoint

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ReviewsSimulator(Endpoint):
    """The simulator; an asynchronous context manager.

    Attributes:
        users: What a TokenReview's status says of a token; the audiences are those that were asked for.
        allowed: The users who may query.
        faults: For `tokenreviews` and `subjectaccessreviews`: what is answered instead.
        requests: How many there were of each.
        specs: The specs of all of them, in order.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "reviews.kubeconfig")
        self.users: dict[str, Any] = {}
        self.allowed: set[str] = set()
        self.faults: dict[str, Fault | Any] = {}
        self.requests: Counter[str] = Counter()
        self.specs: list[dict[str, Any]] = []

    def routes(self) -> Sequence[web.RouteDef]:
        """Says what is answered: both kinds of review."""
        return [
            web.post("/apis/authentication.k8s.io/v1/tokenreviews", self._token),
            web.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", self._access),
        ]

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
