"""Asks the real provider about an image in a registry, with the stores that a configuration file names."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.providers.asking import ask, told
from webhook.model.evidence import EvidenceResult
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.server.ruleset import build_stores
from webhook.settings.loading import load_settings


@asynccontextmanager
async def asking(
    folder: Path, registry: Mapping[str, Any], trust: Mapping[str, Any]
) -> AsyncIterator[ExecutionEvidenceProvider]:
    """Makes the provider of a configuration whose only store is the registry.

    Args:
        folder: Gets the configuration file.
        registry: The section `stores.registry`.
        trust: The section `trust`.

    Yields:
        The provider, with nothing cached.
    """
    document = {
        "PolicyGates": {"ExecutionEvidence": {"Enabled": True}},
        "stores": {"registry": dict(registry)},
        "trust": dict(trust),
    }
    file = folder / "gate.yaml"
    file.write_text(yaml.safe_dump(document))
    settings = load_settings(file)
    stores = build_stores(settings, None)
    try:
        yield ExecutionEvidenceProvider(settings, stores)
    finally:
        for store in stores:
            await store.stop()


async def judge(provider: ExecutionEvidenceProvider, image: str) -> EvidenceResult:
    """Asks about an image.

    Args:
        provider: Whom.
        image: The image, by digest.

    Returns:
        The result.
    """
    repository, _, digest = image.partition("@")
    return await ask(provider, datetime.now(UTC), image_digest=digest, repository=repository)


def reason(result: EvidenceResult) -> str:
    """Gives the reason code.

    Args:
        result: Of a question that was answered.

    Returns:
        For example `EvidenceSufficient`.
    """
    return told(result)["execution_evidence_reason"]
