"""One cluster a session; a release a file, so that each file stands by itself."""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE, Helm
from tests.e2e.__main__ import FOLDER_VARIABLE
from tests.e2e.builder import GATE, PAUSE, Builder
from tests.e2e.load import NOTES
from tests.e2e.node import cluster as node
from tests.e2e.node.cluster import Cluster
from tests.e2e.node.files import REGISTRY, REGISTRY_ADDRESS
from tests.e2e.release import Release, Shop
from tests.harness.cluster import Namespace, apply
from tests.tools.build import program

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("e2e")
            item.add_marker("integration")


@pytest.fixture(scope="session")
def builder() -> Builder:
    """The images that `python -m tests.e2e` has built."""
    return Builder()


@pytest.fixture(scope="session")
def cluster(builder: Builder) -> Iterator[Cluster]:
    """The cluster, its node ready and the images in its registry."""
    assert FOLDER_VARIABLE in os.environ, "run `make e2e`, which makes the namespaces that the cluster lives in"
    started = time.monotonic()
    with Cluster(Path(os.environ[FOLDER_VARIABLE])) as running:
        builder.push(PAUSE, node.PAUSE.replace(REGISTRY, REGISTRY_ADDRESS))
        running.start_node()
        NOTES.append(f"cluster ready: {time.monotonic() - started:.0f} s")
        yield running


@pytest.fixture(scope="session")
def shop(cluster: Cluster, builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two images in the registry, one of which staging has seen."""
    images = {
        name: builder.push(image, f"{REGISTRY_ADDRESS}/shop/{name}:1")
        for name, image in {"cart": PAUSE, "unseen": GATE}.items()
    }
    return Shop(cluster, tmp_path_factory.mktemp("shop"), images)


@pytest.fixture(scope="session")
def helm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm with the rights of an administrator."""
    return Helm(program("helm"), tmp_path_factory.mktemp("helm"), cluster.kubeconfig)


@pytest.fixture(scope="module")
def release(cluster: Cluster, helm: Helm, builder: Builder, shop: Shop) -> Iterator[Release]:
    """The chart, installed as docs/install.md says, in a namespace that Pod Security restricts."""
    digest = builder.push(GATE, f"{REGISTRY_ADDRESS}/execution-evidence-gate:e2e")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    values = {
        "image": {"repository": f"{REGISTRY}/execution-evidence-gate", "digest": digest},
        "gate": {"enabled": True, "missingEvidenceAction": "Block"},
        "trust": {"keys": [{"name": "staging", "publicKey": shop.public_key, "environments": ["staging"]}]},
    }
    started = time.monotonic()
    helm.run("install", RELEASE, CHART, "--namespace", NAMESPACE, "--wait", "--timeout=100s", values=values)
    NOTES.append(f"helm install --wait: {time.monotonic() - started:.0f} s")
    yield Release(cluster, helm)
    helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=90)


@pytest.fixture(scope="module")
def production(cluster: Cluster, release: Release, shop: Shop) -> Iterator[Namespace]:
    """A namespace of the environment `production`, with the evidence in place and the gate asked about it."""
    apply(cluster, shop.evidence)
    namespace = Namespace.new(cluster, "production")
    release.wait_until_asked(namespace, shop)
    yield namespace
    cluster.kubectl("delete", "namespace", namespace.name, "--wait=false")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what was measured."""
    if NOTES:
        terminalreporter.section("measured")
        for note in NOTES:
            terminalreporter.write_line(note)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the state of the cluster beside a failure."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(cluster, Cluster):
        for question in (
            ("get", "pods", "-A", "-o", "wide"),
            ("get", "events", "-A"),
            ("logs", "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={RELEASE}", "--prefix", "--tail=20"),
        ):
            answer = cluster.kubectl(*question, check=False)
            report.sections.append((f"kubectl {' '.join(question)}", (answer.stdout + answer.stderr)[-6000:]))
    return report
