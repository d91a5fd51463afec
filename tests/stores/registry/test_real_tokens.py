"""A real registry that wants tokens: distribution, which checks each token's signature, audience and scope."""

import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.harness.oci import Pusher, connect
from tests.harness.polling import poll
from tests.harness.process import Program, free_ports
from tests.simulators.access import Access, Issued
from tests.simulators.registry import RegistrySimulator
from tests.stores.registry.simulated import ACCOUNT, NOBODY, PATH, USERS, Client, Keys, secure
from tests.stores.registry.simulated import Authority as Roots
from tests.tools.build import program
from webhook.stores.registry.client.client import NotThereError, RegistryError
from webhook.stores.registry.reference import Repository

pytestmark = pytest.mark.integration

ISSUER, SERVICE = "test-tokens", "test-registry"


class Signer:
    """Signs tokens (distribution's "Token Authentication Implementation").

    Attributes:
        bundle: The certificate that the registry trusts.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.bundle = folder / "signer.pem"
        authority.cert_pem.write_to_path(str(self.bundle))
        leaf = authority.issue_cert("signer.test")
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        self._key = key
        self._certificate = "".join(leaf.cert_chain_pems[0].bytes().decode().strip().splitlines()[1:-1])

    def token(self, issued: Issued) -> str:
        """Signs a token as RFC 7515 says: ES256, the certificate in the header."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": issued.user,
            "aud": issued.service,
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(time.time_ns()),
            "access": [_access(scope) for scope in issued.scopes],
        }
        head = _base64url(json.dumps({"typ": "JWT", "alg": "ES256", "x5c": [self._certificate]}).encode())
        signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _access(scope: str) -> dict[str, Any]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@asynccontextmanager
async def _real(folder: Path, access: Access) -> AsyncIterator[tuple[str, Client, Pusher]]:
    """Distribution by https, its token service in this loop, a client, and somebody who may push."""
    roots, signer = Roots(folder), Signer(folder)
    access.mint = signer.token
    host = f"127.0.0.1:{free_ports(1)[0]}"
    roots.write_server(folder / "tls.pem")
    async with RegistrySimulator(roots.server(), access) as tokens:
        path = _configured(folder, host, {"realm": f"{tokens.url}/token", "rootcertbundle": str(signer.bundle)})
        command: list[str | Path] = [program("registry"), "serve", path]
        registry = Program(command, folder / "registry.log", {"OTEL_TRACES_EXPORTER": "none"})
        context = ssl.create_default_context(cafile=roots.ca_file)
        try:
            poll(lambda: _answers(host, context), 20, "the registry answers")
            push = signer.token(Issued("root", SERVICE, (f"repository:{PATH}:pull,push",)))
            pusher = Pusher(host, PATH, {"Authorization": f"Bearer {push}"}, context)
            async with Client({host: secure(roots), tokens.host: secure(roots)}) as asker:
                yield host, asker, pusher
        finally:
            registry.kill()


def _configured(folder: Path, host: str, token: dict[str, str]) -> Path:
    pem = str(folder / "tls.pem")
    configuration = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": host, "secret": "any", "tls": {"certificate": pem, "key": pem}},
        "auth": {"token": {"service": SERVICE, "issuer": ISSUER, **token}},
    }
    path = folder / "registry.yaml"
    path.write_text(json.dumps(configuration))
    return path


def _answers(host: str, context: ssl.SSLContext) -> bool:
    connection = connect(host, context)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 401
    except OSError:
        return False
    finally:
        connection.close()


async def test_real_registry_takes_the_tokens_that_it_asked_for(tmp_path: Path) -> None:
    access = Access(USERS)
    async with _real(tmp_path, access) as (host, asker, pusher):
        digest = pusher.image("1.0")
        for reference in ("1.0", digest):
            manifest = await asker.client.manifest(Repository(host, PATH), reference, Keys(ACCOUNT))
            assert manifest.digest == digest
        with pytest.raises(NotThereError):
            await asker.client.manifest(Repository(host, PATH), "2.0", Keys(ACCOUNT))
        assert await asker.client.referrers(Repository(host, PATH), digest, Keys(ACCOUNT)) is None
        assert access.issued == [Issued("ann", SERVICE, (f"repository:{PATH}:pull",))]


async def test_real_registry_gives_nobody_what_is_not_public(tmp_path: Path) -> None:
    async with _real(tmp_path, Access(USERS)) as (host, asker, pusher):
        pusher.image("1.0")
        with pytest.raises(RegistryError, match="does not accept who asks"):
            await asker.client.manifest(Repository(host, PATH), "1.0", NOBODY)
