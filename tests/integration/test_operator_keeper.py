"""The keeper of certificates against a real API server, with a clock of its own and company that disturbs it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.operator.process import SECRET, SERVICE, make_operator_account, secret_data, service_in_front
from webhook.kube.api_errors import ApiUnreachableError
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.operator.keeper import CertificateKeeper, Names
from webhook.operator.metrics import OperatorMetrics

NOW = datetime.now(UTC).replace(microsecond=0)
NOBODY = "no-such-configuration"


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    name = Namespace.new(control_plane, None).name
    apply(control_plane, service_in_front(name))
    return name


@pytest.fixture
async def client(control_plane: ControlPlane, namespace: str) -> AsyncIterator[KubeClient]:
    async with open_client(make_operator_account(control_plane, namespace, NOBODY)) as opened:
        yield opened


def keeper_at(
    client: KubeClient, namespace: str, now: datetime, metrics: OperatorMetrics | None = None
) -> CertificateKeeper:
    names = Names(namespace, SERVICE, SECRET, NOBODY)
    return CertificateKeeper(client, names, metrics or OperatorMetrics(), clock=lambda: now)


def ends(data: dict[str, bytes]) -> tuple[datetime, datetime]:
    """The ends of the leaf and of the authority that is first in the bundle."""
    leaf, authority = (x509.load_pem_x509_certificate(data[name]) for name in ("tls.crt", "ca.crt"))
    return leaf.not_valid_after_utc, authority.not_valid_after_utc


@pytest.mark.parametrize(
    ("away", "renewed"),
    [(7, ""), (21, "leaf"), (35, "leaf"), (250, "leaf and authority"), (400, "leaf and authority")],
)
async def test_an_operator_that_comes_back_renews_what_is_due(
    away: int,
    renewed: str,
    client: KubeClient,
    namespace: str,
    control_plane: ControlPlane,
) -> None:
    left = NOW - timedelta(days=away)
    await keeper_at(client, namespace, left).keep()
    await keeper_at(client, namespace, NOW).keep()
    leaf, authority = ends(secret_data(control_plane, namespace))
    assert leaf == (NOW if "leaf" in renewed else left) + timedelta(days=30)
    assert authority == (NOW if "authority" in renewed else left) + timedelta(days=365)


def put_secrets(control_plane: ControlPlane, namespace: str, content: bytes) -> None:
    """Makes both Secrets, with the same content under every key."""
    text = base64.b64encode(content).decode()
    kinds = {
        SECRET: ("kubernetes.io/tls", ("tls.crt", "tls.key", "ca.crt")),
        f"{SECRET}-ca": ("Opaque", ("ca.crt", "ca.key", "bundle.crt")),
    }
    for name, (kind, keys) in kinds.items():
        metadata = {"name": name, "namespace": namespace}
        data = dict.fromkeys(keys, text)
        apply(control_plane, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data})


@pytest.mark.parametrize("content", [b"", b"rubbish"])
async def test_secrets_without_usable_content_are_filled(
    content: bytes, client: KubeClient, namespace: str, control_plane: ControlPlane
) -> None:
    put_secrets(control_plane, namespace, content)
    await keeper_at(client, namespace, NOW).keep()
    assert ends(secret_data(control_plane, namespace))[0] == NOW + timedelta(days=30)


@pytest.mark.parametrize("there", [False, True], ids=["both create", "both write"])
async def test_two_at_once_agree_on_one_authority(
    there: bool,  # noqa: FBT001 - a row of the table
    client: KubeClient,
    namespace: str,
    control_plane: ControlPlane,
) -> None:
    if there:
        put_secrets(control_plane, namespace, b"")
    metrics = OperatorMetrics()
    both = [keeper_at(client, namespace, NOW, metrics) for _ in range(2)]
    await asyncio.gather(*(keeper.keep() for keeper in both))
    made = 'execution_evidence_gate_operator_certificate_renewals_total{certificate="authority"} 1.0'
    assert made in metrics.render().decode().splitlines()
    served, authority = secret_data(control_plane, namespace), secret_data(control_plane, namespace, f"{SECRET}-ca")
    assert served["ca.crt"] == authority["bundle.crt"]
    leaf, issuer = (x509.load_pem_x509_certificate(text) for text in (served["tls.crt"], authority["ca.crt"]))
    leaf.verify_directly_issued_by(issuer)


async def test_an_api_server_that_is_away_changes_nothing(
    client: KubeClient, namespace: str, control_plane: ControlPlane
) -> None:
    keeper = keeper_at(client, namespace, NOW)
    await keeper.keep()
    before = secret_data(control_plane, namespace)
    control_plane.stop_api_server()
    try:
        with pytest.raises(ApiUnreachableError):
            await keeper.keep()
    finally:
        control_plane.start_api_server()
    await keeper.keep()
    assert secret_data(control_plane, namespace) == before


async def test_the_authority_s_key_is_in_its_own_secret_alone(
    client: KubeClient, namespace: str, control_plane: ControlPlane
) -> None:
    await keeper_at(client, namespace, NOW).keep()
    key = secret_data(control_plane, namespace, f"{SECRET}-ca")["ca.key"]
    mounted = secret_data(control_plane, namespace)
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert key not in mounted.values()
    listed = control_plane.kubectl("-n", namespace, "get", "secrets", "-o", "json")
    assert {entry["metadata"]["name"] for entry in json.loads(listed.stdout)["items"]} == {SECRET, f"{SECRET}-ca"}


async def test_nothing_is_made_without_the_service_that_would_own_it(
    client: KubeClient, namespace: str, control_plane: ControlPlane
) -> None:
    # An operator that outlives the release by a moment must leave nothing behind.
    control_plane.kubectl("-n", namespace, "delete", "service", SERVICE)
    await keeper_at(client, namespace, NOW).keep()
    assert control_plane.kubectl("-n", namespace, "get", "secrets", "-o", "name").stdout == ""
