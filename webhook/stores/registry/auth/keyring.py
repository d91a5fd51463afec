"""Which credentials are for which repository: the kubelet's rules (pkg/credentialprovider/keyring.go).

A place without a path is for the whole host, one with a path for every repository whose path begins with that text.
In the host, `*` stands for any characters of one label; the number of labels and the port must be the same. All
places that match are tried, in reverse order of their texts, so that a longer one comes before its own beginning. If
none matches, Docker Hub's images take what stands under `index.docker.io`.

Differences: the kubelet takes `localhost/x` for an image of Docker Hub too, and an IPv6 address for a pattern.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple

from webhook.errors import UnavailableError
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.model.pattern import segment_matches
from webhook.stores.cache import FetchCache, Fetched
from webhook.stores.registry.auth.credential_helper import ask_helper
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.auth.docker_config import DockerConfig, Entry
from webhook.stores.registry.reference import Repository

HELPER_SECONDS = 60.0
"""How long a helper's answer is used; the clouds' tokens live for hours, and their helpers keep them."""

_HELPER_ERROR_SECONDS = 5.0
_ENTRY_BYTES = 512  # What Python adds to an entry's texts.
_HUB = "docker.io"
_HUB_PLACE = "index.docker.io"


def place_matches(place: str, repository: str) -> bool:
    """Tells whether a place is one for a repository.

    Args:
        place: As `docker_config.place_of` gives it.
        repository: Host and path.

    Returns:
        True if ports and all labels of the host match and the path begins with the place's.
    """
    host, slash, path = place.partition("/")
    its_host, _, its_path = repository.partition("/")
    if not f"/{its_path}".startswith(slash + path):
        return False
    labels, port = _split(host)
    its_labels, its_port = _split(its_host)
    return port == its_port and len(labels) == len(its_labels) and all(map(segment_matches, labels, its_labels))


def _split(host: str) -> tuple[list[str], str]:
    # An IPv6 address is cut in the wrong place, and still equal to itself alone.
    name, _, port = host.partition(":")
    return name.split("."), port


class Ring:
    """The entries of one configuration.

    Args:
        entries: The entries, in their order.

    Attributes:
        entries: The same.
        fingerprint: `sha256:` and 64 hexadecimal digits over the content.
        weight: About how many bytes it holds.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        content = [[place, *astuple(credential)] for place, credential in entries]
        self.entries = tuple(entries)
        self.fingerprint = sha256_digest(canonical_json(content))
        self.weight = sum(_ENTRY_BYTES + sum(map(len, texts)) for texts in content)


def find(rings: Iterable[Ring], repository: Repository) -> list[Credential]:
    """Finds the credentials for a repository.

    Args:
        rings: Where to look; of two entries for the same place the first is tried first.
        repository: The repository.

    Returns:
        Most specific first, each once.
    """
    name, entries = repository.name, [entry for ring in rings for entry in ring.entries]
    found = [entry for entry in entries if place_matches(entry[0], name)]
    if not found and repository.host == _HUB:
        found = [entry for entry in entries if entry[0] == _HUB_PLACE]
    found.sort(key=lambda entry: entry[0], reverse=True)
    return list(dict.fromkeys(credential for _, credential in found))


class ConfiguredKeyring:
    """The keyring of a Docker configuration of our own, with its helpers.

    As Docker has it, a host's own helper replaces the one for all hosts. What stands in the file is tried after it.

    Args:
        config: The configuration.
        clock: Seconds, never going back.

    Attributes:
        fingerprint: `sha256:` and 64 hexadecimal digits over the configuration.
    """

    def __init__(self, config: DockerConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._ring = Ring(config.entries)
        self._answers: FetchCache[str, Credential | UnavailableError | None] = FetchCache(
            entries=1024, weight=1024 * 1024, clock=clock
        )
        content = [self._ring.fingerprint, dict(config.helpers), config.store]
        self.fingerprint = sha256_digest(canonical_json(content))

    async def credentials(self, repository: Repository) -> Sequence[Credential]:
        """Finds the credentials for a repository.

        Args:
            repository: The repository.

        Returns:
            The helper's first, then the file's, most specific first.

        Raises:
            UnavailableError: The helper failed.
        """
        name, server = self._config.helper_for(repository.host)
        helped = [] if name is None else await self._helped(name, server)
        return list(dict.fromkeys([*helped, *find([self._ring], repository)]))

    async def _helped(self, name: str, server: str) -> list[Credential]:
        async def fetch() -> Fetched[Credential | UnavailableError | None]:
            try:
                found = await ask_helper(name, server)
            except UnavailableError as error:
                return Fetched(error, "error", 0, _HELPER_ERROR_SECONDS)
            return Fetched(found, "absent" if found is None else "found", 0, HELPER_SECONDS)

        answer = await self._answers.get(server, fetch)
        if isinstance(answer, UnavailableError):
            # As for pull secrets: without the traces of those before.
            raise answer.with_traceback(None)
        return [] if answer is None else [answer]


class PodKeyring:
    """What a pod's pull secrets hold, before what is configured.

    Args:
        rings: The entries of its Secrets; as for the kubelet, they are one keyring.
        configured: Tried after them.

    Attributes:
        fingerprint: `sha256:` and 64 hexadecimal digits over both.
    """

    def __init__(self, rings: Sequence[Ring], configured: ConfiguredKeyring) -> None:
        self._rings = rings
        self._configured = configured
        content = [*(ring.fingerprint for ring in rings), configured.fingerprint]
        self.fingerprint = sha256_digest(canonical_json(content))

    async def credentials(self, repository: Repository) -> Sequence[Credential]:
        """Finds the credentials for a repository.

        Args:
            repository: The repository.

        Returns:
            The Secrets' first, most specific first.

        Raises:
            UnavailableError: A credential helper failed.
        """
        configured = await self._configured.credentials(repository)
        return list(dict.fromkeys([*find(self._rings, repository), *configured]))
