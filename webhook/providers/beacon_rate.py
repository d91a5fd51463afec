"""The provider `beacon-rate`: of the beacons that an image should have sent elsewhere, how many were verified?"""

from collections.abc import Sequence

from webhook.providers.kinds import beacon_attestation
from webhook.providers.opening import EnvelopeOpener
from webhook.providers.statements import StatementProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore


class BeaconRateProvider(StatementProvider):
    """Answers from beacon attestations."""

    def __init__(
        self, settings: Settings, stores: Sequence[EvidenceStore], opener: EnvelopeOpener | None = None
    ) -> None:
        """Binds one snapshot of the settings to the stores.

        Args:
            settings: As for `StatementProvider`.
            stores: As for `StatementProvider`.
            opener: As for `StatementProvider`.
        """
        super().__init__(beacon_attestation(settings.file.policy_gates.beacon_rate), settings, stores, opener)
