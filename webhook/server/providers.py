"""Who answers evidence queries by a configuration."""

import os
from collections.abc import Sequence

from webhook.providers.beacon_rate import BeaconRateProvider
from webhook.providers.env import EnvProvider
from webhook.providers.execution_evidence import ExecutionEvidenceProvider
from webhook.providers.opening import EnvelopeOpener
from webhook.providers.protocol import EvidenceProvider
from webhook.providers.remote.provider import RemoteProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore


def build_statement_providers(settings: Settings, stores: Sequence[EvidenceStore]) -> dict[str, EvidenceProvider]:
    """Makes the providers that judge envelopes, which is all that judging anew takes.

    Args:
        settings: The configuration.
        stores: As for `build_providers`.

    Returns:
        Id to provider.
    """
    # One for both: each would open the other's envelopes too.
    opener = EnvelopeOpener(settings.trust)
    providers: list[EvidenceProvider] = [
        ExecutionEvidenceProvider(settings, stores, opener),
        BeaconRateProvider(settings, stores, opener),
    ]
    return {provider.provider_id: provider for provider in providers}


def build_providers(settings: Settings, stores: Sequence[EvidenceStore]) -> dict[str, EvidenceProvider]:
    """Makes the providers that a configuration leads to.

    Args:
        settings: The configuration.
        stores: Its stores; their owner starts and stops them.

    Returns:
        Id to provider; those of all gates are always among them. The remote ones hold connections, which their owner
        closes.

    Raises:
        ConfigurationError: A file that a remote needs cannot be used.
    """
    providers = [*build_statement_providers(settings, stores).values()]
    section = settings.file.providers
    if section.env is not None:
        providers.append(EnvProvider(section.env, os.environb))
    for remote in settings.remotes:
        asked = {
            entry.query.check_id for entry in settings.conditions if entry.query.provider_id == remote.section.id
        }
        providers.append(RemoteProvider(remote, sorted(asked)))
    return {provider.provider_id: provider for provider in providers}
