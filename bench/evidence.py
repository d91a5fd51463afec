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
from webhook.attest.folded import parse_folded

_PROFILE = Path(__file__).resolve().parent.parent / "manifests" / "examples" / "profiles" / "cart.folded"
_CONNECTIONS = 16


@functools.cache
def predicate() -> dict[str, Any]:
    """Makes the predicate of the example profile.

    Returns:
        2 KB as JSON; not to be changed.
    """
    with _PROFILE.open("rb") as stream:
        profile = parse_folded(stream)
    return ExecutionEvidenceBuilder(Observation("staging", datetime.now(UTC))).predicate(profile)


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
    tls = credentials(control_plane.kubeconfig)
    objects = _objects(signer, digests)
    url = f"{control_plane.url}{EVIDENCE}"
    connector = aiohttp.TCPConnector(ssl=tls, limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(_create(session, url, objects))


async def _create(session: aiohttp.ClientSession, url: str, objects: Iterator[dict[str, Any]]) -> None:
    for item in objects:
        async with session.post(url, json=item) as answer:
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
