import base64
import json
import re
import traceback
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.stores.registry.docker import auth, config, helper
from webhook.errors import ConfigurationError
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.auth.docker_config import (
    DockerConfig,
    DockerConfigError,
    load_docker_config,
    parse_config,
    parse_dockercfg,
    parse_dockerconfigjson,
    place_of,
)

HOST = "registry.example.com"


def entry(**members: Any) -> Credential:
    ((place, credential),) = parse_config(config(auths={HOST: members})).entries
    assert place == HOST
    return credential


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"username": "u", "password": "p"}, Credential("u", "p")),
        ({"auth": "dTpw"}, Credential("u", "p")),
        # Base64 of `us:pw`, with and without its padding, and cut into lines.
        ({"auth": "dXM6cHc="}, Credential("us", "pw")),
        ({"auth": "dXM6cHc"}, Credential("us", "pw")),
        ({"auth": "dXM6\r\ncHc=\n"}, Credential("us", "pw")),
        ({"auth": auth("u", "p:with:colons")}, Credential("u", "p:with:colons")),
        ({"auth": auth("u", "")}, Credential("u", "")),
        ({"auth": auth("ü", "pässwörd")}, Credential("ü", "pässwörd")),
        ({"auth": auth("real", "one"), "username": "other", "password": "two"}, Credential("real", "one")),
        ({"auth": "", "username": "u", "password": "p"}, Credential("u", "p")),
        ({"identitytoken": "t"}, Credential("", "", "t")),
        ({"auth": auth("u", ""), "identitytoken": "t"}, Credential("u", "", "t")),
        ({"registrytoken": "r"}, Credential("", "", "", "r")),
        ({"username": "u", "password": "p", "email": "a@example.com", "serveraddress": "x"}, Credential("u", "p")),
        ({"username": "u", "password": None}, Credential("u", "")),
    ],
)
def test_every_way_to_write_a_credential_is_read(members: dict[str, Any], expected: Credential) -> None:
    assert entry(**members) == expected


@pytest.mark.parametrize("members", [{}, None, {"auth": ""}, {"email": "a@example.com"}])
def test_an_entry_that_docker_left_empty_is_none(members: dict[str, Any] | None) -> None:
    assert parse_config(config(auths={HOST: members})).entries == ()


# What BasicDockerKeyring.Add makes of a key: no scheme, no API path, no trailing slash after a bare host.
PLACES = [
    ("registry.example.com", "registry.example.com"),
    ("registry.example.com:5000", "registry.example.com:5000"),
    ("https://registry.example.com", "registry.example.com"),
    ("http://registry.example.com/", "registry.example.com"),
    ("https://index.docker.io/v1/", "index.docker.io"),
    ("https://registry.example.com/v2/", "registry.example.com"),
    ("https://registry.example.com/v2/shop", "registry.example.com/shop"),
    ("registry.example.com/v1", "registry.example.com/v1"),
    ("registry.example.com/shop", "registry.example.com/shop"),
    ("registry.example.com/shop/", "registry.example.com/shop/"),
    ("https://user@registry.example.com/shop", "registry.example.com/shop"),
    ("registry.example.com?x", "registry.example.com"),
    ("*.example.com", "*.example.com"),
    ("[::1]:5000/shop", "[::1]:5000/shop"),
    ("[::1", ""),
    ("", ""),
    ("https://", ""),
]


@pytest.mark.parametrize(("key", "place"), PLACES)
def test_a_key_becomes_a_place(key: str, place: str) -> None:
    assert place_of(key) == place


def test_an_entry_without_a_place_is_left_out() -> None:
    found = parse_config(config(auths={"": {"auth": "dTpw"}, "[::1": {"auth": "dTpw"}, HOST: {"auth": "dTpw"}}))
    assert [place for place, _ in found.entries] == [HOST]


def test_helpers_and_the_store_are_read() -> None:
    content = config(credHelpers={HOST: "ecr-login"}, credsStore="pass", psFormat="x", HttpHeaders={"A": "b"})
    assert parse_config(content) == DockerConfig((), {HOST: "ecr-login"}, "pass")


@pytest.mark.parametrize(
    "content", [b"{}", config(auths=None, credHelpers=None, credsStore=None), config(credsStore="")]
)
def test_an_empty_configuration_is_valid(content: bytes) -> None:
    assert parse_config(content) == DockerConfig()


