"""Many pipelines at once, each a process, at a registry without the referrers API that heeds no conditions."""

import contextlib
import json
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.harness.attaching import Publisher
from tests.harness.oci import Pusher
from tests.harness.registry import Registry
from tests.publish.tools import Pipeline, cosign_verifies, ended
from tests.tools.build import program
from webhook.publish.registry import Layout
from webhook.settings.stores import RegistryStoreSettings
from webhook.stores.registry.auth.docker_config import DockerConfig
from webhook.stores.registry.auth.keyring import ConfiguredKeyring
from webhook.stores.registry.client.client import RegistryClient
from webhook.stores.registry.reference import Repository, attestation_tag, fallback_tag

pytestmark = pytest.mark.integration

MANY = 8
NOBODY = ConfiguredKeyring(DockerConfig())
LAYOUTS = pytest.mark.parametrize("layout", Layout)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry"), referrers=False) as running:
        yield running


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.new(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def shop(registry: Registry) -> Pusher:
    return registry.repository(f"shop/{uuid.uuid4().hex[:8]}")


async def listed(registry: Registry, shop: Pusher, digest: str, layout: Layout, folder: Path) -> list[dict[str, Any]]:
    """Reads the list, by the gate's own client."""
    tag, member = (
        (attestation_tag(digest), "layers") if layout is Layout.COSIGN else (fallback_tag(digest), "manifests")
    )
    client = RegistryClient(RegistryStoreSettings.model_validate(registry.settings()), folder, lambda _: None)
    try:
        manifest = await client.manifest(Repository(shop.host, shop.path), tag, NOBODY)
    finally:
        await client.close()
    entries: list[dict[str, Any]] = json.loads(manifest.raw)[member]
    return entries


def all_of(processes: Sequence["subprocess.Popen[str]"]) -> list[str]:
    """Waits for pipelines, all of which must succeed, and gives the digests that they name."""
    said = [ended(process) for process in processes]
    assert [one.code for one in said] == [0] * len(said), said
    return [one.errors.partition("@")[2][:71] for one in said]


@LAYOUTS
async def test_all_pipelines_are_listed_at_the_end(
    registry: Registry, shop: Pusher, pipeline: Pipeline, tmp_path: Path, layout: Layout
) -> None:
    digest = shop.image("cart")
    image = f"{shop.repository}@{digest}"
    pushed = all_of([pipeline.begin(image, "--push", f"--layout={layout}") for _ in range(MANY)])
    entries = await listed(registry, shop, digest, layout, tmp_path)
    assert len(set(pushed)) == MANY
    assert sorted(entry["digest"] for entry in entries) == sorted(pushed)
    assert len(cosign_verifies(tmp_path, pipeline.public_key, image, layout)) == MANY


@LAYOUTS
async def test_tools_that_do_not_look_again_lose_nothing_of_ours(
    registry: Registry, shop: Pusher, pipeline: Pipeline, tmp_path: Path, layout: Layout
) -> None:
    digest = shop.image("cart")
    image = f"{shop.repository}@{digest}"
    (tmp_path / "publisher").mkdir()
    others = Publisher(tmp_path / "publisher")
    envelope = others.envelope(image)
    with contextlib.ExitStack() as stack:
        ours = [pipeline.begin(image, "--push", f"--layout={layout}") for _ in range(4)]
        theirs = [stack.enter_context(_attaching(tmp_path, image, envelope, layout)) for _ in range(6)]
        for process in theirs:
            process.wait(60)
        pushed = all_of(ours)
    assert set(pushed) <= {str(entry["digest"]) for entry in await listed(registry, shop, digest, layout, tmp_path)}
    assert len(cosign_verifies(tmp_path, pipeline.public_key, image, layout)) == len(pushed)


def _attaching(folder: Path, image: str, envelope: Path, layout: Layout) -> "subprocess.Popen[bytes]":
    """Starts a tool of others, which reads the list, writes it, and goes."""
    if layout is Layout.COSIGN:
        command = ["cosign", "attach", "attestation", "--allow-http-registry", f"--attestation={envelope}", image]
    else:
        note = f"--annotation=note={uuid.uuid4()}"
        kind = "--artifact-type=application/vnd.in-toto+json"
        command = ["oras", "attach", "--plain-http", kind, note, image, envelope.name]
    return subprocess.Popen(
        [program(command[0]), *command[1:]],
        cwd=envelope.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"HOME": str(folder), "DOCKER_CONFIG": str(folder)},
    )
