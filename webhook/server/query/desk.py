"""The desk: every evidence query that comes from outside is answered here, whatever brought it.

It finds the provider, holds it to the deadline, takes out what may not be shown, and turns what nobody expected into
an error with an incident's id.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from webhook.limits import LIMITS
from webhook.model.contract import ProviderContract
from webhook.model.disclosure import Disclosure
from webhook.model.evidence import EvidenceContext, EvidenceProblem, EvidenceQuery, EvidenceResult
from webhook.providers.protocol import EvidenceProvider

_LOG = logging.getLogger(__name__)

Providers = Mapping[str, EvidenceProvider]
"""Who answers, by the id that a query names."""

PROVIDER_MISSING = "provider_missing"


class Answering(NamedTuple):
    """One snapshot of who answers, and what of it may be shown.

    Attributes:
        providers: Who answers.
        disclosure: What may be shown.
    """

    providers: Providers
    disclosure: Disclosure


class EvidenceDesk:
    """Answers queries by the providers in force."""

    def __init__(
        self,
        answering: Callable[[], Answering],
        on_incident: Callable[[], None] = lambda: None,
        seconds: float = LIMITS.query_seconds,
    ) -> None:
        """Binds the desk.

        Args:
            answering: Gives what is in force; called once a query, so that a query is answered by one snapshot.
            on_incident: Told of each unexpected exception.
            seconds: What a provider gets for one answer.
        """
        self._answering = answering
        self._on_incident = on_incident
        self._seconds = seconds

    def contracts(self) -> dict[str, ProviderContract]:
        """Gives the contracts in force.

        Returns:
            Provider's id to contract.
        """
        return {name: provider.contract for name, provider in self._answering().providers.items()}

    async def answer(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers one query.

        Args:
            query: What is asked, of whichever provider.
            context: On whose behalf and when.

        Returns:
            The provider's result as it may be shown; with `error` `provider_missing`, `evidence_unavailable` after
            the deadline, or `provider_error` with an incident's id. Never an exception.
        """
        providers, disclosure = self._answering()
        provider = providers.get(query.provider_id)
        if provider is None:
            return _problem(PROVIDER_MISSING, "no provider has this id")
        try:
            async with asyncio.timeout(self._seconds):
                result = await provider.query(query, context)
        except TimeoutError:
            return _problem("evidence_unavailable", f"no answer within {self._seconds:g} s")
        except Exception:  # noqa: BLE001 - the last line of defence
            incident = secrets.token_hex(4)
            self._on_incident()
            _LOG.exception("evidence query failed", extra={"incident": incident})
            return _problem("provider_error", f"an internal error, incident {incident}")
        return disclosure.disclosed(result, query.provider_id)


def _problem(code: str, message: str) -> EvidenceResult:
    return EvidenceResult(error=EvidenceProblem(code, message))
