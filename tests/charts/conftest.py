from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.chart import NAMESPACE, RELEASE, Helm
from tests.harness.cluster import apply
from tests.harness.control_plane import ControlPlane
from tests.tools.build import program

HERE = Path(__file__).resolve().parent
_TOOLS = {"helm", "control_plane"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function) and _TOOLS & set(item.fixturenames):
            item.add_marker("integration")


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without a cluster. Its absence is a failure: nothing here may be skipped."""
    return Helm(program("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """An API server and its controllers, so that service accounts, ReplicaSets and pods appear."""
    with ControlPlane(controllers=True) as running:
        # Pod Security refuses whatever is not `restricted`, in the dry run too.
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        apply(running, manifest)
        yield running


@pytest.fixture(scope="session")
def cluster_helm(helm: Helm, control_plane: ControlPlane) -> Helm:
    """Helm with the rights of an administrator."""
    return Helm(helm.program, helm.home, control_plane.kubeconfig)


@pytest.fixture
def nothing(control_plane: ControlPlane, cluster_helm: Helm) -> Iterator[None]:
    """A namespace as before the first install, and again afterwards."""
    control_plane.kubectl(
        "label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted", "--overwrite"
    )
    yield
    cluster_helm.run("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
