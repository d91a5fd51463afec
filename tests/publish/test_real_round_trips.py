"""What the command line pushes, real tools and the gate itself find and verify, in every kind of registry."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import cosign as cosigns
from tests.harness.cosign import Cosign
from tests.harness.oci import Pusher
from tests.harness.registry import LOGIN_BASE64, Registry
from tests.publish.tools import PREDICATE_TYPE, Pipeline, cosign_verifies, oras_discovers
from tests.stores.registry.real import asking, judge, reason
from webhook.publish.registry import Layout

pytestmark = pytest.mark.integration

LAYOUTS = pytest.mark.parametrize("layout", Layout)


@pytest.fixture(scope="module", params=[True, False], ids=["with the API", "without it"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the referrers API, and one without."""
    with Registry(tmp_path_factory.mktemp("registry"), referrers=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.new(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Cosign:
    return Cosign(tmp_path_factory.mktemp("cosign"))


@pytest.fixture
def shop(registry: Registry) -> Pusher:
    """A repository that nothing has been pushed to."""
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


def push(pipeline: Pipeline, image: str, layout: Layout) -> str:
    """Pushes, and gives the digest that the command line names."""
    said = pipeline.attest(image, "--push", f"--layout={layout}")
    assert (said.code, said.output) == (0, ""), said.errors
    found = re.search(r"pushed: \S+@(sha256:[0-9a-f]{64})", said.errors)
    assert found
    return found[1]


async def counts(registry: Registry, pipeline: Pipeline, folder: Path, image: str) -> str:
    """Asks the gate."""
    async with asking(folder, registry.settings(), pipeline.trust()) as provider:
        return reason(await judge(provider, image))


@LAYOUTS
async def test_cosign_oras_and_the_gate_find_what_was_pushed(
    registry: Registry, shop: Pusher, pipeline: Pipeline, tmp_path: Path, layout: Layout
) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    pushed = push(pipeline, image, layout)
    assert len(cosign_verifies(tmp_path, pipeline.public_key, image, layout)) == 1
    if layout is Layout.REFERRER:
        assert oras_discovers(tmp_path, image)[pushed]["dev.sigstore.bundle.predicateType"] == PREDICATE_TYPE
    assert await counts(registry, pipeline, tmp_path, image) == "EvidenceSufficient"


@LAYOUTS
async def test_an_index_is_a_subject_as_an_image_is(
    registry: Registry, shop: Pusher, pipeline: Pipeline, tmp_path: Path, layout: Layout
) -> None:
    digest, platforms = shop.index("cart", ["linux/amd64", "linux/arm64"])
    push(pipeline, f"{shop.repository}@{digest}", layout)
    cosign_verifies(tmp_path, pipeline.public_key, f"{shop.repository}@{digest}", layout)
    assert await counts(registry, pipeline, tmp_path, f"{shop.repository}@{digest}") == "EvidenceSufficient"
    # What ran was one platform, and nobody knows which: the others have no evidence by that.
    one = f"{shop.repository}@{platforms['linux/arm64']}"
    assert await counts(registry, pipeline, tmp_path, one) == "EvidenceMissing"


@LAYOUTS
def test_what_cosign_has_put_there_stays_and_cosign_leaves_ours(
    shop: Pusher, pipeline: Pipeline, cosign: Cosign, tmp_path: Path, layout: Layout
) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    theirs: cosigns.Layout = "tag" if layout is Layout.COSIGN else "bundle"
    cosign.attest(image, layout=theirs)
    push(pipeline, image, layout)
    cosign.attest(image, layout=theirs)
    push(pipeline, image, layout)
    assert len(cosign_verifies(tmp_path, cosign.public_key, image, layout)) == 2
    assert len(cosign_verifies(tmp_path, pipeline.public_key, image, layout)) == 2


def test_another_predicate_type_is_verified_by_its_name(shop: Pusher, pipeline: Pipeline, tmp_path: Path) -> None:
    image = f"{shop.repository}@{shop.image('cart')}"
    plain = "stella.ops/executionEvidence@v1"
    said = pipeline.attest(image, "--push", f"--predicate-type={plain}")
    assert said.code == 0, said.errors
    assert len(cosign_verifies(tmp_path, pipeline.public_key, image, Layout.REFERRER, plain)) == 1


@LAYOUTS
def test_a_registry_that_wants_a_login_gets_the_one_of_docker(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "pipeline").mkdir()
    pipeline = Pipeline.new(tmp_path / "pipeline")
    with Registry(tmp_path / "registry", referrers=True, private=True) as registry:
        shop = registry.repository("shop/cart")
        image = f"{shop.repository}@{shop.image('cart')}"
        options = ("--push", f"--layout={layout}", "--registry-secure", "--output=cart.json")
        trusted = {"SSL_CERT_FILE": str(registry.ca_file)}
        refused = pipeline.attest(image, *options, environment=trusted)
        assert refused.code == 3
        assert "not pushed: registry 127.0.0.1" in refused.errors
        assert "asks for credentials (401), and there is none that it would take" in refused.errors
        (pipeline.folder / "config.json").write_text(registry.docker_config())
        pushed = pipeline.attest(image, *options, environment=trusted)
        assert pushed.code == 0, pushed.errors
    for said in (refused, pushed):
        assert LOGIN_BASE64 not in said.output + said.errors
    assert json.loads((pipeline.folder / "cart.json").read_text())
