"""Probes and metrics: what they say, and that a caller cannot make them grow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tests.admission.requests import SEEN, UNSEEN, deployment, review
from tests.server.serving import Server
from webhook.server.metrics import Metrics
from webhook.server.operations import operations_app


@asynccontextmanager
async def operations(metrics: Metrics, *, ready: bool = True) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(operations_app(metrics, lambda: ready))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        yield client
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "ready", "status", "text"),
    [
        ("/healthz", True, 200, "ok\n"),
        ("/healthz", False, 200, "ok\n"),
        ("/readyz", True, 200, "ok\n"),
        ("/readyz", False, 503, "not ready\n"),
    ],
)
async def test_probes_answer(path: str, *, ready: bool, status: int, text: str) -> None:
    async with operations(Metrics(), ready=ready) as client, client.get(path) as response:
        assert (response.status, await response.text()) == (status, text)


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/healthz", 405), ("GET", "/admit/production", 404)])
async def test_nothing_else_is_served_without_tls(method: str, path: str, status: int) -> None:
    async with operations(Metrics()) as client, client.request(method, path) as response:
        assert response.status == status


async def scrape(metrics: Metrics) -> dict[str, list[tuple[str, dict[str, str], float]]]:
    """Reads `/metrics` as Prometheus does: family to its samples."""
    async with operations(metrics) as client, client.get("/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        text = await response.text()
    families = text_string_to_metric_families(text)
    return {
        family.name.removeprefix("execution_evidence_gate_"): [
            (sample.name, sample.labels, sample.value) for sample in family.samples
        ]
        for family in families
    }


async def test_reviews_are_counted_by_environment_verdict_and_reason(server: Server) -> None:
    for body, environment in [
        (review(deployment(SEEN)), "production"),
        (review(deployment(SEEN)), "Production"),
        (review(deployment(UNSEEN)), "production"),
        (review(deployment(UNSEEN)), "canary"),
        (review(deployment(UNSEEN)), "staging"),
    ]:
        await server.answer(body, environment)
    samples = {
        (labels["environment"], labels["verdict"], labels["reason"]): value
        for name, labels, value in (await scrape(server.metrics))["reviews"]
        if name.endswith("_total")
    }
    assert samples == {
        ("production", "Pass", "EvidenceSufficient"): 2,
        ("production", "Fail", "EvidenceMissing"): 1,
        ("canary", "Warn", "EvidenceMissing"): 1,
        ("other", "Pass", "EnvironmentNotRequired"): 1,
    }


async def test_a_caller_cannot_make_up_label_values(server: Server) -> None:
    before = len((await scrape(server.metrics))["reviews"])
    for index in range(50):
        await server.answer(review(deployment(SEEN), uid=f"uid-{index}", name=f"n{index}"), f"made-up-{index}")
    for environment in ("PRODUCTION", "pRoduction", "Production"):
        await server.answer(review(deployment(SEEN)), environment)
    families = await scrape(server.metrics)
    environments = {labels["environment"] for _, labels, _ in families["reviews"]}
    assert before == 0
    assert environments == {"other", "production"}
    assert all("made-up" not in str(samples) for samples in families.values())


async def test_the_time_of_each_answer_is_observed(server: Server) -> None:
    for _ in range(3):
        await server.answer(review(deployment(SEEN)))
    samples = {name: value for name, labels, value in (await scrape(server.metrics))["review_seconds"] if not labels}
    assert samples["execution_evidence_gate_review_seconds_count"] == 3
    assert 0 < samples["execution_evidence_gate_review_seconds_sum"] < 10


async def test_every_family_is_there_before_anything_happens() -> None:
    metrics = Metrics()
    metrics.expose("log_lines_dropped", "Log lines lost", lambda: 7)
    families = await scrape(metrics)
    assert set(families) >= {
        "reviews",
        "review_seconds",
        "bad_requests",
        "incidents",
        "configuration_reload_failures",
        "configuration_ok",
        "log_lines_dropped",
    }
    [(_, _, dropped)] = families["log_lines_dropped"]
    assert dropped == 7
