"""The yardstick: an aiohttp TLS handler that decodes a review to its uid and answers "allowed", and does no more.

`python bench/bare_server.py CERT KEY` writes its port as one line. It decodes as fast as pydantic can, skips the
access log and freezes its garbage, as the gate does; what is left between the two is the gate's work.
"""

import asyncio
import gc
import json
import ssl
import sys

from aiohttp import web
from pydantic import BaseModel

_BODY_LIMIT = 8 * 1024 * 1024


class _Request(BaseModel):
    uid: str


class _Review(BaseModel):
    request: _Request


async def _admit(request: web.Request) -> web.Response:
    uid = _Review.model_validate_json(await request.read()).request.uid
    answer = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": uid, "allowed": True},
    }
    return web.Response(body=json.dumps(answer).encode("ascii"), content_type="application/json")


async def _serve(cert: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    app = web.Application(client_max_size=_BODY_LIMIT)
    app.router.add_post("/admit/{environment}", _admit)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    gc.collect()
    gc.freeze()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
