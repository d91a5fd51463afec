"""The pull secrets of pods: what their nodes log in with, the gate logs in with too, and with nothing else of theirs.

Read from the API server when they are needed, and remembered for a short while: a watch on all Secrets would hold
every secret of the cluster in memory, and would need the right to list them.
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from webhook.errors import ConfigurationError, UnavailableError
from webhook.kube.api_errors import ApiError, ApiStatusError
from webhook.kube.client import KubeClient
from webhook.limits import LIMITS
from webhook.model.evidence import PullIdentity
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.cache import FetchCache, Fetched
from webhook.stores.registry.auth.credentials import Keyring, KeyringSource
from webhook.stores.registry.auth.docker_config import (
    DockerConfig,
    DockerConfigError,
    Entry,
    load_docker_config,
    parse_dockercfg,
    parse_dockerconfigjson,
)
from webhook.stores.registry.auth.keyring import ConfiguredKeyring, PodKeyring, Ring
from webhook.stores.registry.guidance import guidance

FOUND_SECONDS = 30.0
"""How long a Secret or a ServiceAccount is remembered."""

ABSENT_SECONDS = 5.0
"""How long it is remembered that there is none: somebody makes it and tries again."""

ERROR_SECONDS = 2.0
"""How long a failure is remembered."""

_ANSWER_SECONDS = 5.0
_NOT_FOUND = 404
_CACHE_BYTES = 8 * 1024 * 1024
_CACHE_ENTRIES = 10_000
_NAME_BYTES = 64  # What Python adds to a name.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_T = TypeVar("_T")
_Reading = Callable[[dict[str, Any]], tuple[_T, int]]
"""Takes from an object, an empty one if there is none, what is remembered, and how many bytes that is."""
_FORMS: dict[str, tuple[str, Callable[[bytes], tuple[Entry, ...]]]] = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson", parse_dockerconfigjson),
    "kubernetes.io/dockercfg": (".dockercfg", parse_dockercfg),
}


def open_keyrings(section: RegistryStoreSettings, folder: Path, client: KubeClient | None) -> KeyringSource:
    """Makes what gives the registry store its credentials.

    Args:
        section: The section `stores.registry`.
        folder: What relative paths are relative to.
        client: For pull secrets.

    Returns:
        Where keyrings come from.

    Raises:
        ConfigurationError: The Docker configuration cannot be used, or pull secrets are wanted without a client.
    """
    config = DockerConfig()
    if section.docker_config is not None:
        name = guidance(section).docker_config
        config = load_docker_config(folder / section.docker_config, name, _only_host(section))
    configured = ConfiguredKeyring(config)
    if not section.pull_secrets:
        return _Configured(configured)
    if client is None:
        raise ConfigurationError("stores.registry.pullSecrets needs a cluster: run in a pod, or give --kubeconfig")
    return PodKeyrings(client, configured)


def _only_host(section: RegistryStoreSettings) -> str | None:
    """Gives the host that alone can be asked, if there is but one: as for an image's own registry."""
    repositories = {*section.allow, section.evidence_repository} - {None}
    hosts = {str(repository).partition("/")[0] for repository in repositories}
    if len(hosts) > 1 or section.mirrors:
        return None
    (host,) = hosts
    return None if host.startswith("*") else host


class _Configured:
    """The same keyring for everybody."""

    def __init__(self, keyring: ConfiguredKeyring) -> None:
        self._keyring = keyring

    async def keyring(self, pull: PullIdentity | None) -> Keyring:  # noqa: ARG002 - protocol
        return self._keyring


