from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import SEED, refusal, section, written
from webhook.errors import ConfigurationError
from webhook.settings.file import WORKLOADS
from webhook.settings.loading import load_settings

GATE = "PolicyGates.ExecutionEvidence"
KEY = {"name": "staging", "file": "staging.pub"}
DURATION = "write a duration such as `720h`, `30m` or `1h30m`"
NAME = "an environment's name has 1 to 63 of the characters A-Z a-z 0-9 . _ -"

# Document, the place that is named, a part of what is said about it.
WRONG_VALUES: list[tuple[dict[str, Any], str, str]] = [
    *((section(Enabled=value), f"{GATE}.Enabled", "boolean") for value in ("true", 1, 0, None, [1], "yes")),
    *(
        (section(MissingEvidenceAction=value), f"{GATE}.MissingEvidenceAction", "'Warn' or 'Block'")
        for value in ("warn", "Deny", "", None, True)
    ),
    *(
        (section(**{name: value}), f"{GATE}.{name}", "")
        for name in ("MinHotSymbolCount", "MinUniqueCallPaths")
        for value in (-1, 2**63, 3.0, 2.5, "3", True, None, [3])
    ),
    *(
        (section(RequiredEnvironments=value), f"{GATE}.RequiredEnvironments", "")
        for value in ("production", {"a": 1}, 1)
    ),
    *(
        (section(RequiredEnvironments=["canary", value]), f"{GATE}.RequiredEnvironments[1]", NAME)
        for value in ("", "a b", "prod\n", "-prod", "prod.", "x" * 64, "prödüktion", "a/b", "*")
    ),
    (section(RequiredEnvironments=[1]), f"{GATE}.RequiredEnvironments[0]", "string"),
    (section(EvidenceEnvironments=["a b"]), f"{GATE}.EvidenceEnvironments[0]", NAME),
    *(
        (section(MaxEvidenceAge=value), f"{GATE}.MaxEvidenceAge", DURATION)
        for value in ("", "720", 720, "30d", "-1h", "1.5h", "h", "1m1h", "1h ", "1H", "9999999999h", True)
    ),
    (section(UnavailableEvidenceAction="Allow"), f"{GATE}.UnavailableEvidenceAction", "'Warn' or 'Block'"),
    (section(MinLane="verified"), f"{GATE}.MinLane", "'Verified' or 'Asserted'"),
    (section(TagPolicy="Ignore"), f"{GATE}.TagPolicy", "'RequireDigest' or 'Resolve'"),
    (section(Overrides=[]), f"{GATE}.Overrides", "dictionary"),
    (section(Overrides={"a b": {}}), f"{GATE}.Overrides.a b", NAME),
    (section(Overrides={"canary": {}, "Canary": {}}), f"{GATE}.Overrides", "twice"),
    (section(Overrides={"canary": {"MinLane": 1}}), f"{GATE}.Overrides.canary.MinLane", "'Verified' or 'Asserted'"),
    # As strictly as in the section itself: "off" and 0 would otherwise switch the gate off.
    *(
        (section(Overrides={"production": {"Enabled": value}}), f"{GATE}.Overrides.production.Enabled", "boolean")
        for value in ("off", "true", 0, 1)
    ),
    ({"PolicyGates": None}, "PolicyGates", "dictionary"),
    ({"PolicyGates": {"ExecutionEvidence": []}}, GATE, "dictionary"),
    ({"stores": []}, "stores", "dictionary"),
    ({"stores": {"directory": {}}}, "stores.directory.path", "required"),
    ({"stores": {"directory": {"path": 1}}}, "stores.directory.path", "path"),
    ({"trust": {"threshold": 0}}, "trust.threshold", "greater than or equal to 1"),
    *(({"trust": {"threshold": value}}, "trust.threshold", "integer") for value in (True, "1", 1.0)),
    ({"trust": {"keys": {}}}, "trust.keys", ""),
    ({"trust": {"keys": [KEY] * 65}}, "trust.keys", "at most 64"),
    ({"trust": {"keys": [{"name": "staging"}]}}, "trust.keys[0].file", "required"),
    *(
        ({"trust": {"keys": [KEY, KEY | {"name": name}]}}, "trust.keys[1].name", "pattern")
        for name in ("", "a b", "a\n", "x" * 65, "a,b", "\x1b[31m")
    ),
    ({"trust": {"keys": [KEY | {"environments": [""]}]}}, "trust.keys[0].environments[0]", NAME),
    ({"trust": {"keys": [KEY | {"environments": "staging"}]}}, "trust.keys[0].environments", ""),
    ({"trust": {"keys": [KEY | {"repositories": ["redis"]}]}}, "trust.keys[0].repositories[0]", "has no path"),
    ({"trust": {"predicateTypes": [""]}}, "trust.predicateTypes[0]", "at least 1 character"),
    ({"exemptImages": ["redis"]}, "exemptImages[0]", "write `docker.io/library/redis` or `ghcr.io/team/*`"),
    ({"exemptImages": ["ghcr.io/a/*", "*/x"]}, "exemptImages[1]", "must begin with a host"),
    ({"exemptImages": ["*.trusted/x", "*trusted/x"]}, "exemptImages[1]", "must begin with a host"),
    ({"workloads": ["Deploymnt"]}, "workloads[0]", ", ".join(WORKLOADS)),
    ({"workloads": ["deployment"]}, "workloads[0]", "not one of"),
    ({"events": {"enabled": "true"}}, "events.enabled", "boolean"),
    *(({"server": {"drainSeconds": value}}, "server.drainSeconds", "") for value in (-1, 601, "x", None)),
    *(
        ({"helpUrl": value}, "helpUrl", "")
        for value in ("wiki", "javascript:alert(1)", "https://a b", "https://a\n", 1, "https://" + "a" * 201)
    ),
]


