"""Evidence beside the image, in the registry that the node pulls from; brought into use by `helm upgrade`."""

from pathlib import Path

import pytest

from tests.charts.chart import CHART, NAMESPACE, RELEASE
from tests.e2e.builder import PAUSE, Builder
from tests.e2e.node.files import REGISTRY, REGISTRY_ADDRESS
from tests.e2e.release import SECONDS, Release
from tests.harness.attaching import WAYS, Publisher, Way
from tests.harness.cluster import Namespace
from tests.harness.polling import poll
from tests.harness.workloads import deployment

BESIDE_IMAGES = {
    "allow": [f"{REGISTRY}/*"],
    # The test's own registry speaks plain HTTP.
    "hosts": {REGISTRY: {"insecure": True}},
}


@pytest.fixture(scope="module")
def publisher(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    """Somebody who attests beside images, and whom the upgraded release trusts."""
    made = Publisher(tmp_path_factory.mktemp("publisher"))
    keys = [{"name": key["name"], "publicKey": Path(key["file"]).read_text()} for key in made.trust()["keys"]]
    values = {"registry": BESIDE_IMAGES, "trust": {"keys": keys}, "networkPolicy": {"registryPorts": [5000]}}
    where = ("--namespace", NAMESPACE, "--reset-then-reuse-values", "--wait")
    release.helm.run("upgrade", RELEASE, CHART, *where, values=values)
    return made


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_pod_runs_once_its_image_has_been_attested(
    production: Namespace, publisher: Publisher, builder: Builder, way: Way
) -> None:
    name = f"way-{WAYS.index(way)}"
    digest = builder.push(PAUSE, f"{REGISTRY_ADDRESS}/shop/{name}:1")
    image = f"{REGISTRY}/shop/{name}@{digest}"
    way.attach(publisher, f"{REGISTRY_ADDRESS}/shop/{name}@{digest}")
    # The kubelet brings the changed ConfigMap within about a minute.
    poll(lambda: production.admits(image), SECONDS, "the image is admitted")
    assert production.create(deployment(name, image)).returncode == 0
    production.kubectl("wait", "--for=condition=Available", f"deployment/{name}", "--timeout=60s")
