"""Rules for tests: with one provider of the test's own, and with nothing to hide."""

from webhook.admission.decide import Decider
from webhook.providers.protocol import EvidenceProvider
from webhook.server.providers import build_providers
from webhook.server.ruleset import Ruleset
from webhook.settings.loading import Settings

OPEN = {"allowRawValues": True, "requireProviderOptIn": False}
"""The section `disclosure` under which everything may be shown."""


def ruled_by(settings: Settings, provider: EvidenceProvider) -> Ruleset:
    """Rules over no store at all, in which a provider takes the place of the one with its id."""
    providers = build_providers(settings, []) | {provider.provider_id: provider}
    return Ruleset(settings, Decider(settings, providers), providers)
