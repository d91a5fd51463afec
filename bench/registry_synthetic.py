"""A registry that has signed evidence about every digest there is: no real one is filled with so much in minutes."""

import asyncio
import json
import threading
from typing import Self

from bench.evidence import predicate
from tests.harness.evidence import Signer, statement
from tests.harness.oci import CONFIG, MANIFEST, sha256
from tests.harness.oras import ENVELOPE

REPOSITORY = "evidence"
"""The path of the only repository."""

_TAG_END = ".att"
_EMPTY = b"{}"
_STOP_SECONDS = 10


class SyntheticRegistry:
    """The registry in a thread of its own; a context manager.

    Attributes:
        host: Its host and port.
    """

    host: str

    def __init__(self, signer: Signer) -> None:
        """Prepares it.

        Args:
            signer: Whose word the evidence is.
        """
        self._signer = signer
        self._blobs: dict[str, bytes] = {sha256(_EMPTY): _EMPTY}
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        """Starts, and waits until it listens."""
        self._thread.start()
        assert self._listening.wait(_STOP_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_STOP_SECONDS)

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Answers a request.

        Args:
            path: Its path.

        Returns:
            The content type and the body, or None for 404. The evidence is signed when its manifest is asked for.
        """
        kind, reference = path.split("/")[-2:]
        if kind == "blobs" and reference in self._blobs:
            return "application/octet-stream", self._blobs.pop(reference)
        if kind == "manifests" and reference.endswith(_TAG_END):
            return MANIFEST, self._attest(reference.removesuffix(_TAG_END).replace("-", ":"))
        return None

    def _attest(self, digest: str) -> bytes:
        envelope = self._signer.sign(statement(digest, **predicate())).encode()
        layer = {"mediaType": ENVELOPE, "digest": sha256(envelope), "size": len(envelope)}
        self._blobs[sha256(envelope)] = envelope
        config = {"mediaType": CONFIG, "digest": sha256(_EMPTY), "size": len(_EMPTY)}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        return json.dumps(manifest).encode()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        await self._end.wait()
        server.close()


class _Connection(asyncio.Protocol):
    """One client, whose requests have no body and come one after the other."""

    def __init__(self, registry: SyntheticRegistry) -> None:
        self._registry = registry

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        answer = self._registry.answer(data.split(b" ", 2)[1].decode())
        status = "200 OK" if answer else "404 Not Found"
        kind, body = answer or ("text/plain", b"")
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)
