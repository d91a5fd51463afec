"""How the control plane's programs are started, where that differs from a production cluster."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.harness.pki import Pki

Flags = Mapping[str, object]

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def etcd_flags(data: Path, port: int, peer_port: int) -> Flags:
    """Gives etcd's flags.

    Args:
        data: Its folder.
        port: Where the API server finds it.
        peer_port: Where no peer ever calls.

    Returns:
        Flag to value.
    """
    client, peer = (f"http://127.0.0.1:{number}" for number in (port, peer_port))
    return {
        "data-dir": data,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "unsafe-no-fsync": "true",  # It need not survive a power cut.
    }


def api_server_flags(folder: Path, pki: Pki, port: int, etcd_port: int, *, controllers: bool) -> Flags:
    """Gives the API server's flags, and writes its audit policy.

    Args:
        folder: Gets the audit policy and the audit log.
        pki: Its certificates.
        port: Where it listens.
        etcd_port: Where etcd listens.
        controllers: Whether somebody makes service accounts; without, pods must do without them.

    Returns:
        Flag to value.
    """
    policy = folder / "audit-policy.json"
    policy.write_text(json.dumps(_AUDIT_POLICY))
    return {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "endpoint-reconciler-type": "none",  # The default refuses a loopback address (1.37).
        "tls-cert-file": pki.serving,
        "tls-private-key-file": pki.serving,
        "client-ca-file": pki.ca_file,
        "authorization-mode": "RBAC",
        # Where it really is: whoever verifies its tokens asks it for the keys.
        "service-account-issuer": f"https://127.0.0.1:{port}",
        "service-account-key-file": pki.service_account_key,
        "service-account-signing-key-file": pki.service_account_key,
        "service-cluster-ip-range": "10.0.0.0/24",
        "disable-admission-plugins": "" if controllers else "ServiceAccount",
        "audit-policy-file": policy,
        "audit-log-path": folder / "audit.jsonl",
    }


def controller_manager_flags(kubeconfig: Path, pki: Pki, port: int) -> Flags:
    """Gives the controller manager's flags.

    Args:
        kubeconfig: Of the user `system:kube-controller-manager`.
        pki: Signs service account tokens.
        port: Where it listens.

    Returns:
        Flag to value.
    """
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "authentication-skip-lookup": "true",
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "leader-elect": "false",
        "use-service-account-credentials": "true",  # Each controller has its own rights, as in a real cluster.
        "service-account-private-key-file": pki.service_account_key,
        "root-ca-file": pki.ca_file,
    }