@pytest.mark.parametrize(("document", "place", "problem"), WRONG_VALUES, ids=lambda value: str(value)[:70])
def test_a_wrong_value_is_refused_at_its_exact_place(
    document: dict[str, Any], place: str, problem: str, tmp_path: Path
) -> None:
    lines = refusal(written(tmp_path, document))
    assert len(lines) == 1
    assert lines[0].startswith(place)
    assert problem in lines[0]
    assert "Value error" not in lines[0]


UNKNOWN_KEYS: list[tuple[dict[str, Any], str, str]] = [
    ({"PolicyGate": {}}, "PolicyGate", "PolicyGates"),
    ({"policygates": {}}, "policygates", "PolicyGates"),
    ({"PolicyGates": {"ExecutionEvidance": {}}}, "PolicyGates.ExecutionEvidance", "ExecutionEvidence"),
    (section(Enable=True), f"{GATE}.Enable", "Enabled"),
    (section(min_hot_symbol_count=3), f"{GATE}.min_hot_symbol_count", "MinHotSymbolCount"),
    (section(MinUniqueCallPath=1), f"{GATE}.MinUniqueCallPath", "MinUniqueCallPaths"),
    (section(EvidenceEnvironment=[]), f"{GATE}.EvidenceEnvironment", "EvidenceEnvironments"),
    (section(Override={}), f"{GATE}.Override", "Overrides"),
    (section(Overrides={"canary": {"MinLanes": "x"}}), f"{GATE}.Overrides.canary.MinLanes", "MinLane"),
    ({"store": {}}, "store", "stores"),
    ({"stores": {"registri": {}}}, "stores.registri", "registry"),
    ({"stores": {"dir": {"path": "x"}}}, "stores.dir", "directory"),
    ({"stores": {"cluster": {"paths": 1}}}, "stores.cluster.paths", ""),
    ({"stores": {"directory": {"path": "x", "paht": "y"}}}, "stores.directory.paht", "path"),
    ({"trust": {"key": []}}, "trust.key", "keys"),
    ({"trust": {"keys": [KEY, KEY | {"environment": []}]}}, "trust.keys[1].environment", "environments"),
    ({"exempt_images": []}, "exempt_images", "exemptImages"),
    ({"ExemptImages": []}, "ExemptImages", "exemptImages"),
    ({"help_url": "https://a/"}, "help_url", "helpUrl"),
    ({"events": {"enable": True}}, "events.enable", "enabled"),
    ({"server": {"drain_seconds": 1}}, "server.drain_seconds", "drainSeconds"),
]


@pytest.mark.parametrize(("document", "place", "nearest"), UNKNOWN_KEYS, ids=lambda value: str(value)[:70])
def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_known_key(
    document: dict[str, Any], place: str, nearest: str, tmp_path: Path
) -> None:
    suggestion = f", did you mean '{nearest}'?" if nearest else ""
    assert refusal(written(tmp_path, document)) == [f"{place}: unknown key{suggestion}"]


def test_every_mistake_has_its_own_line(tmp_path: Path) -> None:
    document = section(Enable=True, MinLane="x") | {"stroes": {}}
    places = [line.split(":")[0] for line in refusal(written(tmp_path, document))]
    assert sorted(places) == [f"{GATE}.Enable", f"{GATE}.MinLane", "stroes"]


@pytest.mark.parametrize(
    "document", [section(TagPolicy="Resolve"), section(Overrides={"qa": {"TagPolicy": "Resolve"}})]
)
@pytest.mark.parametrize("stores", [{}, {"cluster": {}}])
def test_resolving_tags_is_refused_while_no_store_can(
    document: dict[str, Any], stores: dict[str, Any], tmp_path: Path
) -> None:
    lines = refusal(written(tmp_path, document | {"stores": stores}))
    assert lines == ["TagPolicy Resolve asks a registry for the digest; set stores.registry"]


@pytest.mark.parametrize("target", ["missing", "folder", "unreadable", "endless"])
def test_a_file_that_cannot_be_read_is_named(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "unreadable").symlink_to("/proc/self/mem")
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert refusal(tmp_path / target) == ["cannot be read, or is larger than 1 MiB"]


@pytest.mark.parametrize(("size", "accepted"), [(1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_a_file_has_at_most_1_mib(size: int, accepted: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    file = written(tmp_path, SEED)
    file.write_bytes(file.read_bytes().ljust(size))
    if accepted:
        load_settings(file)
    else:
        with pytest.raises(ConfigurationError, match="larger than 1 MiB"):
            load_settings(file)
