"""Who answers evidence queries by a configuration."""

import os
from collections.abc import Sequence

from webhook.providers.env import EnvProvider
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.providers.protocol import EvidenceProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore


def build_providers(settings: Settings, stores: Sequence[EvidenceStore]) -> dict[str, EvidenceProvider]:
    """Makes the providers that a configuration leads to.

    Args:
        settings: The configuration.
        stores: Its stores; their owner starts and stops them.

    Returns:
        Id to provider; those of all gates are always among them.
    """
    providers: list[EvidenceProvider] = [ExecutionEvidenceProvider(settings, stores)]
    section = settings.file.providers
    if section.env is not None:
        providers.append(EnvProvider(section.env, os.environb))
    return {provider.provider_id: provider for provider in providers}
