from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.settings.writing import refusal, section, written
from webhook.gates.policy import TagPolicy
from webhook.settings.loading import Settings, load_settings
from webhook.settings.stores import RegistryHostSettings, RegistryStoreSettings

ALLOW: dict[str, Any] = {"allow": ["ghcr.io/*"]}
FULL: dict[str, Any] = {
    "allow": ["registry.example.com/shop/*", "docker.io/library/redis"],
    "hosts": {
        "registry.example.com": {"caFile": "registry-ca.pem", "addresses": ["10.1.0.0/16", "fd00::1"]},
        "localhost:5000": {"insecure": True, "addresses": ["127.0.0.1"]},
        "[::1]:5000": {},
    },
    "evidenceRepository": "registry.example.com/evidence/all",
    "mirrors": {
        "docker.io": ["mirror.example.com/hub", "mirror.example.org"],
        "ghcr.io/team": ["mirror.example.com/team"],
    },
    "dockerConfig": "docker/config.json",
    "pullSecrets": True,
    "platforms": ["linux/amd64", "linux/arm64/v8"],
    "absentSeconds": 5,
}
HOST = "write a registry's `host` or `host:port`, as it stands in an image reference"
PREFIX = "write a registry's host, or `HOST/PATH`, as it stands in an image reference"
REPOSITORY = "write a repository, `HOST/PATH` without tag and digest"
NETWORK = "write an address or a network whose bits beyond the prefix are 0, such as `10.0.0.0/8`"
PLATFORMS = "write `any`, `all`, or a list such as [linux/amd64, linux/arm64/v8]"
ONE_WAY = "`insecure` is plain HTTP, which has no certificate; leave `insecure` or `caFile` out"


def with_registry(**options: Any) -> dict[str, Any]:
    return {"stores": {"registry": ALLOW | options}}


def load(folder: Path, **options: Any) -> Settings:
    return load_settings(written(folder, with_registry(**options)))


def registry(folder: Path, **options: Any) -> RegistryStoreSettings:
    found = load(folder, **options).file.stores.registry
    assert found is not None
    return found


def test_only_what_may_be_asked_must_be_said(tmp_path: Path) -> None:
    assert registry(tmp_path) == RegistryStoreSettings(
        allow=("ghcr.io/*",),
        hosts={},
        evidenceRepository=None,
        mirrors={},
        dockerConfig=None,
        pullSecrets=False,
        platforms=None,
        absentSeconds=30.0,
    )


def test_every_option_is_read(tmp_path: Path) -> None:
    section = registry(tmp_path, **FULL)
    assert section.allow == ("registry.example.com/shop/*", "docker.io/library/redis")
    assert section.hosts["registry.example.com"] == RegistryHostSettings(
        caFile=Path("registry-ca.pem"), insecure=False, addresses=(ip_network("10.1.0.0/16"), ip_network("fd00::1"))
    )
    assert section.hosts["localhost:5000"].insecure is True
    assert section.hosts["[::1]:5000"] == RegistryHostSettings(caFile=None, insecure=False, addresses=())
    assert section.evidence_repository == "registry.example.com/evidence/all"
    assert section.mirrors == {
        "docker.io": ("mirror.example.com/hub", "mirror.example.org"),
        "ghcr.io/team": ("mirror.example.com/team",),
    }
    assert section.docker_config == Path("docker/config.json")
    assert section.pull_secrets is True
    assert section.platforms == ("linux/amd64", "linux/arm64/v8")
    assert section.absent_seconds == 5


