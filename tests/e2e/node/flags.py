"""How the programs of the node and its control plane are started."""

import json
from pathlib import Path

from tests.e2e.node.files import API_SERVICE, NODE, NODE_NAME, SERVICES, Folders
from tests.harness.flags import Flags
from tests.harness.pki import Pki

API_PORT = 6443
ETCD_PORT = 2379
URL = f"https://{NODE}:{API_PORT}"

NAMES = (NODE, API_SERVICE, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1")
"""What the API server's certificate is for."""


def api_server_flags(folders: Folders, pki: Pki) -> Flags:
    """Gives the API server's flags.

    Args:
        folders: The node's folders.
        pki: Its certificates.

    Returns:
        Flag to value.
    """
    client = pki.user("kubelet-client", "system:masters")
    return {
        "etcd-servers": f"http://127.0.0.1:{ETCD_PORT}",
        "bind-address": NODE,
        "advertise-address": NODE,
        "secure-port": API_PORT,
        "tls-cert-file": pki.serving,
        "tls-private-key-file": pki.serving,
        "client-ca-file": pki.ca_file,
        "authorization-mode": "Node,RBAC",
        # The second one is OpenShift's default: who sets an owner must have the right to.
        "enable-admission-plugins": "NodeRestriction,OwnerReferencesPermissionEnforcement",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": pki.service_account_key,
        "service-account-signing-key-file": pki.service_account_key,
        "service-cluster-ip-range": SERVICES,
        "kubelet-client-certificate": client,
        "kubelet-client-key": client,
        "kubelet-certificate-authority": pki.ca_file,
        "kubelet-preferred-address-types": "InternalIP",
        "audit-policy-file": folders.write("audit-policy.json", json.dumps(_AUDIT)),
        "audit-log-path": folders.root / "audit.jsonl",
    }


_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]}],
}


def scheduler_flags(kubeconfig: Path) -> Flags:
    """Gives the scheduler's flags.

    Args:
        kubeconfig: Of the user `system:kube-scheduler`.

    Returns:
        Flag to value.
    """
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
    }


def kubelet_flags(folders: Folders, configuration: Path, kubeconfig: Path) -> Flags:
    """Gives the kubelet's flags.

    Args:
        folders: The node's folders.
        configuration: Its file.
        kubeconfig: Of the node's own user.

    Returns:
        Flag to value.
    """
    return {
        "config": configuration,
        "kubeconfig": kubeconfig,
        "hostname-override": NODE_NAME,
        "node-ip": NODE,
        "root-dir": folders["kubelet"],
        "cert-dir": folders["kubelet-pki"],
    }
