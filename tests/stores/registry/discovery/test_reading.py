import threading

import pytest

from webhook.errors import MalformedError
from webhook.stores.registry.discovery.reading import read_aside


@pytest.mark.parametrize(("size", "aside"), [(0, False), (64 * 1024, False), (64 * 1024 + 1, True)])
async def test_what_is_large_is_read_in_a_thread(size: int, *, aside: bool) -> None:
    thread, length = await read_aside(bytes(size), lambda raw: (threading.current_thread(), len(raw)))
    assert (thread is not threading.main_thread(), length) == (aside, size)


@pytest.mark.parametrize("size", [1, 100_000])
async def test_what_cannot_be_read_is_told(size: int) -> None:
    def read(_: bytes) -> None:
        raise MalformedError("it is not JSON")

    with pytest.raises(MalformedError):
        await read_aside(bytes(size), read)
