"""The plain listener for the cluster's own questions: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from webhook.server.metrics import Metrics


def operations_app(metrics: Metrics, ready: Callable[[], bool]) -> web.Application:
    """Builds the application.

    Args:
        metrics: What `/metrics` renders.
        ready: Whether new reviews should be sent here.

    Returns:
        The application. `/healthz` answers 200 as long as the loop turns.
    """

    async def _healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if ready() else web.Response(status=503, text="not ready\n")

    async def _render(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", _healthz), web.get("/readyz", _readyz), web.get("/metrics", _render)])
    return app
