"""Lists of referrers: pages, registries without the API, and lists that break off."""

import asyncio
import json
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.simulators.api_server import cuts, status
from tests.simulators.registry import INDEX, MANIFEST, RegistrySimulator
from tests.simulators.registry_faults import answers
from tests.stores.registry.simulated import NOBODY, PATH, Client, at, plain
from webhook.limits import LIMITS
from webhook.stores.registry.client.client import RegistryError
from webhook.stores.registry.client.listing import Listing
from webhook.stores.registry.transport.messages import Answer, Request

SUBJECT = "sha256:" + "a" * 64


def _entry(number: int) -> dict[str, Any]:
    return {"mediaType": MANIFEST, "digest": f"sha256:{number:064x}", "size": 2}


def _page(*entries: dict[str, Any], link: str | None = None, kind: str = INDEX) -> Any:
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}).encode()
    return answers(body, {"Content-Type": kind} | ({} if link is None else {"Link": link}))


async def _digests(asker: Client, registry: RegistrySimulator) -> list[str]:
    found = await asker.client.referrers(at(registry), SUBJECT, NOBODY)
    assert found is not None
    return [descriptor.digest for descriptor in found]


async def test_referrers_are_listed_without_a_filter() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        digests = [registry.attach(PATH, SUBJECT, layer, kind) for layer, kind in [(b"1", "a/b"), (b"2", "c/d")]]
        registry.attach(PATH, "sha256:" + "b" * 64, b"3")
        assert await _digests(asker, registry) == digests
        assert registry.seen[0].path == f"/v2/{PATH}/referrers/{SUBJECT}"


async def test_all_pages_are_read() -> None:
    async with RegistrySimulator(page=2) as registry, Client({registry.host: plain()}) as asker:
        digests = [registry.attach(PATH, SUBJECT, bytes([number])) for number in range(5)]
        assert await _digests(asker, registry) == digests
        assert registry.requests["referrers"] == 3


async def test_empty_list_is_no_missing_api() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        assert await asker.client.referrers(at(registry), SUBJECT, NOBODY) == ()


async def test_null_is_an_empty_list() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(answers(b'{"manifests":null}', {"Content-Type": INDEX}))
        assert await asker.client.referrers(at(registry), SUBJECT, NOBODY) == ()


async def test_registry_without_the_api_is_told_from_an_empty_list() -> None:
    async with RegistrySimulator(referrers=False) as registry, Client({registry.host: plain()}) as asker:
        assert await asker.client.referrers(at(registry), SUBJECT, NOBODY) is None


@pytest.mark.parametrize("code", [400, 404, 405, 406])
async def test_other_refusals_mean_that_there_is_no_such_api(code: int) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(status(code))
        assert await asker.client.referrers(at(registry), SUBJECT, NOBODY) is None


async def test_web_page_means_that_there_is_no_such_api() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(answers(b"<html>", {"Content-Type": "text/html"}))
        assert await asker.client.referrers(at(registry), SUBJECT, NOBODY) is None


async def test_list_of_plain_json_is_a_list() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(_page(_entry(1), kind="application/json; charset=utf-8"))
        assert await _digests(asker, registry) == [_entry(1)["digest"]]


MALFORMED = [
    # The second column: whether somebody who pushes may have spoilt it.
    (b"", False),
    (b"[]", False),
    (b"{", False),
    (b"{}", False),
    (b'{"errors":[]}', False),
    (b'{"manifests":{}}', True),
    (b'{"manifests":[],"manifests":[]}', True),
    (b'{"manifests":[{"annotations":{"a":"\\ud800"}}]}', True),
    (b'{"manifests":[{"annotations":{"a":"' + b"," * LIMITS.json_values + b'"}}]}', True),
]


@pytest.mark.parametrize(("body", "spoilt"), MALFORMED)
async def test_malformed_list_is_no_empty_list(
    body: bytes,
    spoilt: bool,  # noqa: FBT001 - a column of the table
) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(answers(body, {"Content-Type": INDEX}))
        with pytest.raises(RegistryError, match="malformed") as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert caught.value.content is spoilt


