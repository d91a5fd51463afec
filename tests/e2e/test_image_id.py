"""What the real kubelet and containerd say a container runs, on which the observer leans (docs/adr/0030)."""

import json
import platform
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.builder import PAUSE, Builder
from tests.e2e.node.cluster import Cluster
from tests.e2e.node.files import REGISTRY, REGISTRY_ADDRESS
from tests.harness.cluster import Namespace
from tests.harness.oci import CONFIG, INDEX, MANIFEST, Pusher
from webhook.observer.running import Place, Run, Window, runs_of

PATH = "shop/told"
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
WINDOW = Window(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1))


@dataclass(frozen=True)
class Pushed:
    """An image, and an index that lists it beside one for machines that nobody here has."""

    manifest: str
    index: str


@pytest.fixture(scope="module")
def pushed(cluster: Cluster, builder: Builder) -> Pushed:  # noqa: ARG001 - its registry
    """The sandbox's image under another configuration, since the node knows that one by a name already."""
    found = json.loads(fetched("manifests", builder.push(PAUSE, f"{REGISTRY_ADDRESS}/{PATH}:pause")))
    config = json.loads(fetched("blobs", found["config"]["digest"]))
    pusher = Pusher(REGISTRY_ADDRESS, PATH)
    own = pusher.blob(json.dumps(config | {"author": "told"}).encode(), CONFIG)
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": own, "layers": found["layers"]}
    manifest = pusher.manifest(content, MANIFEST, "1")
    _, others = pusher.index("other", ["linux/s390x"])
    children = [
        {"mediaType": MANIFEST, "digest": digest, "size": size, "platform": {"os": "linux", "architecture": machine}}
        for digest, size, machine in (
            (manifest, len(json.dumps(content)), MACHINE),
            (others["linux/s390x"], 1, "s390x"),
        )
    ]
    return Pushed(
        manifest, pusher.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}, INDEX, "both")
    )


def fetched(kind: str, digest: str) -> bytes:
    request = urllib.request.Request(
        f"http://{REGISTRY_ADDRESS}/v2/{PATH}/{kind}/{digest}", headers={"Accept": MANIFEST}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        content: bytes = answer.read()
    return content


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[Namespace]:
    made = Namespace.new(cluster, "staging")
    yield made
    cluster.kubectl("delete", "namespace", made.name, "--wait=false")


def told(namespace: Namespace, name: str, reference: str) -> tuple[Run, str]:
    """Runs a pod, and reads what is said of it: as it is read, and to the letter."""
    container = {"name": "cart", "image": f"{REGISTRY}/{PATH}{reference}"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    created = namespace.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    assert created.returncode == 0, created.stderr
    namespace.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    pod: dict[str, Any] = json.loads(namespace.kubectl("get", "pod", name, "-o", "json").stdout)
    [run] = runs_of(pod, Place(namespace.name, "staging"), WINDOW)
    assert isinstance(run, Run), pod["status"]
    assert run.image.repository == f"{REGISTRY}/{PATH}"
    return run, pod["status"]["containerStatuses"][0]["imageID"]


def test_an_index_that_was_pulled_is_told_itself(namespace: Namespace, pushed: Pushed) -> None:
    run, letter = told(namespace, "by-index", f"@{pushed.index}")
    assert (run.image.digest, run.named) == (pushed.index, pushed.index)
    assert letter == f"{REGISTRY}/{PATH}@{pushed.index}"


def test_an_image_of_several_names_is_told_by_any_of_them(namespace: Namespace, pushed: Pushed) -> None:
    for name, reference, named in (
        ("by-tag", ":1", None),
        ("by-manifest", f"@{pushed.manifest}", pushed.manifest),
        ("by-index-again", f"@{pushed.index}", pushed.index),
    ):
        run, _ = told(namespace, name, reference)
        assert run.named == named
        assert run.image.digest in {pushed.manifest, pushed.index}


def test_the_name_may_be_of_another_repository(namespace: Namespace, builder: Builder) -> None:
    """Why the repository is taken from the pod's own reference."""
    digest = builder.push(PAUSE, f"{REGISTRY_ADDRESS}/{PATH}:pause")
    run, letter = told(namespace, "by-another", ":pause")
    assert run.image.digest == digest
    # Of the sandbox, which the node has pulled first.
    assert letter == f"{REGISTRY}/pause@{digest}"