MALFORMED = {
    "nothing": b"",
    "text": b"user:secret",
    "list": b"[]",
    "text as JSON": b'"secret"',
    "NaN": b'{"auths": {"a.b": {"auth": NaN}}}',
    "name twice": b'{"auths": {}, "auths": {"a.b": {"auth": "c2VjcmV0"}}}',
    "deep": b'{"a":' * 100 + b"1" + b"}" * 100,
    "auths is a list": config(auths=["secret"]),
    "an entry is a text": config(auths={HOST: "secret"}),
    "a password is a number": config(auths={HOST: {"username": "secret", "password": 1}}),
    "auth is a list": config(auths={HOST: {"auth": ["secret"]}}),
    "auth is no Base64": config(auths={HOST: {"auth": "sec ret!"}}),
    "auth with a letter that Base64 does not have": config(auths={HOST: {"auth": "dT!pw"}}),
    "auth with bytes behind its padding": config(auths={HOST: {"auth": "dTpw=secret"}}),
    "auth has no colon": config(auths={HOST: {"auth": "c2VjcmV0"}}),
    "auth is no text": config(auths={HOST: {"auth": base64.b64encode(b"\xff:secret").decode()}}),
    "too many entries": config(auths={f"r{n}.example.com": {} for n in range(1025)}),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_configuration_is_refused_without_its_content(content: bytes) -> None:
    with pytest.raises(DockerConfigError) as caught:
        parse_config(content)
    shown = "".join(traceback.format_exception(caught.value))
    assert not re.search("secret|c2VjcmV0|dTpw", shown)


@pytest.mark.parametrize("name", ["", "../evil", "a/b", "a b", "-x", ".x", "a\n", "x" * 65, "a;b", 1, None, ["x"]])
def test_a_helper_whose_name_could_lead_elsewhere_is_refused(name: Any) -> None:
    with pytest.raises(DockerConfigError, match="a credential helper's name has"):
        parse_config(config(credHelpers={HOST: name}))


def test_a_store_whose_name_could_lead_elsewhere_is_refused() -> None:
    with pytest.raises(DockerConfigError, match="a credential helper's name has"):
        parse_config(config(credsStore="../evil"))


def test_a_secret_cannot_name_programs() -> None:
    content = config(auths={HOST: {"auth": "dTpw"}}, credHelpers={HOST: "../evil"}, credsStore="evil")
    assert parse_dockerconfigjson(content) == ((HOST, Credential("u", "p")),)


def test_the_older_form_has_the_entries_by_themselves() -> None:
    content = json.dumps({f"https://{HOST}/v1/": {"auth": "dTpw", "email": "a@example.com"}}).encode()
    assert parse_dockercfg(content) == ((HOST, Credential("u", "p")),)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_file_is_read(path: Path) -> None:
    helper(path, "here", "exit 1")
    file = path / "config.json"
    file.write_bytes(config(auths={HOST: {"auth": "dTpw"}}, credHelpers={"ghcr.io": "here"}))
    assert load_docker_config(file, "x") == DockerConfig(((HOST, Credential("u", "p")),), {"ghcr.io": "here"})


MISSING: dict[str, tuple[dict[str, Any], str, bool]] = {
    "another host's": ({"credHelpers": {"ghcr.io": "absent"}}, HOST, True),
    "its own": ({"credHelpers": {HOST: "absent"}}, HOST, False),
    "everybody's": ({"credsStore": "absent"}, HOST, False),
    "everybody's, beside its own": ({"credsStore": "absent", "credHelpers": {HOST: "here"}}, HOST, True),
    "Docker Hub's": ({"credHelpers": {"https://index.docker.io/v1/": "absent"}}, "docker.io", False),
}


@pytest.mark.parametrize("case", MISSING)
def test_of_helpers_only_that_of_the_one_host_must_be_there(case: str, path: Path) -> None:
    content, host, usable = MISSING[case]
    helper(path, "here", "exit 1")
    (path / "config.json").write_bytes(config(**content))
    with nullcontext() if usable else pytest.raises(ConfigurationError, match="absent is not on PATH"):
        load_docker_config(path / "config.json", "x", host)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read, or is larger than 1 MiB"),
        (b"{}".ljust(1024 * 1024 + 1), "cannot be read, or is larger than 1 MiB"),
        (b"secret", "it is not JSON that has one meaning"),
        (b"[]", "it is no mapping"),
        (config(auths={HOST: {"auth": "c2VjcmV0"}}), "an entry's `auth` is not the Base64 of `name:password`"),
        (config(credHelpers={HOST: "absent"}), "the credential helper docker-credential-absent is not on PATH"),
        (config(credsStore="absent"), "the credential helper docker-credential-absent is not on PATH"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(content: bytes | None, problem: str, path: Path) -> None:
    file = path / "config.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_docker_config(file, "stores.registry.dockerConfig")
    assert str(caught.value) == f"stores.registry.dockerConfig {str(file)!r}: {problem}"


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/mem", "/tmp"])  # noqa: S108 - any folder
def test_a_path_that_is_no_file_of_ours_is_refused(target: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_docker_config(Path(target), "x")
