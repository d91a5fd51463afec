"""What a simulated registry does instead of answering; tests/simulators/api_server.py has the common ones."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from tests.simulators.api_server import Fault


def answers(body: bytes, headers: Mapping[str, str]) -> Fault:
    """A fault: an answer 200 with a body of one's own.

    Args:
        body: The bytes.
        headers: For example `Content-Type`.

    Returns:
        The fault.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers=headers)

    return answer


def moved(url: str, code: int = 307) -> Fault:
    """A fault: a redirect.

    Args:
        url: To where; `{}` stands for the path that was asked for.
        code: The status.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": url.replace("{}", request.path_qs)})

    return answer


def hangs() -> Fault:
    """A fault: nothing at all.

    Returns:
        The fault.
    """

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


def drips(length: int, seconds: float = 0.01) -> Fault:
    """A fault: an answer 200 of one byte at a time.

    Args:
        length: How many bytes it says that there will be.
        seconds: Between two of them.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(length)})
        await response.prepare(request)
        for _ in range(length):
            await response.write(b"x")
            await asyncio.sleep(seconds)
        return response

    return answer


def babbles(head: bytes, again: bytes, times: int, end: bytes = b"") -> Fault:
    """A fault: bytes of one's own instead of HTTP that a server would write; then the connection ends.

    Args:
        head: What comes first.
        again: What comes then, over and over.
        times: How often.
        end: What comes last.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        transport.write(head + again * times + end)
        # What is written is still sent.
        transport.close()
        return web.Response()

    return answer


def floods(total: int, headers: Mapping[str, str]) -> Fault:
    """A fault: an answer 200 without a Content-Length, as long as anybody reads.

    Args:
        total: Bytes after which it ends anyway.
        headers: The headers.

    Returns:
        The fault.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for _ in range(total // 65536):
            await response.write(bytes(65536))
        return response

    return answer
