"""An API server for the faults that a real one does not give on demand.

It keeps ExecutionEvidence objects and takes Events, with the lists, pages, watches and errors of the real one;
tests/integration/test_cluster_store.py and test_event_recorder.py hold the real one to the same assertions.
"""

import asyncio
import json
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.simulators.endpoint import Endpoint

COLLECTION = "/apis/stella.ops/v1alpha1/executionevidences"

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServerSimulator(Endpoint):
    """The simulator; an asynchronous context manager.

    Attributes:
        objects: The ExecutionEvidence objects by name.
        events: The Events by name, as the last request left them.
        faults: For `list`, `watch` and `event`: what the next requests get instead of an answer.
        requests: How many there were of each.
        headers: Of the last request.
        queries: Of all lists.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "simulator.kubeconfig")
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, deque[Fault]] = {"list": deque(), "watch": deque(), "event": deque()}
        self.requests: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self.queries: list[dict[str, str]] = []
        self._peers: set[object] = set()
        self._version = 100
        self._oldest = 100
        self._history: list[tuple[int, str, dict[str, Any]]] = []
        self._changed = asyncio.Condition()

    @property
    def connections(self) -> int:
        """How many connections brought a request."""
        return len(self._peers)

    def routes(self) -> Sequence[web.RouteDef]:
        """Says what is answered: evidence and Events."""
        events = "/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        return [
            web.get(COLLECTION, self._read),
            web.route("*", events, self._event),
            web.route("*", f"{events}/{{name}}", self._event),
        ]

    async def put(self, name: str, spec: Any) -> None:
        """Creates or changes an object.

        Args:
            name: Its name.
            spec: Its spec.
        """
        old = self.objects.get(name, {}).get("metadata", {})
        metadata = {
            "name": name,
            "uid": old.get("uid", str(uuid.uuid4())),
            "creationTimestamp": old.get("creationTimestamp", f"2026-01-01T00:00:{len(self.objects) % 60:02d}Z"),
            "generation": old.get("generation", 0) + 1,
        }
        await self._change("MODIFIED" if old else "ADDED", {"metadata": metadata, "spec": spec})

    async def delete(self, name: str) -> None:
        """Deletes an object.

        Args:
            name: Its name.
        """
        await self._change("DELETED", self.objects[name])

    def compact(self) -> None:
        """Forgets the history: versions before now are Gone."""
        self._oldest = self._version

    def restore(self) -> None:
        """Becomes the cluster of an older backup: no objects, and a version long past."""
        self.objects.clear()
        self._history.clear()
        self._version = self._oldest = 50

    async def _change(self, kind: str, obj: dict[str, Any]) -> None:
        self._version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        if kind == "DELETED":
            del self.objects[obj["metadata"]["name"]]
        else:
            self.objects[obj["metadata"]["name"]] = obj
        self._history.append((self._version, kind, obj))
        async with self._changed:
            self._changed.notify_all()

    async def _read(self, request: web.Request) -> web.StreamResponse:
        kind = "watch" if "watch" in request.query else "list"
        self._note(kind, request)
        if self.faults[kind]:
            return await self.faults[kind].popleft()(request)
        return await self._watch(request) if kind == "watch" else self._list(request)

    def _note(self, kind: str, request: web.Request) -> None:
        self.requests[kind] += 1
        self.headers = dict(request.headers)
        self._peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        if kind == "list":
            self.queries.append(dict(request.query))

    def _list(self, request: web.Request) -> web.Response:
        names = sorted(self.objects)
        begin, limit = int(request.query.get("continue", "0")), int(request.query["limit"])
        metadata = {"resourceVersion": str(self._version)}
        if begin + limit < len(names):
            metadata["continue"] = str(begin + limit)
        items = [self.objects[name] for name in names[begin : begin + limit]]
        return web.json_response({"metadata": metadata, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        version = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if version < self._oldest:
            await response.write(line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}))
            return response
        end = asyncio.get_running_loop().time() + int(request.query["timeoutSeconds"])
        while (left := end - asyncio.get_running_loop().time()) > 0:
            for known, kind, obj in [entry for entry in self._history if entry[0] > version]:
                await response.write(line(kind, obj))
                version = known
            try:
                async with asyncio.timeout(left), self._changed:
                    await self._changed.wait()
            except TimeoutError:
                break
        return response

    async def _event(self, request: web.Request) -> web.StreamResponse:
        self._note("event", request)
        if self.faults["event"]:
            return await self.faults["event"].popleft()(request)
        return await self.take_event(request)

    async def take_event(self, request: web.Request) -> web.Response:
        """Takes an Event or a patch of one, as the real one does.

        Args:
            request: A POST or PATCH.

        Returns:
            201, 200, 404 or 409.
        """
        body = await request.json()
        name = request.match_info.get("name") or body["metadata"]["name"]
        if request.method == "PATCH":
            if name not in self.events:
                return web.json_response({"kind": "Status", "code": 404}, status=404)
            self.events[name]["metadata"] |= body.pop("metadata", {})
            self.events[name] |= body
            return web.json_response(self.events[name])
        if name in self.events:
            return web.json_response({"kind": "Status", "code": 409}, status=409)
        self.events[name] = body
        return web.json_response(body, status=201)


def line(kind: str, obj: dict[str, Any]) -> bytes:
    """Writes a watch event.

    Args:
        kind: `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
        obj: Its object.

    Returns:
        One line.
    """
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def status(code: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Fault:
    """A fault: an HTTP error.

    Args:
        code: The status.
        headers: For example `Retry-After`.
        body: What comes with it.

    Returns:
        The fault.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=headers, body=body, content_type="application/json")

    return answer


def sends(*chunks: bytes, hang: bool = False) -> Fault:
    """A fault: an answer 200 with these bytes.

    Args:
        chunks: The bytes.
        hang: Whether to keep the connection open after them, in silence.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if hang:
            await asyncio.Event().wait()
        return response

    return answer


def late(seconds: float, fault: Fault) -> Fault:
    """A fault: another one, after a while.

    Args:
        seconds: How long to wait before.
        fault: The other.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await fault(request)

    return answer


def cuts(*chunks: bytes) -> Fault:
    """A fault: an answer 200 that breaks off after these bytes.

    Args:
        chunks: The bytes.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await sends(*chunks)(request)
        if request.transport is not None:
            request.transport.abort()
        return response

    return answer
