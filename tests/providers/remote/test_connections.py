"""How a remote is reached: again if it is busy, in time, by nobody else's way, and no stranger's."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.polling import poll_async
from tests.providers.remote.asking import CONTEXT, QUERY, ask, configured, remote, said
from tests.simulators.decision_gate import DecisionGateSimulator, Fault
from tests.simulators.decision_gate_faults import drips, hangs, hangs_up, refuses, says_bytes
from webhook.limits import LIMITS
from webhook.providers.remote.opening import client_context
from webhook.providers.remote.provider import RemoteProvider


@pytest.mark.parametrize("number", [-32071, -32072])
@pytest.mark.parametrize("asked_for", [None, 1, "soon", True, -1, 1.5])
async def test_who_is_busy_is_asked_again(gate: DecisionGateSimulator, number: int, asked_for: Any) -> None:
    gate.faults = [refuses(number, retry_after_ms=asked_for), refuses(number, retry_after_ms=asked_for)]
    assert (await ask(gate)).error is None
    assert len({asked.document["id"] for asked in gate.asked}) == 3


async def test_no_sooner_than_it_wants(gate: DecisionGateSimulator) -> None:
    gate.faults = [refuses(-32071, retry_after_ms=400)]
    begun = time.monotonic()
    assert (await ask(gate)).error is None
    assert time.monotonic() - begun >= 0.4


@pytest.mark.parametrize("asked_for", [6000, 10**15])
async def test_and_not_at_all_if_that_is_too_late(gate: DecisionGateSimulator, asked_for: int) -> None:
    gate.fault = refuses(-32072, "later", asked_for)
    begun = time.monotonic()
    assert said(await ask(gate)) == ("evidence_unavailable", "it answers with the error -32072: later")
    assert time.monotonic() - begun < 3
    assert len(gate.asked) == 1


async def test_who_stays_busy_is_given_up_in_time(gate: DecisionGateSimulator) -> None:
    gate.fault = refuses(-32071, "busy", 0)
    begun = time.monotonic()
    assert said(await ask(gate, timeoutSeconds=0.5))[0] == "evidence_unavailable"
    assert time.monotonic() - begun < 3
    # Not in a tight circle either: after 25, 50, 100 and 200 ms at least, and 400 are too many.
    assert len(gate.asked) <= 5


@pytest.mark.parametrize("slow", [lambda: hangs(threading.Event()), lambda: drips], ids=["hangs", "drips"])
async def test_who_is_slow_is_given_up_in_time(gate: DecisionGateSimulator, slow: Callable[[], Fault]) -> None:
    gate.fault = slow()
    begun = time.monotonic()
    assert said(await ask(gate, timeoutSeconds=0.3)) == ("evidence_unavailable", "no answer within 0.3 s")
    assert time.monotonic() - begun < 3


async def test_somebody_elses_deadline_is_not_taken_for_an_answer(gate: DecisionGateSimulator) -> None:
    release = threading.Event()
    gate.fault = hangs(release)
    async with remote(gate) as provider:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await provider.query(QUERY, CONTEXT)
    release.set()


async def test_a_connection_that_was_closed_while_it_rested_costs_nothing(gate: DecisionGateSimulator) -> None:
    async with remote(gate) as provider:
        assert (await provider.query(QUERY, CONTEXT)).error is None
        gate.faults = [hangs_up]
        assert (await provider.query(QUERY, CONTEXT)).error is None
    assert len(gate.asked) == 3


async def test_no_more_than_some_are_asked_at_once_and_the_others_wait(gate: DecisionGateSimulator) -> None:
    release = threading.Event()
    gate.fault = hangs(release)
    context = CONTEXT._replace(workload_namespace="shop")
    async with remote(gate, tenantId=1, namespaceIds={"shop": 4}) as provider:
        asking = [asyncio.create_task(provider.query(QUERY, context)) for _ in range(LIMITS.remote_calls + 4)]

        async def _all_came() -> bool:
            return len(gate.asked) >= LIMITS.remote_calls

        await poll_async(_all_came, 4, "as many as may have come")
        # One more would have come by the time that somebody else has been served.
        gate.faults = [None]
        assert (await ask(gate)).error is None
        assert len(gate.asked) == LIMITS.remote_calls + 1
        release.set()
        results = await asyncio.gather(*asking)
    assert [result.error for result in results] == [None] * len(asking)


async def test_who_asks_from_outside_leaves_places_for_reviews(gate: DecisionGateSimulator) -> None:
    release = threading.Event()
    gate.fault = hangs(release)
    async with remote(gate, tenantId=1, namespaceIds={"shop": 4}) as provider:
        asking = [asyncio.create_task(provider.query(QUERY, CONTEXT)) for _ in range(2 * LIMITS.remote_calls)]

        async def _all_came() -> bool:
            return len(gate.asked) >= LIMITS.remote_calls_from_outside

        await poll_async(_all_came, 4, "as many as may have come")
        gate.faults = [None]
        result = await provider.query(QUERY, CONTEXT._replace(workload_namespace="shop"))
        assert result.error is None
        assert len(gate.asked) == LIMITS.remote_calls_from_outside + 1
        release.set()
        assert [result.error for result in await asyncio.gather(*asking)] == [None] * len(asking)


async def test_who_waits_for_a_place_waits_within_his_time(gate: DecisionGateSimulator) -> None:
    release = threading.Event()
    gate.fault = hangs(release)
    async with remote(gate, timeoutSeconds=0.5) as provider:
        begun = time.monotonic()
        results = await asyncio.gather(*(provider.query(QUERY, CONTEXT) for _ in range(LIMITS.remote_calls + 1)))
        assert time.monotonic() - begun < 3
    release.set()
    assert {said(result) for result in results} == {("evidence_unavailable", "no answer within 0.5 s")}


async def test_a_stranger_with_the_same_address_is_not_believed(gate: DecisionGateSimulator, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = DecisionGateSimulator(tmp_path / "other")
    other._server.server_close()
    assert said(await ask(gate, caFile=str(other.ca_file))) == (
        "evidence_unavailable",
        "its certificate is not valid",
    )
    assert said(await ask(gate, caFile=None))[1] == "its certificate is not valid"
    assert gate.asked == []


async def test_nobody_at_the_address_is_an_answer_too(tmp_path: Path) -> None:
    gate = DecisionGateSimulator(tmp_path)
    gate._server.server_close()
    assert said(await ask(gate)) == ("evidence_unavailable", "the connection failed")


async def test_proxy_variables_and_netrc_lead_nowhere(
    gate: DecisionGateSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await ask(gate)).error is None
    assert "authorization" not in gate.asked[0].headers


async def test_a_stopped_provider_asks_nobody(gate: DecisionGateSimulator) -> None:
    async with remote(gate) as provider:
        assert (await provider.query(QUERY, CONTEXT)).error is None
    assert said(await provider.query(QUERY, CONTEXT))[0] == "evidence_unavailable"
    assert len(gate.asked) == 1


@pytest.mark.parametrize("ca_file", ["named", None])
def test_tls_is_as_new_as_it_must_be_and_checks_names(gate: DecisionGateSimulator, ca_file: str | None) -> None:
    named = None if ca_file is None else str(gate.ca_file)
    (made,) = configured(gate.ca_file.parent, gate.host, caFile=named).remotes
    context = client_context(made)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_no_cookie_is_kept(gate: DecisionGateSimulator) -> None:
    # A name, since an address gets no cookies anyway.
    host = gate.host.replace("127.0.0.1", "localhost")
    gate.faults = [says_bytes(b"", 200, {"Set-Cookie": "a=b"})]
    (made,) = configured(gate.ca_file.parent, host, caFile=str(gate.ca_file)).remotes
    provider = RemoteProvider(made, [])
    for _ in range(2):
        await provider.query(QUERY, CONTEXT)
    await provider.stop()
    await asyncio.sleep(0)
    assert len(gate.asked) == 2
    assert all("cookie" not in asked.headers for asked in gate.asked)
