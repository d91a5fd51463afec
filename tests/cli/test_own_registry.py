"""An image's own registry, without a configuration."""

from pathlib import Path

import pytest
import trustme

from webhook.cli.own_registry import docker_config, own_registry
from webhook.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000", "[::1]"]
)
def test_a_registry_on_this_machine_is_asked_over_plain_http(host: str) -> None:
    section = own_registry(f"{host}/shop/cart")
    assert section.hosts[host].insecure
    assert [str(network) for network in section.hosts[host].addresses] == ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    "host",
    [
        "registry.example.com",
        "localhost.example.com:5000",
        "10.0.0.1:5000",
        "127.0.0.1.example.com",
        "docker.io",
        "[::2]",
    ],
)
def test_every_other_registry_is_asked_over_tls_and_may_not_lie_on_this_machine(host: str) -> None:
    assert own_registry(f"{host}/shop/cart").hosts == {}


WAYS = [
    ("localhost:5000", True, True),
    ("localhost:5000", False, False),
    ("registry.example.com", True, True),
    ("registry.example.com", False, False),
]


@pytest.mark.parametrize(("host", "asked", "plain"), WAYS)
def test_the_command_line_says_how_it_is_asked(host: str, *, asked: bool, plain: bool) -> None:
    hosts = own_registry(f"{host}/shop/cart", insecure=asked).hosts
    assert (host in hosts and hosts[host].insecure) is plain
    loopback = [str(network) for entry in hosts.values() for network in entry.addresses]
    assert loopback == (["127.0.0.0/8", "::1/128"] if host == "localhost:5000" else [])


AUTHORITIES: dict[str, tuple[str | None, str]] = {
    "absent": (None, "cannot be read: No such file or directory"),
    "empty": ("", "holds no PEM certificate"),
    "something else": ("hello", "holds no PEM certificate"),
}


@pytest.mark.parametrize("case", AUTHORITIES)
def test_authorities_that_cannot_be_read_are_named_before_a_registry_is_not_trusted(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, problem = AUTHORITIES[case]
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigurationError) as caught:
        own_registry("registry.example.com/shop/cart")
    assert str(caught.value) == f"SSL_CERT_FILE '{file}': {problem}"
    # Over plain http, nobody needs them.
    assert own_registry("localhost:5000/shop/cart").hosts["localhost:5000"].insecure


def test_authorities_that_can_be_read_are_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert own_registry("registry.example.com/shop/cart").hosts == {}


def test_only_the_images_own_repository_is_asked() -> None:
    assert own_registry("docker.io/library/redis").allow == ("docker.io/library/redis",)


def test_docker_credentials_are_found_where_docker_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert docker_config() == tmp_path / ".docker" / "config.json"
    assert own_registry("docker.io/library/redis").docker_config is None
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{}")
    assert own_registry("docker.io/library/redis").docker_config == tmp_path / ".docker" / "config.json"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "elsewhere"))
    assert docker_config() == tmp_path / "elsewhere" / "config.json"
    assert own_registry("docker.io/library/redis").docker_config is None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text("{}")
    assert own_registry("docker.io/library/redis").docker_config == tmp_path / "elsewhere" / "config.json"