# Options, the place below `stores.registry`, the whole of what is said or the end of it.
NO_PLATFORMS: list[Any] = ["some", "linux/amd64", [], ["linux"], ["linux/amd64/"], ["any"], ["a/b\n"], [1], 1, {}]
NO_DURATIONS: list[Any] = [-1, 3601, "30", True, None]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"allow": []}, "allow", "name at least one"),
    ({"allow": ["redis"]}, "allow[0]", "write `docker.io/library/redis` or `ghcr.io/team/*`"),
    ({"allow": ["ghcr.io/*", "*/x"]}, "allow[1]", "or `*.` and a domain"),
    *(({"hosts": {name: {}}}, f"hosts.{name}", HOST) for name in ("", "foo", "a b", "*.ghcr.io", "ghcr.io:", "::1")),
    *(
        ({"hosts": {name: {}}}, f"hosts.{name}", f"{HOST}, without a path")
        for name in ("https://ghcr.io", "ghcr.io/", "ghcr.io/team", "https://index.docker.io/v1/")
    ),
    ({"hosts": {"GHCR.io": {}}}, "hosts.GHCR.io", f"{HOST}; did you mean 'ghcr.io'?"),
    ({"hosts": {"index.docker.io": {}}}, "hosts.index.docker.io", f"{HOST}; did you mean 'docker.io'?"),
    (
        {"hosts": {f"r{n}.example.com": {} for n in range(257)}},
        "hosts",
        "at most 256 items",
    ),
    ({"hosts": {"ghcr.io": {"insecure": "yes"}}}, "hosts.ghcr.io.insecure", "boolean"),
    ({"hosts": {"ghcr.io": {"insecure": True, "caFile": "ca.pem"}}}, "hosts.ghcr.io", ONE_WAY),
    ({"hosts": {"ghcr.io": {"ca": "x"}}}, "hosts.ghcr.io.ca", "unknown key, did you mean 'caFile'?"),
    *(
        ({"hosts": {"ghcr.io": {"addresses": ["10.0.0.0/8", network]}}}, "hosts.ghcr.io.addresses[1]", NETWORK)
        for network in ("10.0.0.1/8", "10.0.0.0/33", "localhost", "", 167772160, None)
    ),
    *(
        (
            {"hosts": {"ghcr.io": {"addresses": [network]}}},
            "hosts.ghcr.io.addresses[0]",
            "write IPv4 addresses as IPv4",
        )
        for network in ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1")
    ),
    ({"hosts": {"ghcr.io": {"addresses": ["10.0.0.1"] * 65}}}, "hosts.ghcr.io.addresses", "at most 64 items"),
    *(
        ({"evidenceRepository": name}, "evidenceRepository", REPOSITORY)
        for name in ("", "redis", "ghcr.io", "ghcr.io/Team", "https://ghcr.io/a", "ghcr.io/a/*", "ghcr.io/a/")
    ),
    ({"evidenceRepository": "ghcr.io/a:1"}, "evidenceRepository", f"{REPOSITORY}; did you mean 'ghcr.io/a'?"),
    (
        {"evidenceRepository": "docker.io/redis"},
        "evidenceRepository",
        f"{REPOSITORY}; did you mean 'docker.io/library/redis'?",
    ),
    ({"evidenceRepository": 5}, "evidenceRepository", "string"),
    *(
        ({"mirrors": {name: ["mirror.example.com"]}}, f"mirrors.{name}", PREFIX)
        for name in ("", "library", "docker.io/", "ghcr.io/a:1", "*.example.com", "ghcr.io/te*")
    ),
    ({"mirrors": {"docker.io": []}}, "mirrors.docker.io", "name at least one"),
    ({"mirrors": {"docker.io": "mirror.example.com"}}, "mirrors.docker.io", "tuple"),
    ({"mirrors": {"docker.io": ["a.example.com", "https://b"]}}, "mirrors.docker.io[1]", PREFIX),
    ({"dockerConfig": 1}, "dockerConfig", "path"),
    *(({"pullSecrets": value}, "pullSecrets", "boolean") for value in ("true", 1, None)),
    *(({"platforms": value}, "platforms", PLATFORMS) for value in NO_PLATFORMS),
    ({"platforms": ["linux/amd64"] * 65}, "platforms", PLATFORMS),
    *(({"absentSeconds": value}, "absentSeconds", "") for value in NO_DURATIONS),
]


@pytest.mark.parametrize(("options", "place", "problem"), WRONG, ids=lambda value: str(value)[:70])
def test_a_wrong_value_is_refused_at_its_place(
    options: dict[str, Any], place: str, problem: str, tmp_path: Path
) -> None:
    (line,) = refusal(written(tmp_path, with_registry(**options)))
    assert line.startswith(f"stores.registry.{place}: ")
    assert problem in line