async def test_page_that_fails_does_not_hide_those_before() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        again = cuts(b"{")
        registry.faults["referrers"] += [_page(_entry(1), link='<?begin=1>; rel="next"'), again, again]
        with pytest.raises(RegistryError, match="broke the connection off") as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert [descriptor.digest for descriptor in caught.value.found] == [_entry(1)["digest"]]
        assert not caught.value.content


@pytest.mark.parametrize("code", [404, 400])
async def test_page_that_is_missing_does_not_end_the_list(code: int) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"] += [_page(_entry(1), link='<?begin=1>; rel="next"'), status(code)]
        with pytest.raises(RegistryError) as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert [descriptor.digest for descriptor in caught.value.found] == [_entry(1)["digest"]]


async def test_entry_that_cannot_be_read_does_not_hide_the_others() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        other = {"mediaType": MANIFEST, "digest": "sha512:" + "a" * 128, "size": 2}
        registry.faults["referrers"].append(_page(_entry(1), other, _entry(2)))
        with pytest.raises(RegistryError, match="1 referrers that cannot be read") as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert [descriptor.digest for descriptor in caught.value.found] == [_entry(n)["digest"] for n in (1, 2)]
        assert caught.value.content


async def test_endless_pages_end() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"] += [
            _page(_entry(number), link=f'<?begin={number}>; rel="next"') for number in range(100)
        ]
        with pytest.raises(RegistryError, match="on more than 16 pages") as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert registry.requests["referrers"] == LIMITS.referrer_pages
        assert len(caught.value.found) == LIMITS.referrer_pages
        assert caught.value.content


async def test_pages_have_one_cap_together() -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        body = b'{"manifests":[]}' + b" " * (LIMITS.manifest_bytes // 2)
        half = answers(body, {"Content-Type": INDEX, "Link": '<?x>; rel="next"'})
        registry.faults["referrers"] += [half, half, half]
        with pytest.raises(RegistryError, match="sends more than") as caught:
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert caught.value.content
        assert registry.requests["referrers"] == 2


@pytest.mark.parametrize(
    "target",
    ["http://elsewhere.example.com/v2/", "//elsewhere.example.com/v2/", "https://{host}/v2/", "http://127.0.0.1:1/"],
)
async def test_next_page_at_another_host_is_not_asked_for(target: str) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        link = f'<{target.format(host=registry.host)}>; rel="next"'
        registry.faults["referrers"].append(_page(_entry(1), link=link))
        with pytest.raises(RegistryError, match="goes on at another host"):
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)
        assert len(registry.seen) == 1


@pytest.mark.parametrize("link", ["x", "<", '<a>; rel="next", <b>; rel="next"', '<http://[>; rel="next"'])
async def test_link_that_cannot_be_read_does_not_end_the_list(link: str) -> None:
    async with RegistrySimulator() as registry, Client({registry.host: plain()}) as asker:
        registry.faults["referrers"].append(_page(_entry(1), link=link))
        with pytest.raises(RegistryError, match="next page cannot be found"):
            await asker.client.referrers(at(registry), SUBJECT, NOBODY)


@pytest.mark.parametrize(("entries", "stands"), [(64, True), (2000, False)])
async def test_loop_goes_on_while_a_long_list_is_parsed(
    entries: int,
    stands: bool,  # noqa: FBT001 - a column of the table
) -> None:
    body = json.dumps({"manifests": [_entry(number) for number in range(entries)]}).encode()
    request = Request("a.example", "referrers", URL("https://a.example/"), len(body))
    listing = Listing(request)
    other = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(other.set_result, None)
    await listing.add(Answer(200, CIMultiDictProxy(CIMultiDict()), body, request))
    assert other.done() is not stands
    assert len(listing.whole()) == entries
