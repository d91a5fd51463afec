"""Lists are read to their end, whatever comes between; by a real client, from a server with faults."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.simulators.endpoint import Endpoint
from webhook.kube.api_errors import ApiGarbageError, ApiStatusError
from webhook.kube.opening import open_client
from webhook.limits import LIMITS
from webhook.scan import api as paced
from webhook.scan.api import PacedApi

PATH = "/apis/apps/v1/namespaces/shop/deployments"
LARGE = "x" * (LIMITS.scan_page_bytes // 100)


class Lists(Endpoint):
    """A collection in pages.

    Attributes:
        names: Its objects.
        padding: What each holds besides.
        faults: Statuses that the next requests get.
        queries: Of all requests.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "lists.kubeconfig")
        self.names = [f"cart-{index:04}" for index in range(450)]
        self.padding = ""
        self.faults: deque[int] = deque()
        self.queries: list[dict[str, str]] = []

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(PATH, self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        if self.faults and (status := self.faults.popleft()):
            return web.json_response({}, status=status)
        begin, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        end = begin + limit
        items = [{"metadata": {"name": name}, "spec": self.padding} for name in self.names[begin:end]]
        rest = str(end) if end < len(self.names) else ""
        return web.json_response({"metadata": {"continue": rest}, "items": items})


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Lists]:
    async with Lists(tmp_path) as running:
        yield running


@pytest.fixture
async def api(lists: Lists) -> AsyncIterator[PacedApi]:
    async with open_client(lists.kubeconfig) as client:
        yield PacedApi(client)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced, "_PAUSE_SECONDS", 0.001)


async def read(api: PacedApi, selector: str = "") -> list[list[str]]:
    return [[obj["metadata"]["name"] for obj in page] async for page in api.pages(PATH, selector)]


def flat(pages: list[list[str]]) -> list[str]:
    return [name for page in pages for name in page]


async def test_a_list_comes_in_pages(lists: Lists, api: PacedApi) -> None:
    pages = await read(api, "a=b")
    assert [len(page) for page in pages] == [200, 200, 50]
    assert flat(pages) == lists.names
    assert api.calls == 3
    assert {query["labelSelector"] for query in lists.queries} == {"a=b"}


async def test_large_objects_come_in_smaller_pages(lists: Lists, api: PacedApi) -> None:
    # 200 of them are twice the cap, 25 a quarter.
    lists.padding = LARGE
    pages = await read(api)
    assert flat(pages) == lists.names
    assert max(map(len, pages)) == 25


@pytest.mark.parametrize("fault", [429, 500, 503])
async def test_what_passes_is_asked_again(lists: Lists, api: PacedApi, fault: int) -> None:
    lists.faults.extend([fault, fault, fault])
    assert flat(await read(api)) == lists.names
    assert api.calls == 6


async def test_what_does_not_pass_ends_the_list(lists: Lists, api: PacedApi) -> None:
    lists.faults.extend([0, 503, 503, 503, 503])
    with pytest.raises(ApiStatusError, match="503"):
        await read(api)
    assert api.calls == 5


async def test_what_is_refused_is_not_asked_again(lists: Lists, api: PacedApi) -> None:
    lists.faults.append(403)
    with pytest.raises(ApiStatusError, match="403"):
        await read(api)
    assert api.calls == 1


async def test_after_a_token_that_expired_the_list_begins_anew(lists: Lists, api: PacedApi) -> None:
    lists.faults.extend([0, 410])
    pages = await read(api)
    assert [len(page) for page in pages] == [200, 200, 200, 50]
    assert set(flat(pages)) == set(lists.names)


async def test_tokens_that_always_expire_end_the_list(lists: Lists, api: PacedApi) -> None:
    lists.faults.extend([0, 410] * 9)
    with pytest.raises(ApiStatusError, match="410"):
        await read(api)


@pytest.mark.parametrize("page", [{}, {"metadata": {}, "items": 7}, {"items": []}])
def test_a_list_without_items_is_no_empty_list(page: dict[str, Any]) -> None:
    with pytest.raises(ApiGarbageError):
        paced._read(page)


async def test_an_object_that_is_not_there_is_none(api: PacedApi) -> None:
    assert await api.find("/api/v1/namespaces/nobody") is None
