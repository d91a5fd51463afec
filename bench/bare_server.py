"""The yardsticks: aiohttp TLS handlers that decode a review to its uid and answer "allowed", and do no more.

`python bench/bare_server.py CERT KEY` writes its port as one line. The strict handler decodes as fast as pydantic
can; the ordinary one, under `/ordinary`, decodes as most people write it. Nothing else is different between them.
Both skip the access log and freeze their garbage, as the gate does; what is left is the gate's work.
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


def answer_strictly(body: bytes) -> web.Response:
    """Answers a review whose uid pydantic reads.

    Args:
        body: The AdmissionReview.

    Returns:
        An AdmissionReview that allows it.
    """
    return _allowed(_Review.model_validate_json(body).request.uid)


async def _admit_strictly(request: web.Request) -> web.Response:
    return answer_strictly(await request.read())


async def _admit_ordinarily(request: web.Request) -> web.Response:
    return _allowed((await request.json())["request"]["uid"])


def _allowed(uid: str) -> web.Response:
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
    app.router.add_post("/admit/{environment}", _admit_strictly)
    app.router.add_post("/ordinary/admit/{environment}", _admit_ordinarily)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    gc.collect()
    gc.freeze()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
