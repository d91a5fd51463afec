"""A Deployment of an image in a real registry, attested with real cosign or oras, and what kubectl says about it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.attaching import WAYS, Publisher, Way
from tests.harness.cluster import Namespace, registered
from tests.harness.control_plane import ControlPlane
from tests.harness.gate import Gate
from tests.harness.polling import poll
from tests.harness.registry import Registry
from tests.harness.workloads import deployment

MISSING = "execution-evidence: No execution evidence found for this artifact in required environment"
ENVIRONMENT = "registry"

Push = Callable[[str], str]


@pytest.fixture(scope="module", params=[True, False], ids=["referrers-api", "no-referrers-api"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), referrers=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("publisher"))


@pytest.fixture(scope="module")
def gate(
    control_plane: ControlPlane,
    account: Path,
    registry: Registry,
    publisher: Publisher,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gate]:
    """A registered webhook whose only store is the registry."""
    sections = {
        "stores": {"registry": registry.settings("shop/*", absentSeconds=1.0, platforms="any")},
        "trust": publisher.trust(),
    }
    policy = {"RequiredEnvironments": [ENVIRONMENT]}
    with (
        Gate(tmp_path_factory.mktemp("gate"), policy, account, **sections) as running,
        registered(control_plane, running, [ENVIRONMENT]),
    ):
        yield running


@pytest.fixture
def namespace(control_plane: ControlPlane, gate: Gate) -> Namespace:  # noqa: ARG001 - it must run
    return Namespace.new(control_plane, ENVIRONMENT)


@pytest.fixture
def push(registry: Registry, namespace: Namespace) -> Push:
    """Pushes an image to a repository of this test alone; gives its reference by digest."""

    def do(name: str) -> str:
        pusher = registry.repository(f"shop/{namespace.name}-{name}")
        return f"{pusher.repository}@{pusher.image(name)}"

    return do


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_an_attested_image_is_admitted_without_a_word(
    namespace: Namespace, push: Push, publisher: Publisher, way: Way
) -> None:
    image = push("cart")
    way.attach(publisher, image)
    result = namespace.create(deployment("cart", image))
    assert (result.stdout, result.stderr) == ("deployment.apps/cart created\n", "")


def test_an_image_that_hardly_ran_is_denied(namespace: Namespace, push: Push, publisher: Publisher) -> None:
    image = push("cart")
    WAYS[0].attach(publisher, image, sufficient=False)
    result = namespace.create(deployment("cart", image))
    assert "execution-evidence: Execution evidence trace quality is insufficient: hot symbols 1 < 3" in result.stderr
    assert "(EvidenceInsufficient)" in result.stderr


def test_an_image_that_nobody_attested_is_denied(namespace: Namespace, push: Push) -> None:
    image = push("cart")
    result = namespace.create(deployment("cart", image))
    assert MISSING in result.stderr
    assert f"  image: {image} (container cart)" in result.stderr
    assert "(EvidenceMissing)" in result.stderr


def test_an_image_attested_by_a_stranger_is_denied_and_its_repository_named(
    namespace: Namespace, push: Push, tmp_path: Path
) -> None:
    image = push("cart")
    WAYS[0].attach(Publisher(tmp_path), image)
    result = namespace.create(deployment("cart", image))
    assert MISSING in result.stderr
    assert image.partition("@")[0] in next(line for line in result.stderr.splitlines() if "found:" in line)
    assert "(EvidenceUntrusted)" in result.stderr


def test_an_image_of_a_repository_that_is_not_allowed_is_denied(
    namespace: Namespace, registry: Registry, publisher: Publisher
) -> None:
    pusher = registry.repository("elsewhere/cart")
    image = f"{pusher.repository}@{pusher.image('cart')}"
    WAYS[0].attach(publisher, image)
    assert MISSING in namespace.create(deployment("cart", image)).stderr


def test_of_two_images_the_one_without_evidence_is_named(
    namespace: Namespace, push: Push, publisher: Publisher
) -> None:
    cart, migrate = push("cart"), push("migrate")
    WAYS[0].attach(publisher, cart)
    manifest = deployment("cart", cart)
    manifest["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": migrate}]
    result = namespace.create(manifest)
    assert f"  image: {migrate} (container migrate)" in result.stderr
    assert cart not in result.stderr


def test_what_is_attested_after_a_denial_is_admitted_soon(
    namespace: Namespace, push: Push, publisher: Publisher
) -> None:
    image = push("cart")
    assert MISSING in namespace.create(deployment("cart", image)).stderr
    WAYS[0].attach(publisher, image)
    poll(lambda: namespace.admits(image), 5, "the image is admitted")


def test_an_index_with_evidence_about_a_platform_is_admitted(
    namespace: Namespace, registry: Registry, publisher: Publisher
) -> None:
    pusher = registry.repository(f"shop/{namespace.name}")
    index, manifests = pusher.index("cart", ["linux/amd64", "linux/arm64", "unknown/unknown"])
    image = f"{pusher.repository}@{index}"
    assert MISSING in namespace.create(deployment("before", image)).stderr
    WAYS[0].attach(publisher, f"{pusher.repository}@{manifests['linux/arm64']}")
    poll(lambda: namespace.admits(image), 5, "the index is admitted")
