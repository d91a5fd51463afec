"""The inspector of evidence against a real API server: what a sweep does, and what does not stop it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cluster import Namespace
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, statement
from tests.operator.process import make_operator_account
from webhook.kube.client import KubeClient
from webhook.kube.opening import open_client
from webhook.operator.inspector import EvidenceInspector
from webhook.operator.metrics import OperatorMetrics
from webhook.trust.keys import PublicKey
from webhook.trust.policy import TrustedKey, TrustPolicy

CRD = Path(__file__).resolve().parents[2] / "manifests" / "crds" / "executionevidences.yaml"
SIGNER = Signer.new()
POLICY = TrustPolicy((TrustedKey("staging", PublicKey.from_pem(SIGNER.public_pem)),))


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    control_plane.kubectl("apply", "-f", str(CRD))
    name = "crd/executionevidences.stella.ops"
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    control_plane.kubectl("delete", "exev", "--all")
    namespace = Namespace.new(control_plane, None).name
    async with open_client(make_operator_account(control_plane, namespace, "nobody")) as opened:
        yield opened


def put(control_plane: ControlPlane, name: str, signer: Signer = SIGNER, **predicate: Any) -> None:
    envelope = json.loads(signer.sign(statement(digest_of(name), **predicate)))
    metadata = {"name": name}
    manifest = {"apiVersion": "stella.ops/v1alpha1", "kind": "ExecutionEvidence", "metadata": metadata}
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(manifest | {"spec": {"envelope": envelope}}))


def read(control_plane: ControlPlane, name: str) -> dict[str, Any]:
    obj: dict[str, Any] = json.loads(control_plane.kubectl("get", "exev", name, "-o", "json").stdout)
    return obj


def names(control_plane: ControlPlane) -> set[str]:
    listed = control_plane.kubectl("get", "exev", "-o", "json").stdout
    return {obj["metadata"]["name"] for obj in json.loads(listed)["items"]}


def inspector(
    client: KubeClient, retention: timedelta | None = None, later: timedelta | None = None
) -> EvidenceInspector:
    now = datetime.now(UTC) + (later or timedelta())
    return EvidenceInspector(client, lambda: POLICY, retention, OperatorMetrics(), lambda: now)


async def test_a_sweep_writes_every_status_and_a_second_one_writes_none(
    client: KubeClient, control_plane: ControlPlane
) -> None:
    put(control_plane, "swept-1")
    put(control_plane, "swept-2", Signer.new())
    one = inspector(client)
    await one.sweep()
    assert one.reasons == {"swept-1": "SignedByTrustedKeys", "swept-2": "EvidenceUntrusted"}
    before = [read(control_plane, name)["metadata"]["resourceVersion"] for name in ("swept-1", "swept-2")]
    await inspector(client, later=timedelta(days=1)).sweep()
    assert [read(control_plane, name)["metadata"]["resourceVersion"] for name in ("swept-1", "swept-2")] == before


async def test_what_was_deleted_while_nobody_watched_is_no_longer_counted(
    client: KubeClient, control_plane: ControlPlane
) -> None:
    put(control_plane, "going")
    put(control_plane, "staying")
    one = inspector(client)
    await one.sweep()
    control_plane.kubectl("delete", "exev", "going")
    await one.sweep()
    assert set(one.reasons) == {"staying"}


async def test_an_object_that_has_changed_since_is_neither_written_nor_deleted(
    client: KubeClient, control_plane: ControlPlane
) -> None:
    put(control_plane, "moving")
    stale = read(control_plane, "moving")
    control_plane.kubectl("label", "exev", "moving", "changed=yes")
    await inspector(client).inspect(stale)
    assert "status" not in read(control_plane, "moving")
    await inspector(client, retention=timedelta(), later=timedelta(days=9999)).inspect(stale)
    assert "moving" in names(control_plane)


async def test_without_retention_nothing_is_ever_deleted(client: KubeClient, control_plane: ControlPlane) -> None:
    put(control_plane, "kept")
    await inspector(client, later=timedelta(days=9999)).sweep()
    assert names(control_plane) == {"kept"}


async def test_retention_deletes_what_is_older(client: KubeClient, control_plane: ControlPlane) -> None:
    put(control_plane, "ancient")
    await inspector(client, retention=timedelta(hours=2160), later=timedelta(days=9999)).sweep()
    assert names(control_plane) == set()
