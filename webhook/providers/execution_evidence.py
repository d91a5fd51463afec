"""The provider `execution-evidence`: was an image seen running elsewhere?"""

from collections.abc import Sequence

from webhook.providers.kinds import EXECUTION_EVIDENCE
from webhook.providers.opening import EnvelopeOpener
from webhook.providers.statements import StatementProvider
from webhook.settings.loading import Settings
from webhook.stores.protocol import EvidenceStore


class ExecutionEvidenceProvider(StatementProvider):
    """Answers from statements of execution evidence."""

    def __init__(
        self, settings: Settings, stores: Sequence[EvidenceStore], opener: EnvelopeOpener | None = None
    ) -> None:
        """Binds one snapshot of the settings to the stores.

        Args:
            settings: As for `StatementProvider`.
            stores: As for `StatementProvider`.
            opener: As for `StatementProvider`.
        """
        super().__init__(EXECUTION_EVIDENCE, settings, stores, opener)
