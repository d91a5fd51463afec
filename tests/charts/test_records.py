"""The section `records` in the chart: sinks, their secrets and their volume."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.charts.chart import CHART, RELEASE, Helm, Objects
from tests.charts.pods import RECORDS, SECRETS, lay_out, pod_of
from tests.charts.test_remotes import POLICY, mounted
from tests.charts.test_values import AUTHORITY, KEY, VALUES
from tests.records.test_opening import Lines
from webhook.records.opening import open_records
from webhook.settings.loading import load_settings
from webhook.settings.records import (
    CollectorSettings,
    RecordFileSettings,
    RecordSettings,
    RecordSigningSettings,
    SpoolSettings,
    SummarySettings,
)
from webhook.settings.section import Section

GIVEN: dict[str, Any] = yaml.safe_load((CHART / "ci" / "conditions-values.yaml").read_text())["records"]
URL = "https://records.example.com/batches"
SPOOL = SpoolSettings(path=Path(RECORDS))
PAIR = {"name": "records", "key": "k"}


def rendered(helm: Helm, **records: Any) -> Objects:
    return helm.render(values={"records": records})


def section(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(objects["ConfigMap", RELEASE]["data"]["config.yaml"])["records"]
    return found


def spellings(model: type[Section], without: set[str], instead: set[str]) -> set[str]:
    named = {to_camel(name) for name in model.model_fields}
    assert without <= named
    return named - without | instead


def test_the_values_are_the_section_s_keys() -> None:
    # The chart writes files and folders itself.
    records = VALUES["records"]
    assert set(records) == spellings(RecordSettings, set(), {"claimName"})
    assert set(records["file"]) == spellings(RecordFileSettings, {"path"}, {"enabled"})
    assert set(records["collector"]) == spellings(
        CollectorSettings, {"caFile", "tokenFile"}, {"caBundle", "tokenSecret"}
    )
    assert set(records["collector"]["spool"]) == spellings(SpoolSettings, {"path"}, set())
    files = {"keyFile", "passphraseFile"}
    assert set(records["signing"]) == spellings(RecordSigningSettings, files, {"keySecret", "passphraseSecret"})
    assert set(records["summaries"]) == spellings(SummarySettings, set(), set())


def test_the_values_have_the_section_s_defaults() -> None:
    records = VALUES["records"]
    file = RecordFileSettings(path=Path(RECORDS))
    collector = CollectorSettings(url=URL, spool=SPOOL)
    assert records["stdout"] is RecordSettings().stdout
    assert (records["file"]["maxBytes"], records["file"]["keep"]) == (file.max_bytes, file.keep)
    assert records["collector"]["timeoutSeconds"] == collector.timeout_seconds
    assert records["collector"]["spool"]["maxBytes"] == SPOOL.max_bytes


UNUSED: list[dict[str, Any]] = [
    {},
    {"file": {"maxBytes": 2**20, "keep": 1}},
    {"file": None, "collector": None, "signing": None, "summaries": None},
    {"collector": {"caBundle": AUTHORITY, "tokenSecret": PAIR, "timeoutSeconds": 1}},
    {"signing": {"passphraseSecret": PAIR}},
    {"claimName": "records"},
]


@pytest.mark.parametrize("records", UNUSED)
def test_by_default_records_go_to_the_log_and_nothing_is_mounted(helm: Helm, records: dict[str, Any]) -> None:
    objects = rendered(helm, **records)
    assert section(objects) == {"stdout": True}
    assert objects == helm.render()
    assert {entry["name"] for entry in pod_of(objects, "webhook")["volumes"]} == {"configuration", "tls"}
    assert POLICY not in objects


async def test_the_sinks_open_with_the_files_that_the_pod_has(helm: Helm, tmp_path: Path) -> None:
    objects = helm.render("--values", CHART / "ci" / "conditions-values.yaml")
    settings = load_settings(lay_out(objects, "webhook", tmp_path)).file.records
    (tmp_path / "volume").mkdir()
    log = open_records(settings, tmp_path, Lines())
    await log.close(5)
    assert [writer.name for writer in log.writers] == ["file", "collector"]
    collector = {"caFile": "records-collector.pem", "tokenFile": "records-collector.token"}
    assert settings == RecordSettings.model_validate(
        {
            "stdout": False,
            "file": {"path": tmp_path / "volume/records.jsonl", "maxBytes": 2**20, "keep": 9},
            "collector": collector
            | {"url": GIVEN["collector"]["url"], "timeoutSeconds": 2.5}
            | {"spool": {"path": tmp_path / "volume/spool", "maxBytes": 10485760}},
            "signing": {"keyFile": "records-signing.key", "passphraseFile": "records-signing.passphrase"},
            "summaries": GIVEN["summaries"],
        }
    )
    assert (tmp_path / collector["caFile"]).read_text() == GIVEN["collector"]["caBundle"]
    assert (tmp_path / collector["tokenFile"]).read_bytes() == SECRETS["collector"]["token"]


def test_the_secrets_are_the_webhook_s_alone(helm: Helm) -> None:
    objects = rendered(
        helm,
        collector={"url": URL, "tokenSecret": PAIR},
        signing={"keySecret": PAIR, "passphraseSecret": {"name": "other", "key": "k"}},
    )
    # 0440: the group, which is the pod's, and nobody else.
    assert mounted(objects, "webhook") == [
        {"name": name, "items": [{"key": "k", "path": path, "mode": 0o440}]}
        for name, path in (
            ("records", "records-collector.token"),
            ("records", "records-signing.key"),
            ("other", "records-signing.passphrase"),
        )
    ]
    assert pod_of(objects, "operator") == pod_of(helm.render(), "operator")


@pytest.mark.parametrize("records", [{"file": {"enabled": True}}, {"collector": {"url": URL}}])
@pytest.mark.parametrize("claim", [None, "records"])
def test_file_and_spool_lie_in_a_volume_that_can_be_written(
    helm: Helm, records: dict[str, Any], claim: str | None
) -> None:
    pod = pod_of(rendered(helm, **records, claimName=claim), "webhook")
    (volume,) = [entry for entry in pod["volumes"] if entry["name"] == "records"]
    (mount,) = [entry for entry in pod["containers"][0]["volumeMounts"] if entry["name"] == "records"]
    variables = [entry for entry in pod["containers"][0]["env"] if entry["name"] == "POD_NAME"]
    if claim is None:
        assert volume == {"name": "records", "emptyDir": {}}
        assert mount == {"name": "records", "mountPath": RECORDS}
        assert variables == []
    else:
        # Two pods with one folder: the second would find it locked, and never be ready.
        assert volume == {"name": "records", "persistentVolumeClaim": {"claimName": claim}}
        assert mount == {"name": "records", "mountPath": RECORDS, "subPathExpr": "$(POD_NAME)"}
        assert variables == [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_change_of_what_is_read_at_the_start_starts_the_pods_anew(helm: Helm) -> None:
    def note(**records: Any) -> str:
        template = rendered(helm, **records)["Deployment", f"{RELEASE}-webhook"]["spec"]["template"]
        checksum: str = template["metadata"]["annotations"]["checksum/records"]
        return checksum

    assert note() == note(stdout=True)
    changes: list[dict[str, Any]] = [
        {},
        {"stdout": False},
        {"file": {"enabled": True}},
        {"collector": {"url": URL}},
        {"signing": {"keySecret": PAIR}},
    ]
    assert len({note(**change) for change in changes}) == len(changes)


@pytest.mark.parametrize(("url", "port"), [(URL, 443), ("https://records.example.com:8443/batches", 8443)])
def test_the_webhook_alone_may_reach_the_collector(helm: Helm, url: str, port: int) -> None:
    policy = rendered(helm, collector={"url": url})[POLICY]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "webhook"
    assert policy["egress"] == [{"ports": [{"port": port, "protocol": "TCP"}]}]


@pytest.mark.parametrize("claim", [None, "records"])
def test_the_notes_say_that_records_go_with_their_pod(helm: Helm, claim: str | None) -> None:
    values = {"records": {"file": {"enabled": True}, "claimName": claim}}
    notes = helm.run("install", RELEASE, CHART, "--dry-run=client", values=values).stdout
    assert ("a volume that goes with its pod (records.claimName)" in notes) is (claim is None)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"stdout": "yes"}, "/records/stdout"),
    ({"sinks": []}, "'sinks'"),
    ({"file": {"path": "/tmp/a"}}, "'path'"),  # noqa: S108 - a value that is refused
    ({"file": {"enabled": 1}}, "/records/file/enabled"),
    ({"file": {"maxBytes": 2**20 - 1}}, "/records/file/maxBytes"),
    ({"file": {"maxBytes": 2**40 + 1}}, "/records/file/maxBytes"),
    ({"file": {"keep": 0}}, "/records/file/keep"),
    ({"collector": {"url": "http://records.example.com"}}, "/records/collector/url"),
    ({"collector": {"caBundle": KEY}}, "/records/collector/caBundle"),
    ({"collector": {"tokenSecret": "a"}}, "/records/collector/tokenSecret"),
    ({"collector": {"timeoutSeconds": 0}}, "/records/collector/timeoutSeconds"),
    ({"collector": {"timeoutSeconds": 301}}, "/records/collector/timeoutSeconds"),
    ({"collector": {"spool": {"maxBytes": 0}}}, "/records/collector/spool/maxBytes"),
    ({"collector": {"spool": {"path": "a"}}}, "'path'"),
    ({"signing": {"keySecret": {"name": "a"}}}, "/records/signing/keySecret"),
    ({"signing": {"keyFile": "a"}}, "'keyFile'"),
    (
        {"signing": {"keySecret": PAIR}, "summaries": {"verifierId": "https://a.example.com/#b"}},
        "/records/summaries/verifierId",
    ),
    ({"summaries": {"verifierId": "https://a.example.com"}}, "/records/signing"),
    ({"claimName": "a/b"}, "/records/claimName"),
]


@pytest.mark.parametrize(("records", "path"), WRONG)
def test_a_wrong_value_is_refused_with_its_path(helm: Helm, records: dict[str, Any], path: str) -> None:
    result = helm.run("template", RELEASE, CHART, values={"records": records}, check=False)
    assert result.returncode != 0
    assert path in result.stderr
