"""Leaf and authority are renewed again and again, while an API server asks the webhook without a pause.

Lifetimes are scaled down: a leaf lives for 12 seconds instead of 30 days. The kubelet's part, bringing a changed
Secret into the pod, is played here.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.harness.cluster import Namespace, apply
from tests.harness.control_plane import ControlPlane
from tests.harness.creations import Creations
from tests.harness.evidence import digest_of, image_of
from tests.harness.gate import Gate
from tests.harness.polling import poll_async
from tests.operator.process import (
    SECRET,
    SERVICE,
    configuration_by_service,
    make_operator_account,
    mount,
    secret_data,
    service_in_front,
)
from webhook.kube.opening import open_client
from webhook.operator.certificates import Lifetimes
from webhook.operator.keeper import CertificateKeeper, Names
from webhook.operator.metrics import OperatorMetrics

CONFIGURATION = "rotated"
LIVES = Lifetimes(
    authority=timedelta(seconds=18),
    leaf=timedelta(seconds=12),
    skew=timedelta(seconds=1),
    settling=timedelta(seconds=1),
)
DEADLINE = 90.0


class Seen:
    """Every certificate that was ever written."""

    def __init__(self) -> None:
        self.leaves: set[bytes] = set()
        self.authorities: set[x509.Certificate] = set()
        self.bundle_sizes: list[int] = []

    def note(self, data: dict[str, bytes]) -> None:
        bundle = x509.load_pem_x509_certificates(data["ca.crt"])
        self.leaves.add(data["tls.crt"])
        self.authorities.update(bundle)
        self.bundle_sizes.append(len(bundle))

    def enough(self) -> bool:
        """Three leaves, and an authority that came, overlapped with the one before, and is alone now."""
        return (
            len(self.leaves) >= 3
            and len(self.authorities) >= 2
            and 2 in self.bundle_sizes
            and self.bundle_sizes[-1] == 1
        )


async def rotate(keeper: CertificateKeeper, gate: Gate, seen: Seen, read: Any) -> None:
    served: dict[str, bytes] = {}
    async with asyncio.timeout(DEADLINE):
        while not seen.enough():
            await keeper.keep()
            data = await asyncio.to_thread(read)
            seen.note(data)
            if data != served:
                mount(gate, data)
                served = data
            await asyncio.sleep(0.5)


async def test_no_review_is_lost_while_leaf_and_authority_are_renewed(
    control_plane: ControlPlane, account: Path, tmp_path: Path
) -> None:
    own, watched = Namespace.new(control_plane, None).name, Namespace.new(control_plane, CONFIGURATION)
    kubeconfig = make_operator_account(control_plane, own, CONFIGURATION)
    apply(control_plane, service_in_front(own))
    metrics, seen = OperatorMetrics(), Seen()
    policy = {"RequiredEnvironments": [CONFIGURATION]}
    with Gate(tmp_path, policy, account, events={"enabled": False}) as gate:
        gate.publish(digest_of("cart"))
        async with open_client(kubeconfig) as client:
            keeper = CertificateKeeper(client, Names(own, SERVICE, SECRET, CONFIGURATION), metrics, LIVES)
            await keeper.keep()
            mount(gate, secret_data(control_plane, own))
            apply(control_plane, configuration_by_service(CONFIGURATION, gate, own, CONFIGURATION))
            try:
                await keeper.keep()
                await poll_async(
                    lambda: asyncio.to_thread(watched.admits, image_of("cart")), DEADLINE, "the image is admitted"
                )
                with Creations(control_plane, watched.name) as creations:
                    await rotate(keeper, gate, seen, lambda: secret_data(control_plane, own))
            finally:
                control_plane.kubectl("delete", "validatingwebhookconfiguration", CONFIGURATION)
    assert creations.failures == []
    assert creations.admitted > 100
