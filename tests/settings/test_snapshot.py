from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import section, written
from tests.support.keys import ecdsa, ed25519_key
from webhook.settings.loading import Settings, load_settings

GOOD: dict[str, Any] = {
    **section(Enabled=True),
    "stores": {"directory": {"path": "evidence"}},
    "trust": {"keys": [{"name": "staging", "file": "staging.pub"}]},
    "exemptImages": ["docker.io/library/redis", "*.vendor.example/*"],
}


def beacons(first: dict[str, Any] | None = None, /, **options: Any) -> dict[str, Any]:
    """Both gates' sections; the first as in `GOOD` if it is not given."""
    return {
        "PolicyGates": {"ExecutionEvidence": {"Enabled": True} if first is None else first, "BeaconRate": options}
    }


DISABLED = "PolicyGates.ExecutionEvidence.Enabled is false: every image is admitted."
NO_KEYS = "trust.keys is empty: no evidence can count."
NO_STORES = "stores is empty: no evidence can be found."
NO_ENVIRONMENTS = "RequiredEnvironments is empty: every image is admitted."
ANY_RATE = "MinBeaconRate is 0: beacon data counts even if no beacon was verified."
UNSIGNED = "MinLane is Asserted: unsigned evidence counts."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staging.pub").write_bytes(ecdsa(owner="staging").pem)
    return tmp_path


def load(folder: Path, **changes: Any) -> Settings:
    return load_settings(written(folder, GOOD | changes))


@pytest.mark.parametrize(
    ("changes", "remarks"),
    [
        ({}, []),
        (section(Enabled=False), [DISABLED]),
        ({"trust": {}}, [NO_KEYS]),
        ({"stores": {}}, [NO_STORES]),
        ({"stores": {"cluster": {}}}, []),
        (section(Enabled=True, MinLane="Asserted"), [UNSIGNED]),
        (section(Enabled=True, MinLane="Asserted") | {"trust": {}}, [UNSIGNED]),
        (section() | {"trust": {}, "stores": {}}, [DISABLED, NO_KEYS, NO_STORES]),
        (beacons({}, Enabled=True), []),
        (beacons({}, Enabled=False), [DISABLED]),
        (beacons({}, Enabled=True, RequiredEnvironments=[]), [DISABLED]),
        (beacons({"Enabled": True, "RequiredEnvironments": []}, Enabled=True), []),
        (beacons({"Enabled": True, "RequiredEnvironments": []}), [NO_ENVIRONMENTS]),
        (
            beacons({"Overrides": {"dr": {"MinLane": "Asserted"}}}, Enabled=True, RequiredEnvironments=["dr"]),
            [UNSIGNED],
        ),
        (beacons(Enabled=True, MinBeaconRate=0), [ANY_RATE]),
        (beacons(Enabled=False, MinBeaconRate=0), []),
    ],
)
def test_what_is_valid_and_hardly_meant_gets_a_remark(
    changes: dict[str, Any], remarks: list[str], folder: Path
) -> None:
    assert load(folder, **changes).remarks() == remarks


def test_a_gate_that_is_enabled_in_one_environment_does_not_admit_every_image(folder: Path) -> None:
    settings = load(folder, **section(Enabled=False, Overrides={"production": {"Enabled": True}}))
    assert settings.policy.for_environment("production").enabled
    assert DISABLED not in settings.remarks()


def test_unsigned_evidence_in_one_environment_gets_a_remark_too(folder: Path) -> None:
    settings = load(folder, **section(Enabled=True, Overrides={"production": {"MinLane": "Asserted"}}))
    assert any("Asserted" in remark for remark in settings.remarks())


@pytest.mark.parametrize(
    ("repository", "exempt"),
    [
        ("docker.io/library/redis", True),
        ("docker.io/library/redis/x", False),
        ("evil.example/docker.io/library/redis", False),
        ("eu.vendor.example/a/b", True),
        ("vendor.example/a", False),
        ("evil/eu.vendor.example/a", False),
        ("", False),
    ],
)
def test_exempt_images_are_matched_by_host_and_path(repository: str, exempt: bool, folder: Path) -> None:  # noqa: FBT001 - a table's column
    assert load(folder).is_exempt(repository) is exempt


def test_no_image_is_exempt_by_default(folder: Path) -> None:
    assert not load(folder, exemptImages=[]).is_exempt("docker.io/library/redis")


def test_the_files_to_follow_are_the_configuration_and_every_key(folder: Path) -> None:
    settings = load(folder)
    assert settings.files() == [folder / "gate.yaml", folder / "staging.pub"]


BOUND = {"name": "staging", "file": "staging.pub", "environments": ["staging"]}
WHAT_DECIDES: list[dict[str, Any]] = [
    section(Enabled=False),
    section(Enabled=True, MissingEvidenceAction="Block"),
    section(Enabled=True, RequiredEnvironments=["canary"]),
    section(Enabled=True, MinHotSymbolCount=4),
    section(Enabled=True, MinUniqueCallPaths=2),
    section(Enabled=True, EvidenceEnvironments=["qa"]),
    section(Enabled=True, MaxEvidenceAge="1h"),
    section(Enabled=True, MaxEvidenceAge="1h1s"),
    section(Enabled=True, UnavailableEvidenceAction="Block"),
    section(Enabled=True, MinLane="Asserted"),
    section(Enabled=True, Overrides={"production": {"MinHotSymbolCount": 4}}),
    {"exemptImages": []},
    {"workloads": ["Deployment"]},
    {"evaluateScaleUp": True},
    {"trust": {}},
    {"trust": {"keys": [BOUND]}},
    {"trust": {"keys": [BOUND | {"environments": None, "repositories": ["ghcr.io/a/*"]}]}},
    {"trust": {"keys": [BOUND | {"environments": None, "name": "other"}]}},
    {"trust": {"keys": GOOD["trust"]["keys"], "predicateTypes": ["x"]}},
    beacons(Enabled=True),
    beacons(MissingBeaconAction="Block"),
    beacons(RequiredEnvironments=["canary"]),
    beacons(MinBeaconRate=0.81),
]


def test_whatever_decides_changes_the_digest(folder: Path) -> None:
    digests = [load(folder, **changes).digest for changes in [{}, *WHAT_DECIDES]]
    assert len(set(digests)) == len(digests)


def test_another_key_in_the_same_file_changes_the_digest(folder: Path) -> None:
    before = load(folder).digest
    (folder / "staging.pub").write_bytes(ed25519_key("other").pem)
    assert load(folder).digest != before


@pytest.mark.parametrize(
    "changes", [{"helpUrl": "https://a/"}, {"events": {"enabled": False}}, {"server": {"drainSeconds": 1}}]
)
def test_what_decides_nothing_leaves_the_digest(changes: dict[str, Any], folder: Path) -> None:
    assert load(folder, **changes).digest == load(folder).digest
