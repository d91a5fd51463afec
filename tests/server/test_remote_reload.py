"""Remote providers come and go with the configuration, and leave no connection behind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.gate import Gate
from tests.harness.polling import poll_async
from tests.providers.remote.asking import CONTEXT, QUERY, said, section
from tests.server.serving import Server
from tests.simulators.decision_gate import DecisionGateSimulator
from webhook.limits import LIMITS
from webhook.providers.remote.provider import RemoteProvider
from webhook.server import ruleset
from webhook.stores.protocol import EvidenceStore


@pytest.fixture
def board(tmp_path: Path) -> Iterator[DecisionGateSimulator]:
    """A Decision Gate that answers."""
    with DecisionGateSimulator(tmp_path) as running:
        yield running


def with_remote(gate: Gate, board: DecisionGateSimulator, *, stores: Any = None, **changes: Any) -> dict[str, Any]:
    """The gate's configuration with a remote in it."""
    remote = section(board.host, caFile=str(board.ca_file), **changes)
    sections = {"providers": {"remoteHosts": [board.host], "remote": [remote]}}
    return gate.configuration | sections | ({} if stores is None else {"stores": stores})


def remote_of(server: Server) -> RemoteProvider:
    (remote,) = server.rules.current.remotes
    return remote


async def answers(remote: RemoteProvider) -> bool:
    return (await remote.query(QUERY, CONTEXT)).error is None


async def test_the_old_one_still_answers_who_has_it_and_is_closed_in_the_end(
    gate: Gate, board: DecisionGateSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.configure(with_remote(gate, board))
    async with Server(gate) as server:
        old = remote_of(server)
        assert await answers(old)
        gate.configure(with_remote(gate, board, timeoutSeconds=4))
        assert await server.rules.reload()
        new = remote_of(server)
        assert new is not old
        assert await answers(old)
        assert old in server.rules._retiring
        monkeypatch.setattr(ruleset, "LIMITS", replace(LIMITS, deadline_maximum=0.05))
        gate.configure(with_remote(gate, board, timeoutSeconds=3))
        assert await server.rules.reload()

        async def _closed() -> bool:
            return not await answers(new)

        await poll_async(_closed, 5, "the second is closed")
        assert await answers(remote_of(server))
        last = remote_of(server)
    for stopped in (old, new, last):
        assert said(await stopped.query(QUERY, CONTEXT))[0] == "evidence_unavailable"


async def test_a_remote_that_cannot_be_made_changes_nothing_and_leaves_nothing(
    gate: Gate, board: DecisionGateSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.configure(with_remote(gate, board))
    made: list[Any] = []
    build = ruleset.build_stores

    def _build(*given: Any) -> list[EvidenceStore]:
        made.extend(build(*given))
        return made

    async with Server(gate) as server:
        before, stores = server.rules.current, server.rules._stores
        monkeypatch.setattr(ruleset, "build_stores", _build)
        gate.configure(with_remote(gate, board, stores={"directory": {"path": "."}}, tokenFile="nowhere"))
        assert not await server.rules.reload()
        assert (server.rules.current, server.rules._stores) == (before, stores)
        assert await answers(remote_of(server))
        (store,) = made
        assert store._watch._task.done()


async def test_what_says_the_same_keeps_its_connections(gate: Gate, board: DecisionGateSimulator) -> None:
    gate.configure(with_remote(gate, board))
    async with Server(gate) as server:
        before = remote_of(server)
        board.ca_file.write_bytes(board.ca_file.read_bytes())
        assert await server.rules.reload()
        assert remote_of(server) is before
