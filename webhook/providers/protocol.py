"""What every provider can do."""

from typing import Protocol

from webhook.model.contract import ProviderContract
from webhook.model.evidence import EvidenceContext, EvidenceQuery, EvidenceResult


class EvidenceProvider(Protocol):
    """Answers evidence queries; the same object serves admission, HTTP and the command line.

    Attributes:
        provider_id: The id that a query names.
        contract: What it takes and gives.
    """

    provider_id: str
    contract: ProviderContract

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers one query.

        Args:
            query: What is asked; `provider_id` is this provider's.
            context: On whose behalf and when; its trigger time is the only clock.

        Returns:
            The result. A failure is a result with `error` set, never an exception.
        """
