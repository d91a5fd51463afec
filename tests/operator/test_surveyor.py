"""When the operator scans, and by what."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.keys import ecdsa
from webhook.cli.rules import open_scan_rules
from webhook.kube.client import KubeClient
from webhook.operator import surveyor
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.run import _is_news
from webhook.operator.surveyor import Survey, Surveyor, own_settings
from webhook.settings.loading import load_settings

HOUR = 3600


def waiting(folder: Path) -> Surveyor:
    (folder / "config.yaml").touch()
    settings = load_settings(folder / "config.yaml")
    survey = Survey("gate-scan", "stella.ops/environment", (), open_scan_rules)
    return Surveyor(survey, KubeClient(None), lambda: settings, OperatorMetrics())


def test_it_scans_every_hour_give_or_take_a_tenth(tmp_path: Path) -> None:
    rests = [waiting(tmp_path).rest() for _ in range(100)]
    assert all(0.9 * HOUR <= rest <= 1.1 * HOUR for rest in rests)
    assert max(rests) - min(rests) > 60


def test_it_scans_earlier_after_what_it_could_not_find_out(tmp_path: Path) -> None:
    waits = waiting(tmp_path)
    waits._outcomes = {("production", "pass"): 3, ("production", "error"): 1}
    assert waits.rest() < 600


@pytest.mark.parametrize(("took", "settles"), [(None, 0), (1.0, surveyor.SETTLE_SECONDS), (60.0, 240)])
def test_scans_take_no_more_than_a_fifth_of_the_time(took: float | None, settles: float, tmp_path: Path) -> None:
    waits = waiting(tmp_path)
    waits._took = took
    assert waits.settle() == settles


def test_it_asks_with_no_rights_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.pub").write_bytes(ecdsa().pem)
    remote = {"id": "elsewhere", "url": "https://gate.example.com/rpc", "surface": "provider"}
    query = {"provider": "elsewhere", "check": "anything"}
    document = {
        "trust": {"keys": [{"name": "staging", "file": "a.pub"}]},
        "stores": {"registry": {"allow": ["registry.example.com/*"], "pullSecrets": True}},
        "providers": {"env": {"allowlist": ["HOME"]}, "remote": [remote], "remoteHosts": ["gate.example.com"]},
        "gates": {
            "conditions": [
                {"name": "asks", "environments": ["production"], "query": query, "comparator": "exists"},
            ]
        },
    }
    (tmp_path / "config.yaml").write_text(json.dumps(document))
    settings = load_settings(tmp_path / "config.yaml")
    own = own_settings(settings)
    registry = own.file.stores.registry
    assert registry is not None
    assert not registry.pull_secrets
    assert registry.allow == ("registry.example.com/*",)
    assert (own.file.providers.env, own.file.providers.remote, own.remotes) == (None, (), ())
    # What asks them stays, so that it is reported as unknown and not left out.
    assert own.conditions == settings.conditions


def evidence(generation: int, observed: int | None) -> dict[str, Any]:
    conditions = [] if observed is None else [{"type": "Verified", "observedGeneration": observed}]
    return {"metadata": {"name": "cart", "generation": generation}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("change", "obj", "news"),
    [
        (None, evidence(1, 1), False),
        ("ADDED", evidence(1, None), True),
        ("DELETED", evidence(1, 1), True),
        ("MODIFIED", evidence(2, 1), True),
        # The operator's own writing.
        ("MODIFIED", evidence(1, 1), False),
    ],
)
def test_only_evidence_that_changed_is_news(change: str | None, obj: dict[str, Any], news: bool) -> None:  # noqa: FBT001 - a table's column
    assert _is_news(change, obj) is news
