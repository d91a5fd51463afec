"""The node's configuration files: what differs from a production node, and why."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NODE_NAME = "node1"
NODE = "10.99.0.1"
"""The address of the node, its API server, its registry and its DNS."""
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
REGISTRY = "registry.test:5000"
"""The registry as images name it; it speaks plain HTTP."""
REGISTRY_ADDRESS = f"{NODE}:5000"
DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Folders:
    """Where the node keeps its state.

    Attributes:
        root: Holds everything; its path must be short, since sockets lie below it.
    """

    root: Path

    def __getitem__(self, name: str) -> Path:
        """Gives a folder below the root, made if it is not there."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def socket(self) -> Path:
        """Containerd's socket."""
        return self["run"] / "containerd.sock"

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        """Writes a file below the root.

        Args:
            name: Its path there.
            content: Text, or what becomes JSON.

        Returns:
            The file.
        """
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path


def containerd(folders: Folders, pause: str) -> Path:
    """Writes containerd's configuration, its network plugin's, and how the registry is reached.

    Args:
        folders: The node's folders.
        pause: The sandbox's image.

    Returns:
        The configuration file.
    """
    network = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,  # A pod may call its own Service.
        "ipam": {
            "type": "host-local",
            "dataDir": str(folders["cni-ipam"]),
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    folders.write("cni/10-bridge.conflist", {"cniVersion": "0.4.0", "name": "pods", "plugins": [network]})
    server = f"http://{REGISTRY_ADDRESS}"
    hosts = f'server = "{server}"\n[host."{server}"]\ncapabilities = ["pull", "resolve"]\n'
    folders.write(f"certs.d/{REGISTRY}/hosts.toml", hosts)
    return folders.write("containerd.toml", _CONTAINERD.format(folders=folders, root=folders.root, pause=pause))


# `restrict_oom_score_adj`: root in a container may lack CAP_SYS_RESOURCE.
_CONTAINERD = """\
version = 2
root = "{root}/containerd"
state = "{root}/run/containerd"
oom_score = 0
[grpc]
  address = "{folders.socket}"
[ttrpc]
  address = "{folders.socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{root}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{root}/certs.d"
"""


def kubelet(folders: Folders, ca_file: Path, serving: Path) -> Path:
    """Writes the kubelet's configuration.

    Args:
        folders: The node's folders.
        ca_file: Who signed its callers' certificates.
        serving: Its own certificate, chain and key in one file.

    Returns:
        The file.
    """
    resolver = folders.write("resolv.conf", f"nameserver {NODE}\n")
    content = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(ca_file)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(serving),
        "tlsPrivateKeyFile": str(serving),
        "containerRuntimeEndpoint": f"unix://{folders.socket}",
        "cgroupDriver": "cgroupfs",  # No systemd here.
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "resolvConf": str(resolver),
        "podLogsDir": str(folders["pod-logs"]),
        "volumePluginDir": str(folders["volume-plugins"]),
        "imageGCHighThresholdPercent": 100,  # A full disk of the developer's is no reason to remove images.
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "oomScoreAdj": 0,
        "clusterDomain": DOMAIN,
        "clusterDNS": [NODE],
    }
    return folders.write("kubelet.json", content)


def kube_proxy(folders: Folders, kubeconfig: Path) -> Path:
    """Writes kube-proxy's configuration.

    Args:
        folders: The node's folders.
        kubeconfig: Of the user `system:kube-proxy`.

    Returns:
        The file.
    """
    content = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": NODE,
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": PODS,
        # Limits of the whole machine, which are not ours to set.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    return folders.write("kube-proxy.json", content)


def coredns(folders: Folders, kubeconfig: Path) -> Path:
    """Writes CoreDNS's configuration.

    Args:
        folders: The node's folders.
        kubeconfig: Of a user who may read Services and Endpoints.

    Returns:
        The file.
    """
    registry = REGISTRY.partition(":")[0]
    zones = f"kubernetes {DOMAIN} in-addr.arpa {{\n kubeconfig {kubeconfig}\n}}"
    hosts = f"hosts {{\n {NODE} {registry}\n fallthrough\n}}"
    return folders.write("Corefile", f".:53 {{\nbind {NODE}\nerrors\n{zones}\n{hosts}\ncache 5\n}}\n")


def registry(folders: Folders) -> Path:
    """Writes the registry's configuration.

    Args:
        folders: The node's folders.

    Returns:
        The file.
    """
    content = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folders["registry"])}},
        "http": {"addr": REGISTRY_ADDRESS},
    }
    return folders.write("registry.json", content)
