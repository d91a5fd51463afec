"""`python -m bench.registry_proxy LISTEN TARGET MILLISECONDS`: a registry that is farther away than it is.

Each request waits before it goes on, and its line is printed.
"""

import asyncio
import sys

_CHUNK = 256 * 1024


async def _serve(listen: str, target: str, seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_forward(reader, far_writer, seconds))
            tasks.create_task(_back(far_reader, writer))

    host, _, port = listen.partition(":")
    server = await asyncio.start_server(accept, host, int(port))
    print("listening", flush=True)
    await server.serve_forever()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Takes requests, which have no body and are sent one after the other, so that each is one chunk."""
    while chunk := await reader.read(_CHUNK):
        print(chunk.partition(b"\r\n")[0].decode("ascii", "replace"), flush=True)
        if seconds:
            await asyncio.sleep(seconds)
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def _back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