class PodKeyrings:
    """A keyring for each pod: its pull secrets, those of its ServiceAccount, and what is configured.

    A node uses the ServiceAccount's only where the pod names none; here they come after the pod's.

    Args:
        client: The Kubernetes client; needs the right to get Secrets and ServiceAccounts.
        configured: What is used for everybody.
        clock: Seconds, never going back.
    """

    def __init__(
        self, client: KubeClient, configured: ConfiguredKeyring, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._configured = configured
        self._accounts: FetchCache[str, Sequence[str] | UnavailableError] = FetchCache(
            _CACHE_ENTRIES, _CACHE_BYTES, clock
        )
        self._secrets: FetchCache[str, Ring | UnavailableError] = FetchCache(_CACHE_ENTRIES, _CACHE_BYTES, clock)

    async def keyring(self, pull: PullIdentity | None) -> Keyring:
        """Gives the keyring of a pod.

        Args:
            pull: The pod's namespace, ServiceAccount and pull secrets; None means what is configured alone.

        Returns:
            The keyring. A Secret that does not exist, or is of another type, is passed over, as the kubelet does.

        Raises:
            UnavailableError: A Secret or the ServiceAccount cannot be read, or they hold too much.
        """
        if pull is None or not _NAME.fullmatch(pull.namespace):
            return self._configured
        names = _names([*pull.pull_secrets, *await self._of_account(pull.namespace, pull.service_account)])
        if len(names) > LIMITS.pull_secrets:
            raise UnavailableError(f"the pod has more than {LIMITS.pull_secrets} pull secrets")
        found = await asyncio.gather(*(self._ring(pull.namespace, name) for name in names))
        rings = [ring for ring in found if ring.entries]
        if sum(len(ring.entries) for ring in rings) > LIMITS.docker_config_entries:
            raise UnavailableError(f"the pod's pull secrets have more than {LIMITS.docker_config_entries} entries")
        return PodKeyring(rings, self._configured) if rings else self._configured

    async def _of_account(self, namespace: str, account: str) -> Sequence[str]:
        if not _NAME.fullmatch(account):
            return ()
        what = f"the ServiceAccount {namespace}/{account}"
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}"
        return await _value(self._accounts, path, lambda: self._fetch(path, what, _pull_secrets_of))

    async def _ring(self, namespace: str, name: str) -> Ring:
        what = f"the pull secret {namespace}/{name}"
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        return await _value(self._secrets, path, lambda: self._fetch(path, what, _ring_of))

    async def _fetch(self, path: str, what: str, reading: _Reading[_T]) -> Fetched[_T | UnavailableError]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                obj = await self._client.get(path, (), LIMITS.pull_secret_bytes)
            value, weight = reading(obj)
            return Fetched(value, "found", weight, FOUND_SECONDS)
        except ApiStatusError as error:
            if error.status == _NOT_FOUND:
                return Fetched(reading({})[0], "absent", 0, ABSENT_SECONDS)
            problem = error.detail
        except ApiError as error:
            problem = error.detail
        except TimeoutError:
            problem = "the API server did not answer in time"
        except DockerConfigError as error:
            problem = str(error)
        return Fetched(UnavailableError(f"{what} cannot be read: {problem}"), "error", 0, ERROR_SECONDS)


async def _value(
    cache: FetchCache[str, _T | UnavailableError],
    path: str,
    fetch: Callable[[], Awaitable[Fetched[_T | UnavailableError]]],
) -> _T:
    answer = await cache.get(path, fetch)
    if isinstance(answer, UnavailableError):
        # Without the trace: an exception that is raised again collects them all.
        raise answer.with_traceback(None)
    return answer


def _names(names: Iterable[object]) -> list[str]:
    """Keeps, once each, the names that an object can have; anything else could lead to another path of the API."""
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and _NAME.fullmatch(name)))


def _pull_secrets_of(account: dict[str, Any]) -> tuple[Sequence[str], int]:
    references = account.get("imagePullSecrets")
    if not isinstance(references, list):
        return (), 0
    names = _names(reference.get("name") for reference in references if isinstance(reference, dict))
    return names, sum(_NAME_BYTES + len(name) for name in names)


def _ring_of(secret: dict[str, Any]) -> tuple[Ring, int]:
    member, parse = _FORMS.get(str(secret.get("type")), ("", parse_dockercfg))
    data = secret.get("data")
    encoded = data.get(member) if isinstance(data, dict) else None
    if not isinstance(encoded, str) or not encoded:
        return Ring(()), 0
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise DockerConfigError("its data is not Base64") from None
    ring = Ring(parse(content))
    return ring, ring.weight
