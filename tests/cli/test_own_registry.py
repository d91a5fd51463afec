"""An image's own registry, without a configuration."""

from pathlib import Path

import pytest

from webhook.cli.own_registry import docker_config, own_registry


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
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


def test_only_the_images_own_repository_is_asked() -> None:
    assert own_registry("docker.io/library/redis").allow == ("docker.io/library/redis",)


def test_docker_credentials_are_found_where_docker_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert docker_config() is None
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{}")
    assert docker_config() == tmp_path / ".docker" / "config.json"
    assert own_registry("docker.io/library/redis").docker_config == tmp_path / ".docker" / "config.json"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "elsewhere"))
    assert docker_config() is None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text("{}")
    assert docker_config() == tmp_path / "elsewhere" / "config.json"
