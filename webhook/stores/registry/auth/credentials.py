"""Who we are to a registry: credentials, and the contracts of those who find them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from webhook.model.evidence import PullIdentity
from webhook.stores.registry.reference import Repository


@dataclass(frozen=True, slots=True)
class Credential:
    """One way to log in; its representation shows nothing of it.

    Attributes:
        username: For Basic authentication.
        password: For Basic authentication.
        identity_token: A refresh token for the registry's token service, or empty.
        registry_token: A bearer token for the registry itself, or empty.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


class Keyring(Protocol):
    """The credentials of one identity.

    Attributes:
        fingerprint: `sha256:` and 64 hexadecimal digits over the content. Who has the same keys may share what was
            fetched with them.
    """

    @property
    def fingerprint(self) -> str:
        """As above."""

    async def credentials(self, repository: Repository) -> Sequence[Credential]:
        """Finds what may open a repository.

        Args:
            repository: The repository; a credential is bound to its exact host.

        Returns:
            The most specific first; empty means that nobody logs in.

        Raises:
            UnavailableError: They cannot be read.
        """


class KeyringSource(Protocol):
    """Where keyrings come from."""

    async def keyring(self, pull: PullIdentity | None) -> Keyring:
        """Gathers the credentials that may be used for a pod.

        Args:
            pull: The pod's identity, or None if nothing is known of it.

        Returns:
            The keyring.

        Raises:
            UnavailableError: Its secrets cannot be read.
        """
