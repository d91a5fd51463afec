"""Docker's configuration of credentials: `config.json` and its older form `.dockercfg`.

Read as the kubelet (pkg/credentialprovider/config.go) and Docker's command line do, with these differences: names of
members have their exact case and stand once; tokens are read from Secrets too, which the kubelet passes over; and an
entry that is empty, as Docker leaves it where a credential store has the password, is none. As with the kubelet, only
a file can name programs: a Secret is somebody else's.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from webhook.errors import ConfigurationError, MalformedError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json
from webhook.stores.registry.auth.credential_helper import is_helper_name, is_installed
from webhook.stores.registry.auth.credentials import Credential

_API_PATHS = ("/v1/", "/v2/")
_HUB = "docker.io"
_HUB_SPELLINGS = ("https://index.docker.io/v1/", "index.docker.io", _HUB)
"""Docker Hub's names in `credHelpers`; the first is what Docker asks a helper for."""

Entry = tuple[str, Credential]
"""A place (`registry.example.com/shop`, see `place_of`) and its credential."""


class DockerConfigError(ValueError):
    """The bytes are no Docker configuration. The text is a clause of ours, and holds nothing of the content."""


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """Credentials, and the programs that have some.

    Attributes:
        entries: What stands in the file itself, in its order.
        helpers: A host as Docker writes it to the NAME of its `docker-credential-NAME`.
        store: The NAME of the program for all other hosts, or None.
    """

    entries: tuple[Entry, ...] = field(default=(), repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None

    def helper_for(self, host: str) -> tuple[str | None, str]:
        """Says which program is asked for a host, and what for. A host's own replaces the one for all hosts.

        Args:
            host: As references have it.

        Returns:
            The program's NAME, or None; and the server as Docker names it to the program.
        """
        spellings = _HUB_SPELLINGS if host == _HUB else (host,)
        named = (self.helpers[spelling] for spelling in spellings if spelling in self.helpers)
        return next(named, self.store), spellings[0]


def load_docker_config(path: Path, setting: str, host: str | None = None) -> DockerConfig:
    """Reads a `config.json`.

    Args:
        path: The file.
        setting: What names it in the configuration, for the error.
        host: The one registry host that will be asked for, as references have it; None if it may be any. Helpers for
            others need not be there.

    Returns:
        The configuration.

    Raises:
        ConfigurationError: It cannot be read or used.
    """
    where = f"{setting} {str(path)!r}"
    try:
        content = read_capped(path, LIMITS.registry_file_bytes)
    except (OSError, ValueError):
        raise ConfigurationError(f"{where}: cannot be read, or is larger than 1 MiB") from None
    try:
        config = parse_config(content)
    except DockerConfigError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    every = (*config.helpers.values(), config.store)
    wanted = every if host is None else (config.helper_for(host)[0],)
    for name in sorted({name for name in wanted if name}):
        if not is_installed(name):
            raise ConfigurationError(f"{where}: the credential helper docker-credential-{name} is not on PATH")
    return config


def parse_config(content: bytes) -> DockerConfig:
    """Reads a `config.json`.

    Args:
        content: JSON; the caller has capped it.

    Returns:
        The configuration. Members that have nothing to do with credentials are ignored.

    Raises:
        DockerConfigError: It is none.
    """
    document = _mapping(_parse(content), "it")
    helpers = _mapping(document.get("credHelpers"), "`credHelpers`")
    store = document.get("credsStore") or None
    names = [*helpers.values(), *([] if store is None else [store])]
    if not all(map(is_helper_name, names)):
        raise DockerConfigError("a credential helper's name has 1 to 64 of the characters A-Z a-z 0-9 . _ -")
    return DockerConfig(_entries(document.get("auths"), "`auths`"), helpers, store)


def parse_dockerconfigjson(content: bytes) -> tuple[Entry, ...]:
    """Reads what a Secret of type `kubernetes.io/dockerconfigjson` holds: a `config.json`, of which `auths` counts.

    Args:
        content: JSON; the caller has capped it.

    Returns:
        The entries, in their order.

    Raises:
        DockerConfigError: It is none.
    """
    return _entries(_mapping(_parse(content), "it").get("auths"), "`auths`")


def parse_dockercfg(content: bytes) -> tuple[Entry, ...]:
    """Reads what a Secret of type `kubernetes.io/dockercfg` holds: the content of `auths` by itself.

    Args:
        content: JSON; the caller has capped it.

    Returns:
        The entries, in their order.

    Raises:
        DockerConfigError: It is none.
    """
    return _entries(_parse(content), "it")


def place_of(key: str) -> str:
    """Brings a key of `auths` into the form that is matched.

    Args:
        key: `https://index.docker.io/v1/`, `registry.example.com:5000/shop`, `*.example.com`.

    Returns:
        Host with port, and path if there is more than one of the API's own (`/v1/`, `/v2/`); empty if the key names
        no host. As `BasicDockerKeyring.Add` does it.
    """
    text = key if key.startswith(("https://", "http://")) else f"https://{key}"
    try:
        url = urlsplit(text)
    except ValueError:
        return ""
    path = url.path
    if path.startswith(_API_PATHS):
        path = path[len("/v1") :]
    return url.netloc.rpartition("@")[2] + ("" if path == "/" else path)


def _parse(content: bytes) -> Any:
    try:
        return parse_json(content, "file")
    except MalformedError:
        raise DockerConfigError("it is not JSON that has one meaning") from None


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DockerConfigError(f"{what} is no mapping")
    if len(value) > LIMITS.docker_config_entries:
        raise DockerConfigError(f"{what} has more than {LIMITS.docker_config_entries} members")
    return value


def _entries(value: Any, what: str) -> tuple[Entry, ...]:
    found = ((place_of(key), _credential(entry)) for key, entry in _mapping(value, what).items())
    return tuple((place, credential) for place, credential in found if place and credential is not None)


def _credential(value: Any) -> Credential | None:
    entry = _mapping(value, "an entry of `auths`")
    names = ("username", "password", "auth", "identitytoken", "registrytoken")
    texts = {name: entry.get(name) or "" for name in names}
    if not all(isinstance(text, str) for text in texts.values()):
        raise DockerConfigError("an entry of `auths` holds what is no text")
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        username, password = _decoded(texts["auth"])
    credential = Credential(username, password, texts["identitytoken"], texts["registrytoken"])
    return None if credential == Credential("", "") else credential


def _decoded(auth: str) -> tuple[str, str]:
    """Takes `auth` apart: Base64, with or without padding, of a name, a colon and a password."""
    text = auth.replace("\r", "").replace("\n", "")
    if not text.endswith("="):
        text += "=" * (-len(text) % 4)
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        username = colon = password = ""
    if not colon:
        raise DockerConfigError("an entry's `auth` is not the Base64 of `name:password`")
    return username, password
