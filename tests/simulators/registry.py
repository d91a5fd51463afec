"""A registry for the faults that a real one does not give on demand.

It keeps manifests, blobs and tags, takes pushes, and lists referrers as the OCI distribution specification 1.1 says;
tests/simulators/test_registry*.py hold real registries to the same assertions.
"""

import hashlib
import itertools
import json
import ssl
from collections import Counter, deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.simulators.access import Access
from tests.simulators.api_server import Fault
from tests.simulators.registry_documents import Seen, missing, operation_of, referrer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_LARGEST = 64 * 1024 * 1024


def digest_of(content: bytes) -> str:
    """Names bytes as registries do."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class RegistrySimulator:
    """The simulator; an asynchronous context manager.

    Attributes:
        host: Where it listens, `127.0.0.1:PORT`; `localhost:PORT` leads there too.
        manifests: Content type and bytes by repository and digest.
        tags: Digests by repository and tag.
        blobs: Bytes by repository and digest.
        referrers: Whether it has the referrers API.
        page: How many referrers it lists on one page.
        access: Who is let in; None means everybody.
        faults: By operation: what the next requests get instead of an answer.
        seen: All requests.
        waiting: How many requests are being answered.
    """

    host: str

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        access: Access | None = None,
        *,
        referrers: bool = True,
        page: int = 100,
    ) -> None:
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.referrers = referrers
        self.page = page
        self.access = access
        names = ("manifest", "blob", "referrers", "token", "other")
        self.faults: dict[str, deque[Fault]] = {name: deque() for name in names}
        self.seen: list[Seen] = []
        self.waiting = 0
        self._peers: set[object] = set()
        self._tls = tls
        self._uploads: dict[str, bytes] = {}
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        """Listens."""
        app = web.Application(client_max_size=_LARGEST, middlewares=[self._guard])
        app.router.add_get("/v2/", _version)
        app.router.add_get("/v2/{name:.+}/manifests/{reference}", self._get_manifest)
        app.router.add_put("/v2/{name:.+}/manifests/{reference}", self._put_manifest)
        app.router.add_get("/v2/{name:.+}/referrers/{digest}", self._list_referrers)
        app.router.add_post("/v2/{name:.+}/blobs/uploads/", self._begin_upload)
        app.router.add_patch("/v2/{name:.+}/blobs/uploads/{upload}", self._go_on)
        app.router.add_put("/v2/{name:.+}/blobs/uploads/{upload}", self._end_upload)
        app.router.add_get("/v2/{name:.+}/blobs/{digest}", self._get_blob)
        app.router.add_route("*", "/token", self._token)
        self._runner = web.AppRunner(app, shutdown_timeout=0.02, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port: int = self._runner.addresses[0][1]
        self.host = f"127.0.0.1:{self.port}"
        if self.access is not None and not self.access.realm:
            self.access.realm = f"{self.url}/token"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Goes away, and cuts what is still being answered."""
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens, with the scheme."""
        return f"{'http' if self._tls is None else 'https'}://{self.host}"

    @property
    def connections(self) -> int:
        """How many connections brought a request."""
        return len(self._peers)

    async def is_busy(self) -> bool:
        """Tells whether a request is being answered."""
        return self.waiting > 0

    async def is_idle(self) -> bool:
        """Tells whether none is."""
        return self.waiting == 0

    @property
    def requests(self) -> Counter[str]:
        """How many there were of each operation."""
        return Counter(seen.operation for seen in self.seen)

    def add_manifest(self, name: str, content: dict[str, Any], tag: str | None = None) -> str:
        """Puts a manifest there.

        Args:
            name: The repository's path.
            content: The manifest; its `mediaType` is its content type.
            tag: A tag for it.

        Returns:
            Its digest.
        """
        raw = json.dumps(content).encode()
        digest = digest_of(raw)
        self.manifests[name, digest] = (content.get("mediaType", MANIFEST), raw)
        if tag is not None:
            self.tags[name, tag] = digest
        return digest

    def add_blob(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
        """Puts a blob there.

        Args:
            name: The repository's path.
            content: The bytes.
            media_type: What the descriptor says that they are.

        Returns:
            Its descriptor.
        """
        digest = digest_of(content)
        self.blobs[name, digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def attach(self, name: str, subject: str, layer: bytes, artifact_type: str = "application/x.test") -> str:
        """Attaches a manifest with one layer to a digest.

        Args:
            name: The repository's path.
            subject: The digest.
            layer: The layer's bytes.
            artifact_type: The manifest's.

        Returns:
            The manifest's digest.
        """
        content = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": self.add_blob(name, b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [self.add_blob(name, layer)],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 2},
        }
        return self.add_manifest(name, content)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        operation = operation_of(request.path)
        headers = {key.lower(): value for key, value in request.headers.items()}
        self.seen.append(Seen(operation, request.method, request.path_qs, headers))
        self._peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        self.waiting += 1
        try:
            if self.faults[operation]:
                return await self.faults[operation].popleft()(request)
            if self.access is not None and operation != "token":
                refusal = self.access.refusal(request)
                if refusal is not None:
                    return refusal
            answer: web.StreamResponse = await handler(request)
            return answer
        finally:
            self.waiting -= 1

    async def _token(self, request: web.Request) -> web.Response:
        return missing("NOT_FOUND") if self.access is None else await self.access.token(request)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        digest = self.tags.get((name, reference), reference)
        if (name, digest) not in self.manifests:
            return missing("MANIFEST_UNKNOWN")
        kind, raw = self.manifests[name, digest]
        return web.Response(body=raw, headers={"Content-Type": kind, "Docker-Content-Digest": digest})

    async def _put_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        raw = await request.read()
        digest = digest_of(raw)
        content = json.loads(raw)
        self.manifests[name, digest] = (request.content_type, raw)
        if ":" not in reference:
            self.tags[name, reference] = digest
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        if self.referrers and "subject" in content:
            headers["OCI-Subject"] = content["subject"]["digest"]
        return web.Response(status=201, headers=headers)

    async def _list_referrers(self, request: web.Request) -> web.Response:
        name, digest = request.match_info["name"], request.match_info["digest"]
        if not self.referrers:
            return web.Response(status=404, text="404 page not found\n")
        entries = [
            entry
            for (repository, own), (kind, raw) in self.manifests.items()
            if repository == name and (entry := referrer(own, kind, raw, digest)) is not None
        ]
        begin = int(request.query.get("begin", "0"))
        end = begin + self.page
        headers = {"Content-Type": INDEX}
        if end < len(entries):
            headers["Link"] = f'<{request.path}?begin={end}>; rel="next"'
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries[begin:end]}
        return web.Response(body=json.dumps(body).encode(), headers=headers)

    async def _get_blob(self, request: web.Request) -> web.Response:
        name, digest = request.match_info["name"], request.match_info["digest"]
        if (name, digest) not in self.blobs:
            return missing("BLOB_UNKNOWN")
        return web.Response(body=self.blobs[name, digest], headers={"Docker-Content-Digest": digest})

    async def _begin_upload(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if "digest" in request.query:
            return self._keep(name, request.query["digest"], await request.read())
        upload = str(next(self._numbers))
        self._uploads[upload] = b""
        return web.Response(status=202, headers={"Location": f"/v2/{name}/blobs/uploads/{upload}"})

    async def _go_on(self, request: web.Request) -> web.Response:
        upload = request.match_info["upload"]
        self._uploads[upload] += await request.read()
        size = len(self._uploads[upload])
        return web.Response(status=202, headers={"Location": request.path, "Range": f"0-{size - 1}"})

    async def _end_upload(self, request: web.Request) -> web.Response:
        content = self._uploads.pop(request.match_info["upload"]) + await request.read()
        return self._keep(request.match_info["name"], request.query["digest"], content)

    def _keep(self, name: str, digest: str, content: bytes) -> web.Response:
        if digest_of(content) != digest:
            return web.json_response({"errors": [{"code": "DIGEST_INVALID"}]}, status=400)
        self.blobs[name, digest] = content
        return web.Response(status=201, headers={"Location": f"/v2/{name}/blobs/{digest}"})


async def _version(_: web.Request) -> web.Response:
    return web.json_response({})
