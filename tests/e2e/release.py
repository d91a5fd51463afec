"""The release and what is deployed through it, as its users see them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.charts.chart import NAMESPACE, RELEASE, Helm
from tests.docs.console import ROOT
from tests.e2e.node.cluster import Cluster
from tests.e2e.node.files import REGISTRY
from tests.harness.cluster import Namespace
from tests.harness.polling import poll
from tests.harness.workloads import deployment

SECONDS = 120.0
WEBHOOK = f"{RELEASE}-webhook"
OPERATOR = f"{RELEASE}-operator"


class Shop:
    """A team's images, and the evidence that its staging has given.

    Attributes:
        evidence: The ExecutionEvidence object about `cart`.
        public_key: The key of staging, PEM.
    """

    def __init__(self, cluster: Cluster, folder: Path, digests: dict[str, str]) -> None:
        """Makes the evidence with the command line, as the documentation says.

        Args:
            cluster: Where the images are.
            folder: An empty folder.
            digests: Name of each image to the digest of its manifest.
        """
        self._cluster = cluster
        self._digests = digests
        key, envelope = folder / "staging.pem", folder / "cart.json"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        public = subprocess.run(
            ["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True, text=True
        )
        self.public_key = public.stdout
        profile = ROOT / "manifests/examples/profiles/cart.folded"
        image = ["--image", self.image("cart"), "--environment", "staging", "--profile", str(profile)]
        program = Path(sys.executable).with_name("evidence-gate")
        subprocess.run(
            [program, "attest", *image, "--observed-until", "now", "--key", key, "--output", envelope],
            check=True,
            capture_output=True,
        )
        self.evidence = {
            "apiVersion": "stella.ops/v1alpha1",
            "kind": "ExecutionEvidence",
            "metadata": {"name": "cart-staging"},
            "spec": {"envelope": json.loads(envelope.read_text())},
        }

    def image(self, name: str) -> str:
        """Gives the pinned reference of an image.

        Args:
            name: `cart`, which staging has seen, or `unseen`.
        """
        return f"{REGISTRY}/shop/{name}@{self._digests[name]}"

    def deployment(self, name: str, replicas: int = 1) -> dict[str, Any]:
        """Makes a Deployment of one image.

        Args:
            name: The image's name.
            replicas: Its pods.
        """
        return deployment(name, self.image(name), replicas=replicas)


@dataclass(frozen=True)
class Release:
    """The installed chart."""

    cluster: Cluster
    helm: Helm

    def kubectl(self, *args: str, check: bool = True, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs kubectl in the release's namespace; as `ApiServer.kubectl`."""
        return self.cluster.kubectl("-n", NAMESPACE, *args, check=check, seconds=seconds)

    def read(self, kind: str, name: str) -> dict[str, Any]:
        """Reads an object of the release."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json").stdout)
        return found

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Lists the pods of a component, those that stop included.

        Args:
            component: `webhook` or `operator`.
        """
        selector = f"app.kubernetes.io/component={component}"
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "-l", selector, "-o", "json").stdout)[
            "items"
        ]
        return found

    def scale(self, deployment_name: str, replicas: int) -> None:
        """Sets the number of pods, and waits until it is so.

        Args:
            deployment_name: The Deployment.
            replicas: The number.
        """
        self.kubectl("scale", "deployment", deployment_name, f"--replicas={replicas}")
        component = deployment_name.removeprefix(f"{RELEASE}-")
        if replicas:
            self.wait_until_rolled_out(deployment_name)
        poll(lambda: len(self.pods(component)) == replicas, SECONDS, f"{replicas} pods of {deployment_name}")

    def wait_until_rolled_out(self, deployment_name: str) -> None:
        """Waits for `kubectl rollout status`."""
        self.kubectl(
            "rollout", "status", f"deployment/{deployment_name}", f"--timeout={SECONDS:.0f}s", seconds=SECONDS
        )

    def wait_until_asked(self, namespace: Namespace, shop: Shop) -> None:
        """Waits until the gate decides about a namespace, and knows the evidence.

        Args:
            namespace: A namespace of a required environment.
            shop: Its images.
        """
        poll(lambda: not namespace.admits(shop.image("unseen")), SECONDS, "the gate denies what nobody has seen")
        poll(lambda: namespace.admits(shop.image("cart")), SECONDS, "the gate admits what staging has seen")

    def served_until(self) -> set[float]:
        """Tells when the certificates end that the webhook's pods serve: Unix times, one if all serve the same."""
        name = "execution_evidence_gate_certificate_not_after_seconds "
        ends = set()
        for pod in self.pods("webhook"):
            path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
            text = self.cluster.kubectl("get", "--raw", path).stdout
            ends |= {float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)}
        return ends