def test_a_registry_store_that_may_ask_nobody_is_refused(tmp_path: Path) -> None:
    lines = refusal(written(tmp_path, {"stores": {"registry": {}}}))
    assert lines == ["stores.registry.allow: Field required"]


@pytest.mark.parametrize("options", [{"TagPolicy": "Resolve"}, {"Overrides": {"qa": {"TagPolicy": "Resolve"}}}])
def test_tags_may_be_resolved_where_there_is_a_registry(options: dict[str, Any], tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, section(**options) | with_registry()))
    assert settings.policy.for_environment("qa").tag_policy is TagPolicy.RESOLVE


def test_a_registry_alone_is_a_store(tmp_path: Path) -> None:
    assert not [remark for remark in load(tmp_path).remarks() if remark.startswith("stores")]


def test_plain_http_gets_a_remark(tmp_path: Path) -> None:
    hosts = {"localhost:5000": {"insecure": True}, "ghcr.io": {"insecure": False}}
    remarks = [remark for remark in load(tmp_path, hosts=hosts).remarks() if remark.startswith("stores")]
    assert remarks == [
        "stores.registry.hosts.localhost:5000.insecure is true: whoever is between can hide evidence and move tags."
    ]


WHAT_DECIDES: list[dict[str, Any]] = [
    {"allow": ["ghcr.io/team/*"]},
    {"evidenceRepository": "ghcr.io/team/evidence"},
    {"mirrors": {"ghcr.io": ["mirror.example.com"]}},
    {"mirrors": {"ghcr.io": ["mirror.example.org"]}},
    {"platforms": "any"},
    {"platforms": "all"},
    {"platforms": ["linux/amd64"]},
]


def test_whatever_decides_changes_the_digest(tmp_path: Path) -> None:
    without = load_settings(written(tmp_path, {})).digest
    digests = [load(tmp_path, **options).digest for options in [{}, *WHAT_DECIDES]]
    assert len({without, *digests}) == len(digests) + 1


@pytest.mark.parametrize(
    "options",
    [
        {"hosts": {"ghcr.io": {"insecure": True}}},
        {"dockerConfig": "config.json"},
        {"pullSecrets": True},
        {"absentSeconds": 1},
    ],
)
def test_how_a_registry_is_reached_leaves_the_digest(options: dict[str, Any], tmp_path: Path) -> None:
    assert load(tmp_path, **options).digest == load(tmp_path).digest


def test_what_the_store_reads_once_is_followed(tmp_path: Path) -> None:
    files = load(tmp_path, **FULL).files()
    assert files == [tmp_path / "gate.yaml", tmp_path / "docker" / "config.json", tmp_path / "registry-ca.pem"]


@pytest.mark.parametrize("name", ["ca.pem", "config.json"])
def test_another_content_of_a_followed_file_makes_other_settings(name: str, tmp_path: Path) -> None:
    options = {"hosts": {"ghcr.io": {"caFile": "ca.pem"}}, "dockerConfig": "config.json"}
    seen = [load(tmp_path, **options)]
    for content in ("one", "two"):
        (tmp_path / name).write_text(content)
        seen.append(load(tmp_path, **options))
    assert seen[0] != seen[1] != seen[2]
    assert len({settings.digest for settings in seen}) == 1
    assert load(tmp_path, **options) == seen[2]


def test_two_followed_files_cannot_change_places_unseen(tmp_path: Path) -> None:
    options = {"hosts": {"ghcr.io": {"caFile": "ca.pem"}}, "dockerConfig": "config.json"}
    seen = []
    for contents in (("a", "b"), ("b", "a")):
        for name, content in zip(("ca.pem", "config.json"), contents, strict=True):
            (tmp_path / name).write_text(content)
        seen.append(load(tmp_path, **options).store_files)
    assert seen[0] != seen[1]


def test_a_followed_file_that_only_the_store_can_read_is_no_mistake_in_the_settings(tmp_path: Path) -> None:
    load(tmp_path, dockerConfig="missing.json")
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    load(tmp_path, dockerConfig="endless.json")
