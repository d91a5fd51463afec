import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.simulators.api_server import COLLECTION, ApiServerSimulator, cuts, sends, status
from webhook.errors import ConfigurationError
from webhook.kube.api_errors import ApiGarbageError, ApiStatusError, ApiTooLargeError, ApiUnreachableError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client

CAP = 1024 * 1024


@pytest.mark.parametrize("module", ["webhook.stores.cluster", "webhook.kube.events", "webhook.kube.opening"])
def test_importing_does_not_load_the_kubernetes_client(module: str) -> None:
    probe = f"import sys, {module}; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


async def test_requests_carry_the_products_user_agent_and_the_kubeconfigs_token(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    await client.get(COLLECTION, [("limit", "1")], CAP)
    assert simulator.headers["User-Agent"] == f"execution-evidence-gate/{version('execution-evidence-gate')}"
    assert simulator.headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "no: [yaml",
        "[]",
        "apiVersion: v1\nkind: Config\n",
        "current-context: x\ncontexts: []\nclusters: []\n",
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad.kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"bad\.kubeconfig"):
        async with open_client(path):
            pass


NO_ACCOUNT = "the pod's service account does not lead to an API server"


async def test_outside_a_pod_the_kubeconfig_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        async with open_client(None):
            pass
    assert str(caught.value) == f"{NO_ACCOUNT}, since this is no pod; name the cluster by --kubeconfig"


async def test_a_pod_without_a_token_is_told_what_mounts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ConfigurationError) as caught:
        async with open_client(None):
            pass
    assert str(caught.value) == f"{NO_ACCOUNT}; check that its token is mounted (automountServiceAccountToken)"


async def test_the_kubeconfig_is_left_as_it_is(simulator: ApiServerSimulator) -> None:
    before = simulator.kubeconfig.read_bytes(), simulator.kubeconfig.stat().st_mtime_ns
    async with open_client(simulator.kubeconfig) as client:
        await client.get(COLLECTION, [("limit", "1")], CAP)
    assert (simulator.kubeconfig.read_bytes(), simulator.kubeconfig.stat().st_mtime_ns) == before


async def test_proxy_variables_are_not_read(
    simulator: ApiServerSimulator, client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await client.get(COLLECTION, [("limit", "1")], CAP)
    assert simulator.requests["list"] == 1


async def test_an_error_status_carries_what_the_server_asks_to_wait(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    simulator.faults["list"].append(status(429, {"Retry-After": "7"}))
    with pytest.raises(ApiStatusError) as caught:
        await client.get(COLLECTION, [], CAP)
    assert (caught.value.status, caught.value.retry_after) == (429, 7.0)


@pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "²"])
async def test_a_retry_after_that_is_no_number_of_seconds_is_ignored(
    simulator: ApiServerSimulator, client: KubeClient, text: str
) -> None:
    simulator.faults["list"].append(status(503, {"Retry-After": text}))
    with pytest.raises(ApiStatusError) as caught:
        await client.get(COLLECTION, [], CAP)
    assert caught.value.retry_after is None


async def test_an_answer_beyond_the_cap_is_cut(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["list"].append(sends(b'{"items":"' + b"x" * 2000, hang=True))
    with pytest.raises(ApiTooLargeError):
        await client.get(COLLECTION, [], 2000)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"a":' * 100_000, b"\xff\xfe"])
async def test_an_answer_that_is_no_json_object_is_garbage(
    simulator: ApiServerSimulator, client: KubeClient, body: bytes
) -> None:
    simulator.faults["list"].append(sends(body))
    with pytest.raises(ApiGarbageError):
        await client.get(COLLECTION, [], CAP)


async def test_an_answer_that_breaks_off_is_unreachable(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["list"].append(cuts(b'{"metadata"'))
    with pytest.raises(ApiUnreachableError):
        await client.get(COLLECTION, [], CAP)


async def test_a_server_that_is_gone_is_unreachable(simulator: ApiServerSimulator, client: KubeClient) -> None:
    await simulator.go_away()
    with pytest.raises(ApiUnreachableError):
        await client.get(COLLECTION, [], CAP)


async def test_a_stream_that_does_not_end_is_cut(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["watch"].append(sends(b"one\n", hang=True))
    seen = []
    with pytest.raises(ApiUnreachableError):
        async with client.stream(COLLECTION, [("watch", "true")], 0.3) as lines:
            seen.extend([line async for line in lines])
    assert seen == []


async def test_a_line_without_end_is_cut(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["watch"].append(sends(*[b"x" * 1024 * 1024] * 6, hang=True))
    with pytest.raises(ApiGarbageError):
        async with client.stream(COLLECTION, [("watch", "true")], 20) as lines:
            await anext(aiter(lines))


async def test_no_error_quotes_what_the_server_said(simulator: ApiServerSimulator, client: KubeClient) -> None:
    simulator.faults["list"].append(status(403, {"X-Secret": "secret"}))
    with pytest.raises(ApiStatusError) as caught:
        await client.get(COLLECTION, [], CAP)
    assert caught.value.detail == "the API server answered 403"


async def test_a_connection_serves_the_next_request_even_after_an_error(
    simulator: ApiServerSimulator, client: KubeClient
) -> None:
    for _ in range(5):
        # Long enough to arrive after its headers.
        simulator.faults["list"].append(status(404, body=b"x" * 500_000))
        with pytest.raises(ApiStatusError):
            await client.get(COLLECTION, [("limit", "1")], CAP)
        await client.get(COLLECTION, [("limit", "1")], CAP)
    assert simulator.connections == 1
