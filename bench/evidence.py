"""Evidence of the usual size: what `evidence-gate attest` makes of the example profile, about many images."""

import asyncio
import functools
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bench import review
from bench.api import EVIDENCE, credentials
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import Signer, digest_of, statement
from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import count_execution
from webhook.attest.reading import read_profile

_PROFILE = Path(__file__).resolve().parent.parent / "manifests" / "examples" / "profiles" / "cart.folded"
_CONNECTIONS = 16


@functools.cache
def predicate() -> dict[str, Any]:
    """Makes the predicate of the example profile.

    Returns:
        2 KB as JSON; not to be changed.
    """
    with _PROFILE.open("rb") as stream:
        counted = count_execution(read_profile(stream))
    return ExecutionEvidenceBuilder(Observation("staging", datetime.now(UTC))).predicate(counted)


def image_digests(count: int) -> list[str]:
    """Names the images that a store holds evidence about.

    Args:
        count: How many.

    Returns:
        Distinct digests, the two of the reviewed Deployment first.
    """
    return [*review.IMAGES, *(digest_of(f"image {index}") for index in range(count - len(review.IMAGES)))]


async def fill(control_plane: ControlPlane, signer: Signer, digests: list[str]) -> None:
    """Creates one signed ExecutionEvidence an image.

    Args:
        control_plane: Where; it knows the resource.
        signer: Whose word it is.
        digests: The images.

    Raises:
        AssertionError: The API server refused one.
    """
    await create_all(control_plane, ((EVIDENCE, item) for item in _objects(signer, digests)))


async def create_all(control_plane: ControlPlane, objects: Iterator[tuple[str, dict[str, Any]]]) -> None:
    """Creates objects, some at a time.

    Args:
        control_plane: Where.
        objects: Each one's collection, as a path, and the object.

    Raises:
        AssertionError: The API server refused one.
    """
    connector = aiohttp.TCPConnector(ssl=credentials(control_plane.kubeconfig), limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(_create(session, control_plane.url, objects))


async def _create(session: aiohttp.ClientSession, url: str, objects: Iterator[tuple[str, dict[str, Any]]]) -> None:
    for path, item in objects:
        async with session.post(f"{url}{path}", json=item) as answer:
            content = await answer.text()
            assert answer.status == 201, content[:500]


def _objects(signer: Signer, digests: list[str]) -> Iterator[dict[str, Any]]:
    for number, digest in zip(itertools.count(), digests, strict=False):
        yield {
            "apiVersion": "stella.ops/v1alpha1",
            "kind": "ExecutionEvidence",
            "metadata": {"name": f"evidence-{number:05}"},
            "spec": {"envelope": json.loads(signer.sign(statement(digest, **predicate())))},
        }
