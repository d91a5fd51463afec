"""A client, and simulated registries that it may reach."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

from tests.simulators.access import Access
from tests.simulators.registry import RegistrySimulator
from webhook.model.canonical import sha256_digest
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.credentials import Credential
from webhook.stores.registry.client.client import Call, Patience, RegistryClient
from webhook.stores.registry.reference import Repository

PATH = "shop/cart"
LOOPBACK = ("127.0.0.0/8", "::1/128")
QUICK = Patience(connect=2.0, silence=1.0, whole=4.0)
PATIENCE = {"timeout": Patience(silence=0.2), "abandoned": Patience(whole=0.5)}
"""By the outcome that is expected: a busy machine must not make another one of it."""
USERS = {"ann": "s3cret"}
ACCOUNT = Credential("ann", "s3cret")
WRONG = Credential("ann", "wr0ng")
BOTH = Credential("ann", "s3cret", registry_token="ready")  # noqa: S106 - a simulator's
IDENTITY = Credential("", "", identity_token="refresh")  # noqa: S106 - a simulator's
READY = Credential("", "", registry_token="ready")  # noqa: S106 - a simulator's


class Keys:
    """A keyring with the same credentials for every repository.

    Attributes:
        asked: The repositories that it was asked about.
    """

    def __init__(self, *credentials: Credential) -> None:
        self._credentials = credentials
        self.fingerprint = sha256_digest(
            "\n".join(
                f"{c.username}:{c.password}:{c.identity_token}:{c.registry_token}" for c in credentials
            ).encode()
        )
        self.asked: list[Repository] = []

    async def credentials(self, repository: Repository) -> Sequence[Credential]:
        """Gives them all."""
        self.asked.append(repository)
        return self._credentials


NOBODY = Keys()


class Authority:
    """A certificate authority.

    Attributes:
        ca_file: Its certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))

    def server(self, *names: str) -> ssl.SSLContext:
        """Makes what a server needs.

        Args:
            names: The certificate's names and addresses.

        Returns:
            The context.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context

    def write_server(self, file: Path) -> None:
        """Writes what another program needs to be a server on 127.0.0.1.

        Args:
            file: Gets the key and the certificate.
        """
        self._authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(file))


def plain(addresses: Sequence[str] = LOOPBACK) -> dict[str, Any]:
    """A host's settings: plain HTTP on loopback."""
    return {"insecure": True, "addresses": list(addresses)}


def secure(authority: Authority | None, addresses: Sequence[str] = LOOPBACK) -> dict[str, Any]:
    """A host's settings: https on loopback."""
    return {"addresses": list(addresses)} | ({} if authority is None else {"caFile": str(authority.ca_file)})


class Client:
    """A client; an asynchronous context manager.

    Attributes:
        client: The client itself.
        calls: What it has told of its exchanges.
    """

    def __init__(self, hosts: dict[str, Any], patience: Patience | None = None) -> None:
        section = RegistryStoreSettings.model_validate({"allow": ["*.example.com/*"], "hosts": hosts})
        self.calls: list[Call] = []
        folder = Path()
        self.client = (
            RegistryClient(section, folder, self.calls.append)
            if patience is None
            else RegistryClient(section, folder, self.calls.append, patience)
        )

    async def __aenter__(self) -> Self:
        """Gives itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the client."""
        await self.client.close()


def at(registry: RegistrySimulator, host: str = "127.0.0.1") -> Repository:
    """The repository of these tests in a simulated registry."""
    return Repository(f"{host}:{registry.port}", PATH)


@asynccontextmanager
async def guarded(authority: Authority, access: Access) -> AsyncIterator[tuple[RegistrySimulator, Client]]:
    """A registry by https that lets not everybody in, and a client that trusts its certificate.

    Args:
        authority: Signs the certificate.
        access: Who is let in.

    Yields:
        Both; the registry holds the manifest `1.0`.
    """
    async with (
        RegistrySimulator(authority.server(), access) as registry,
        Client({registry.host: secure(authority)}) as asker,
    ):
        registry.add_manifest(PATH, {}, "1.0")
        yield registry, asker
