"""The section `stores` of the configuration file: where evidence lies."""

import ipaddress
import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from webhook.errors import ImageReferenceError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.image import ImageReference
from webhook.model.pattern import RepositoryPattern
from webhook.settings.section import Section

_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9._-]+)?")
_HOST_FORM = "a registry's `host` or `host:port`, as it stands in an image reference"
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _pattern(text: str) -> str:
    RepositoryPattern.parse(text)
    return text


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    # Not `min_length`: pydantic would add this to the mistake of the only item.
    if not value:
        raise ValueError("name at least one")
    return value


def _host(text: str) -> str:
    if "/" in text:
        raise ValueError(f"write {_HOST_FORM}, without a path")
    return _as_written(text, "/a/b", _HOST_FORM)


def _prefix(text: str) -> str:
    return _as_written(text, "/a/b", "a registry's host, or `HOST/PATH`, as it stands in an image reference")


def _repository(text: str) -> str:
    return _as_written(text, "", "a repository, `HOST/PATH` without tag and digest")


def _as_written(text: str, below: str, wanted: str) -> str:
    """Accepts what an image reference would name by the very same text, so that both compare as texts."""
    try:
        repository = ImageReference.parse(text + below).repository
    except ImageReferenceError:
        raise ValueError(f"write {wanted}") from None
    if repository == text + below:
        return text
    full = repository.removesuffix(below)
    meant = f"; did you mean {full!r}?" if "/" in text or "/" not in full else ""
    raise ValueError(f"write {wanted}{meant}")


def _network(value: Any) -> IPv4Network | IPv6Network:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    try:
        network = ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise ValueError("write an address or a network whose bits beyond the prefix are 0, such as `10.0.0.0/8`")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ValueError("write IPv4 addresses as IPv4")
    return network


def _platforms(value: Any) -> Any:
    if value is None or value in ("any", "all"):
        return value
    named = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    if not named or not value or len(value) > LIMITS.platforms or not all(map(_PLATFORM.fullmatch, value)):
        raise ValueError("write `any`, `all`, or a list such as [linux/amd64, linux/arm64/v8]")
    return value


PatternText = Annotated[str, AfterValidator(_pattern)]
HostText = Annotated[str, Field(strict=True), AfterValidator(_host)]
PrefixText = Annotated[str, Field(strict=True), AfterValidator(_prefix)]
RepositoryText = Annotated[str, Field(strict=True), AfterValidator(_repository)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Platforms = Annotated[Literal["any", "all"] | tuple[str, ...] | None, BeforeValidator(_platforms)]


class DirectoryStoreSettings(Section):
    """A folder of envelopes, for trying out and for tests."""

    path: Path
    """The folder; relative to the configuration file."""


class ClusterStoreSettings(Section):
    """ExecutionEvidence resources in the cluster; needs no settings of its own."""


class RegistryHostSettings(Section):
    """How one registry is reached."""

    ca_file: Path | None = None
    """PEM certificates that are trusted for this host instead of the system's; relative to the configuration file."""
    insecure: Annotated[bool, Field(strict=True)] = False
    """Whether this host is asked over plain HTTP; it is then never sent a credential."""
    addresses: Annotated[tuple[Network, ...], Field(max_length=LIMITS.registry_networks)] = ()
    """Networks in which this host may lie although they are otherwise refused (loopback, link-local and the like)."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.insecure and self.ca_file is not None:
            raise ValueError("`insecure` is plain HTTP, which has no certificate; leave `insecure` or `caFile` out")
        return self


class RegistryStoreSettings(Section):
    """Evidence beside the images, in their OCI registries."""

    allow: Annotated[tuple[PatternText, ...], AfterValidator(_not_empty)]
    """Repositories that may be asked, as patterns (`registry.example.com/*`); nobody else is connected to."""
    hosts: Annotated[dict[HostText, RegistryHostSettings], Field(max_length=LIMITS.registry_hosts)] = Field(
        default_factory=dict
    )
    """`host` or `host:port`, exactly as in an image reference, to what is special about it."""
    evidence_repository: RepositoryText | None = None
    """The one repository, `HOST/PATH`, that holds the attestations of all images; by default each image's own."""
    mirrors: dict[PrefixText, Annotated[tuple[PrefixText, ...], AfterValidator(_not_empty)]] = Field(
        default_factory=dict
    )
    """Prefix of repositories, in whole segments, to the prefixes that are asked besides."""
    docker_config: Path | None = None
    """A `config.json` of Docker's with `auths`, `credHelpers`, `credsStore`; relative to the configuration file."""
    pull_secrets: Annotated[bool, Field(strict=True)] = False
    """Whether the pull secrets of the pod and of its ServiceAccount are used; needs a Kubernetes client."""
    platforms: Platforms = None
    """Which platforms of an index must have evidence when the index itself has none; by default it must itself."""
    absent_seconds: Annotated[float, Field(strict=True, ge=0, le=3600)] = 30.0
    """Seconds for which it is remembered that there is no evidence."""

    @property
    def content(self) -> dict[str, Any]:
        """What of the section influences a verdict, as canonical JSON can hold it."""
        names = {"allow", "evidence_repository", "mirrors", "platforms"}
        content: dict[str, Any] = self.model_dump(mode="json", by_alias=True, include=names)
        return content

    def files(self) -> Iterator[Path]:
        """Gives the files that the section names.

        Yields:
            Paths as they were written.
        """
        if self.docker_config is not None:
            yield self.docker_config
        yield from (host.ca_file for host in self.hosts.values() if host.ca_file is not None)


class StoreSettings(Section):
    """Where envelopes lie; every store that is named is asked."""

    directory: DirectoryStoreSettings | None = None
    cluster: ClusterStoreSettings | None = None
    registry: RegistryStoreSettings | None = None

    def remarks(self) -> list[str]:
        """Finds what is valid and yet hardly meant.

        Returns:
            One sentence each.
        """
        if self.directory is None and self.cluster is None and self.registry is None:
            return ["stores is empty: no evidence can be found."]
        hosts = self.registry.hosts if self.registry else {}
        return [
            f"stores.registry.hosts.{name}.insecure is true: whoever is between can hide evidence and move tags."
            for name, host in hosts.items()
            if host.insecure
        ]

    def files(self, folder: Path) -> list[Path]:
        """Gives the files that must be read anew when they change.

        Args:
            folder: What relative paths are relative to.

        Returns:
            CA bundles and the Docker configuration; what a store follows by itself is not among them.
        """
        return [] if self.registry is None else [folder / file for file in self.registry.files()]

    def files_digest(self, folder: Path) -> str:
        """Describes the content of those files, so that a change of it shows.

        A file that cannot be read is part of the description and no error: the operator reads the same
        configuration and is given no registry's credentials. The store refuses what it cannot use.

        Args:
            folder: What relative paths are relative to.

        Returns:
            `sha256:` and 64 hexadecimal digits.
        """
        return sha256_digest(canonical_json([_content_digest(file) for file in self.files(folder)]))


def _content_digest(file: Path) -> str | None:
    try:
        return sha256_digest(read_capped(file, LIMITS.registry_file_bytes))
    except (OSError, ValueError):
        return None
