"""The configuration changes while the server serves: as a whole, or not at all."""

import asyncio
import copy
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.admission.providers import GOOD, ScriptedProvider, metadata
from tests.admission.requests import SEEN, TAGGED, UNSEEN, deployment, review
from tests.harness.evidence import Signer, digest_of
from tests.harness.gate import Gate
from tests.harness.polling import poll_async
from tests.server.serving import Server
from tests.support.rules import ruled_by
from webhook.limits import LIMITS
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult
from webhook.server import ruleset
from webhook.server.metrics import Metrics
from webhook.server.ruleset import RulesetHolder
from webhook.settings.loading import load_settings

SECONDS = 3.0
SUFFICIENT = "Pass EvidenceSufficient"
MISSING = "Fail EvidenceMissing"
INSUFFICIENT = "Fail EvidenceInsufficient"
BODY = review(deployment(SEEN))


def changed(gate: Gate, policy: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """The gate's configuration with other options in its policy, and other sections."""
    configuration = copy.deepcopy(gate.configuration) | sections
    configuration["PolicyGates"]["ExecutionEvidence"] |= policy or {}
    return configuration


async def becomes(server: Server, expected: str, body: bytes = BODY) -> None:
    async def said() -> bool:
        return await server.said(body) == expected

    await poll_async(said, SECONDS, f"the answer becomes {expected}")


async def test_a_new_threshold_is_in_force_within_3_seconds(gate: Gate, server: Server) -> None:
    assert await server.said(BODY) == SUFFICIENT
    gate.configure(changed(gate, {"MinHotSymbolCount": 43}))
    await becomes(server, INSUFFICIENT)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], bytes, str, str]] = {
    "threshold": ({"MinUniqueCallPaths": 18}, {}, BODY, SUFFICIENT, INSUFFICIENT),
    "disabled": ({"Enabled": False}, {}, review(deployment(UNSEEN)), MISSING, "Pass GateDisabled"),
    "warn": ({"MissingEvidenceAction": "Warn"}, {}, review(deployment(UNSEEN)), MISSING, "Warn EvidenceMissing"),
    "environments": (
        {"RequiredEnvironments": []},
        {},
        review(deployment(UNSEEN)),
        MISSING,
        "Pass EnvironmentNotRequired",
    ),
    "evidence from elsewhere": (
        {"EvidenceEnvironments": ["qa"]},
        {},
        BODY,
        SUFFICIENT,
        "Fail EvidenceFromOtherEnvironment",
    ),
    "exempt images": (
        {},
        {"exemptImages": ["registry.example.com/shop/*"]},
        review(deployment(TAGGED)),
        "Fail ImageNotPinned",
        "Pass ImageExempt",
    ),
    "workloads": ({}, {"workloads": ["Pod"]}, BODY, SUFFICIENT, "Fail WorkloadNotSupported"),
    "a key removed": ({}, {"trust": {"keys": []}}, BODY, SUFFICIENT, "Fail EvidenceUntrusted"),
    "a folder changed": ({}, {"stores": {"directory": {"path": "empty"}}}, BODY, SUFFICIENT, MISSING),
    "no store": ({}, {"stores": {}}, BODY, SUFFICIENT, MISSING),
    "a folder that is not there": (
        {},
        {"stores": {"directory": {"path": "nowhere"}}},
        BODY,
        SUFFICIENT,
        "Fail EvidenceUnavailable",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_each_section_takes_effect_and_can_be_taken_back(gate: Gate, server: Server, change: str) -> None:
    policy, sections, body, before, after = CHANGES[change]
    (gate.folder / "empty").mkdir()
    for _ in range(2):  # The second pass is the cached one.
        assert await server.said(body) == before
    gate.configure(changed(gate, policy, **sections))
    await server.rules.reload()
    assert await server.said(body) == after
    gate.configure(gate.configuration)
    await server.rules.reload()
    assert await server.said(body) == before


BROKEN: dict[str, tuple[str | dict[str, Any] | None, str]] = {
    "no YAML": ("PolicyGates: [", "is not YAML"),
    "a list": ("- 1", "must be a mapping"),
    "an unknown key": ({"PolicyGates": {"ExecutionEvidence": {"Enabledd": True}}}, "did you mean 'Enabled'"),
    "a wrong type": ({"PolicyGates": {"ExecutionEvidence": {"MinHotSymbolCount": "3"}}}, "MinHotSymbolCount"),
    "a key that is not there": ({"trust": {"keys": [{"name": "x", "file": "x.pub"}]}}, "x.pub"),
    "a cluster, without a client": ({"stores": {"cluster": {}}}, "stores.cluster needs a cluster"),
    "a policy on tags that needs a registry": (
        {"PolicyGates": {"ExecutionEvidence": {"TagPolicy": "Resolve"}}},
        "TagPolicy",
    ),
    "gone": (None, "cannot be read"),
    "2 MiB": ("#" * 2 * 1024 * 1024, "larger than 1 MiB"),
}


def spoil(gate: Gate, content: str | dict[str, Any] | None) -> None:
    if isinstance(content, dict):
        gate.configure(content)
    elif content is None:
        (gate.folder / "config.yaml").unlink()
    else:
        (gate.folder / "config.yaml").write_text(content)


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_file_keeps_the_old_rules_and_says_so(
    gate: Gate, server: Server, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    content, expected = BROKEN[case]
    before = server.rules.current
    spoil(gate, content)
    for _ in range(3):  # It is tried again and again, and told once.
        await server.rules.reload()
    assert server.rules.current is before
    assert await server.said(BODY) == SUFFICIENT
    assert server.metric("configuration_ok") == 0
    assert server.metric("configuration_reload_failures_total") == 1
    entries = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert [entry.getMessage() for entry in entries] == ["configuration not reloaded, the old one stays in force"]
    assert expected in entries[0].__dict__["problem"]


async def test_another_problem_is_told_anew(gate: Gate, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("PolicyGates: [", "- 1", "PolicyGates: ["):
        spoil(gate, text)
        await server.rules.reload()
    assert server.metric("configuration_reload_failures_total") == 3
    assert len([entry for entry in caplog.records if entry.levelno == logging.ERROR]) == 3


async def test_a_mended_file_is_taken_after_a_broken_one(gate: Gate, server: Server) -> None:
    assert server.metric("configuration_ok") == 1
    spoil(gate, "PolicyGates: [")
    await server.rules.reload()
    gate.configure(changed(gate, {"MinHotSymbolCount": 43}))
    await becomes(server, INSUFFICIENT)
    assert server.metric("configuration_ok") == 1


async def test_an_old_file_that_comes_back_is_in_force_again(gate: Gate, server: Server) -> None:
    spoil(gate, "PolicyGates: [")
    await server.rules.reload()
    gate.configure(gate.configuration)
    await server.rules.reload()
    assert server.metric("configuration_ok") == 1
    assert await server.said(BODY) == SUFFICIENT


async def test_a_key_that_comes_after_the_file_that_names_it_is_read(gate: Gate, server: Server) -> None:
    # A ConfigMap and a Secret reach a pod independently of each other.
    successor = Signer.new()
    gate.publish(digest_of("seen"), signer=successor)
    gate.configure(changed(gate, trust={"keys": [{"name": "next", "file": "next.pub"}]}))

    async def noticed() -> bool:
        return server.metric("configuration_ok") == 0

    await poll_async(noticed, SECONDS, "the broken file is noticed")
    (gate.folder / "next.pub").write_bytes(successor.public_pem)
    await becomes(server, SUFFICIENT)


async def test_a_key_file_that_is_replaced_is_read_anew(gate: Gate, server: Server) -> None:
    assert await server.said(BODY) == SUFFICIENT
    gate.trust(Signer.new())
    await becomes(server, "Fail EvidenceUntrusted")


async def test_a_key_file_that_is_gone_keeps_the_old_key(gate: Gate, server: Server) -> None:
    (gate.folder / "staging.pub").unlink()
    await server.rules.reload()
    assert await server.said(BODY) == SUFFICIENT
    assert server.metric("configuration_ok") == 0


async def test_a_change_between_reading_and_following_is_noticed(gate: Gate) -> None:
    # Reading the stores at the start can take seconds; a change in the meantime must not wait for the next one.
    metrics = Metrics()
    holder = RulesetHolder(load_settings(gate.folder / "config.yaml"), None, metrics)
    gate.configure(changed(gate, {"MinHotSymbolCount": 43}))
    await holder.start()

    async def noticed() -> bool:
        return holder.current.settings.policy.min_hot_symbol_count == 43

    try:
        await poll_async(noticed, SECONDS, "the new threshold is in force")
    finally:
        await holder.stop()


async def test_evidence_that_arrives_and_goes_is_followed(gate: Gate, server: Server) -> None:
    body = review(deployment(UNSEEN))
    assert await server.said(body) == MISSING
    path = gate.publish(digest_of("unseen"))
    await becomes(server, SUFFICIENT, body)
    path.unlink()
    await becomes(server, MISSING, body)


class GatedProvider(ScriptedProvider):
    """Answers once it is let."""

    def __init__(self) -> None:
        super().__init__({}, metadata(GOOD))
        self.asked_for = asyncio.Event()
        self.let = asyncio.Event()

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        self.asked_for.set()
        await self.let.wait()
        return await super().query(query, context)


async def test_a_review_is_decided_and_recorded_by_one_snapshot(gate: Gate, server: Server) -> None:
    old, provider = server.rules.current.settings, GatedProvider()
    server.rules.current = ruled_by(old, provider)
    under_way = asyncio.create_task(server.answer(BODY))
    await provider.asked_for.wait()
    gate.configure(changed(gate, {"MinHotSymbolCount": 43}))
    await server.rules.reload()
    assert await server.said(BODY) == INSUFFICIENT
    provider.let.set()
    assert (await under_way)["auditAnnotations"]["reasons"] == "EvidenceSufficient"
    digests = [line["record"]["decision"]["settings"] for line in server.lines()]
    assert digests == [server.rules.current.settings.digest, old.digest]


async def test_a_store_that_is_no_longer_named_is_no_longer_followed(
    gate: Gate, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruleset, "LIMITS", replace(LIMITS, deadline_maximum=0.05))
    [retired] = server.rules._stores
    (gate.folder / "empty").mkdir()
    gate.configure(changed(gate, stores={"directory": {"path": "empty"}}))
    await server.rules.reload()
    assert server.rules._stores != [retired]

    async def followed() -> bool:
        # Configuration, certificate, the new folder.
        return [task.get_name() for task in asyncio.all_tasks()].count("file-watch") == 3

    await poll_async(followed, 5, "the old folder is no longer followed")


async def test_a_store_that_is_no_longer_named_still_serves_who_has_it(gate: Gate, server: Server) -> None:
    # A review keeps its snapshot to its end, and its deadline is at most 30 s.
    before = server.rules.current.decider
    (gate.folder / "empty").mkdir()
    gate.configure(changed(gate, stores={"directory": {"path": "empty"}}))
    await server.rules.reload()
    retired = before._panel.gates[0]._provider._at_hand  # type: ignore[attr-defined]  # the real provider
    assert retired in server.rules._retiring
    assert retired._watch._task is not None
    assert not retired._watch._task.done()


async def test_a_file_that_says_the_same_changes_nothing(gate: Gate, server: Server) -> None:
    before = server.rules.current
    gate.configure(gate.configuration)
    await server.rules.reload()
    assert server.rules.current is before


async def test_a_reload_that_changes_nothing_in_the_stores_keeps_them(gate: Gate, server: Server) -> None:
    [store] = server.rules._stores
    gate.configure(changed(gate, {"MinHotSymbolCount": 43}))
    await server.rules.reload()
    assert server.rules._stores == [store]


def test_the_paths_of_a_configuration_are_relative_to_it(gate: Gate) -> None:
    files = load_settings(gate.folder / "config.yaml").files()
    assert files == [gate.folder / "config.yaml", Path(gate.folder / "staging.pub")]
