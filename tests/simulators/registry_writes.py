"""The registry simulator with what happens to those who write: others in between, conditions, refusals, false places.

tests/simulators/test_registry_writes_crosscheck.py holds real registries to what it does without faults.
"""

import json
import ssl
from collections import deque
from collections.abc import Callable

from aiohttp import web

from tests.simulators.access import Access
from tests.simulators.api_server import Fault
from tests.simulators.registry import RegistrySimulator


class RegistryWithWriters(RegistrySimulator):
    """The simulator; an asynchronous context manager.

    Attributes:
        heeds: Whether it heeds `If-Match` and `If-None-Match`, as no real one of the tests does.
        announces: Whether it says `OCI-Subject`; go-containerregistry's has the API and does not.
        between: Called one after the other, each before a tag is written: what somebody else does at that moment.
        afterwards: The same, each after a tag was written.
        looks: The same, each after a tag was read.
        etag: How it writes an ETag; `{}` stands for the digest.
        puts: What the next writes of a manifest by its digest get instead of an answer.
        tag_puts: The same, of a tag.
        uploads: What the next uploads get instead of an answer.
        location: What it says about where an upload goes, or None for the truth.
        immutable: Whether a tag that stands is never written again.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, access: Access | None = None, *, referrers: bool = False
    ) -> None:
        super().__init__(tls, access, referrers=referrers)
        self.heeds = False
        self.announces = True
        self.between: deque[Callable[[], None]] = deque()
        self.afterwards: deque[Callable[[], None]] = deque()
        self.looks: deque[Callable[[], None]] = deque()
        self.etag = '"{}"'
        self.puts: deque[Fault] = deque()
        self.tag_puts: deque[Fault] = deque()
        self.uploads: deque[Fault] = deque()
        self.location: str | None = None
        self.immutable = False

    def listing(self, name: str, tag: str, member: str = "manifests") -> list[dict[str, object]]:
        """Reads a list.

        Args:
            name: The repository's path.
            tag: Where it lies.
            member: The member that holds it.

        Returns:
            Its entries.
        """
        content = json.loads(self.manifests[name, self.tags[name, tag]][1])
        entries: list[dict[str, object]] = content[member]
        return entries

    def written(self, method: str = "PUT") -> list[str]:
        """Gives the paths that were written to.

        Args:
            method: The HTTP method.

        Returns:
            In order.
        """
        return [seen.path for seen in self.seen if seen.method == method]

    async def _get_manifest(self, request: web.Request) -> web.Response:
        answer = await super()._get_manifest(request)
        if answer.status == web.HTTPOk.status_code:
            answer.headers["ETag"] = self.etag.format(answer.headers["Docker-Content-Digest"])
        if ":" not in request.match_info["reference"] and self.looks:
            self.looks.popleft()()
        return answer

    async def _put_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        faults = self.puts if ":" in reference else self.tag_puts
        if faults:
            answer = await faults.popleft()(request)
            assert isinstance(answer, web.Response)
            return answer
        if ":" not in reference:
            if self.between:
                self.between.popleft()()
            stands = self.tags.get((name, reference))
            if (self.heeds and not _is_met(request, stands)) or (self.immutable and stands is not None):
                return web.json_response({"errors": [{"code": "DENIED"}]}, status=412)
        answer = await super()._put_manifest(request)
        if ":" not in reference and self.afterwards:
            self.afterwards.popleft()()
        if not self.announces:
            answer.headers.popall("OCI-Subject", None)
        return answer

    async def _begin_upload(self, request: web.Request) -> web.Response:
        if self.uploads:
            answer = await self.uploads.popleft()(request)
            assert isinstance(answer, web.Response)
            return answer
        answer = await super()._begin_upload(request)
        if self.location is not None:
            answer.headers["Location"] = self.location.replace("{}", answer.headers["Location"])
        return answer


def _is_met(request: web.Request, stands: str | None) -> bool:
    """Tells whether a write's condition is met (RFC 9110, sections 13.1.1 and 13.1.2)."""
    if request.headers.get("If-None-Match") == "*":
        return stands is None
    wanted = request.headers.get("If-Match")
    return wanted is None or wanted == f'"{stands}"'


def answers_status(status: int, headers: dict[str, str] | None = None) -> Fault:
    """A fault: a status without content.

    Args:
        status: The HTTP status.
        headers: The headers.

    Returns:
        The fault.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer
