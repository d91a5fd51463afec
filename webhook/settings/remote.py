"""The section `providers.remote`: other gates, and bare providers, whose answers are evidence here."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from webhook.gates.policy import MinLane
from webhook.limits import LIMITS
from webhook.settings.section import Section

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_AUTHORITY = re.compile(rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::([1-9][0-9]{{0,4}}))?")
_URL = re.compile(r"https://([^/]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+")
_DEFAULT_PORT, _LAST_PORT = ":443", 65535
_CHARACTERS = 500


def _host(text: str) -> str:
    if not is_authority(text):
        raise ValueError("write `host` or `host:port` in lower case, as it stands in the URL")
    return text.removesuffix(_DEFAULT_PORT)


def _url(text: str) -> str:
    match = _URL.fullmatch(text)
    if match is None or not is_authority(match[1]) or len(text) > _CHARACTERS:
        raise ValueError("write `https://HOST[:PORT]/PATH`, the host in lower case, without user, query and fragment")
    return text


def is_authority(text: str) -> bool:
    """Says whether a text is `host` or `host:port` as it stands in a URL, in lower case.

    Args:
        text: Any text.

    Returns:
        Whether it is.
    """
    match = _AUTHORITY.fullmatch(text)
    if match is None or len(text) > _CHARACTERS or int(match[2] or 1) > _LAST_PORT:
        return False
    if not match[1].startswith("["):
        return True
    try:
        ipaddress.IPv6Address(match[1][1:-1])
    except ValueError:
        return False
    return True


RemoteHost = Annotated[str, Field(strict=True), AfterValidator(_host)]
RemoteUrl = Annotated[str, Field(strict=True), AfterValidator(_url)]
Identifier = Annotated[int, Field(strict=True, ge=1, le=2**64 - 1)]
NamespaceName = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Printable = Annotated[str, Field(strict=True, pattern=r"^[!-~]{1,128}$")]


class RemoteSurface(StrEnum):
    """What is asked, and so the shape of its answers."""

    SERVER = "server"
    """A Decision Gate, or another gate of ours, at `/rpc`: the result is wrapped."""
    PROVIDER = "provider"
    """A provider as a Decision Gate calls it, ours at `/provider/rpc`: the result is bare."""


class ResultKeySettings(Section):
    """A key that signs results."""

    key_id: Printable
    """What a result's `signature.key_id` calls it."""
    file: Path
    """PEM public key, Ed25519; relative to the configuration file."""


class ResultSignatureSettings(Section):
    """Whose signature an answer must have."""

    keys: Annotated[tuple[ResultKeySettings, ...], Field(min_length=1, max_length=LIMITS.remote_keys)]
    """Any one of them suffices."""

    @field_validator("keys")
    @classmethod
    def _no_id_twice(cls, value: tuple[ResultKeySettings, ...]) -> tuple[ResultKeySettings, ...]:
        if len({entry.key_id for entry in value}) < len(value):
            raise ValueError("a `keyId` stands twice; give each key its own")
        return value


class RemoteProviderSettings(Section):
    """One provider elsewhere."""

    id: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    """What queries and conditions here call it."""
    url: RemoteUrl
    """Where it is asked; its host stands in `remoteHosts`."""
    surface: RemoteSurface
    """What stands there."""
    provider_id: Printable | None = None
    """What it is called there; by default as here."""
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, le=LIMITS.deadline_maximum)] = 3.0
    """What one query gets, with all its attempts."""
    ca_file: Path | None = None
    """PEM certificates that are trusted instead of the system's; relative to the configuration file."""
    token_file: Path | None = None
    """The bearer token; relative to the configuration file."""
    min_lane: MinLane = MinLane.VERIFIED
    """Whose word counts; an answer below is an error."""
    signature: ResultSignatureSettings | None = None
    """Whose signature an answer must have; none is asked for by default."""
    tenant_id: Identifier | None = None
    """The tenant in whose name admission asks."""
    namespace_ids: Annotated[dict[NamespaceName, Identifier], Field(max_length=LIMITS.remote_namespaces)] = Field(
        default_factory=dict
    )
    """Kubernetes namespace to the id in whose name admission asks; for any other it does not ask."""
    allow_raw: Annotated[bool, Field(strict=True)] = False
    """Whether its raw values may be shown."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tenant_id is None) is not (not self.namespace_ids):
            raise ValueError("`tenantId` and `namespaceIds` go together; set both, or none")
        return self

    @property
    def authority(self) -> str:
        """Host, and port unless it is 443, as `remoteHosts` has it."""
        match = _URL.fullmatch(self.url)
        assert match is not None  # noqa: S101 - the validator has seen to it
        return match[1].removesuffix(_DEFAULT_PORT)

    def files(self) -> Iterator[Path]:
        """Gives the files that the section names.

        Yields:
            Paths as they were written.
        """
        yield from (file for file in (self.ca_file, self.token_file) if file is not None)
        if self.signature is not None:
            yield from (entry.file for entry in self.signature.keys)


def check_remotes(remotes: Sequence[RemoteProviderSettings], hosts: Sequence[str], taken: frozenset[str]) -> None:
    """Checks what concerns several remotes, or remotes and other keys.

    Args:
        remotes: All of them.
        hosts: `remoteHosts`.
        taken: Ids of the providers that are part of this program.

    Raises:
        ValueError: An id stands twice or is taken, or a host is not allowed; the text says which.
    """
    ids: set[str] = set()
    for remote in remotes:
        if remote.id in taken:
            raise ValueError(f"{remote.id!r} is a provider of this program; choose another id")
        if remote.id in ids:
            raise ValueError(f"the id {remote.id!r} stands twice; give each its own")
        if remote.authority not in hosts:
            raise ValueError(f"{remote.id!r}: the host {remote.authority!r} does not stand in `remoteHosts`; add it")
        ids.add(remote.id)
