"""The provider that asks elsewhere, and believes no more of an answer than the configuration says."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from webhook.errors import UnavailableError, UntrustedError
from webhook.gates.policy import MinLane
from webhook.limits import LIMITS
from webhook.model.contract import ProviderContract, dynamic_check
from webhook.model.evidence import EvidenceContext, EvidenceProblem, EvidenceQuery, EvidenceResult, Lane
from webhook.model.evidence_wire import write_request
from webhook.model.printable import printable
from webhook.providers.remote.client import RemoteClient
from webhook.providers.remote.opening import client_context, read_token
from webhook.settings.remote_files import Remote
from webhook.trust.result_signature import verify_result

UNTRUSTED: Final = "evidence_untrusted"
"""There is an answer, and the configuration says not to believe it."""
NAMESPACE_NOT_MAPPED: Final = "namespace_not_mapped"
"""The configuration gives the namespace no id there."""

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RemoteProvider:
    """Answers by what another gate, or a bare provider, says.

    Attributes:
        provider_id: As it is configured.
        contract: That nothing is promised here.
    """

    def __init__(self, remote: Remote, checks: Sequence[str]) -> None:
        """Binds it; no connection is opened.

        Args:
            remote: Whom to ask.
            checks: Those that conditions ask for, for the contract.

        Raises:
            ConfigurationError: Its certificates or its token cannot be used.
        """
        self._remote = remote
        self.provider_id = remote.section.id
        self.contract = _contract(remote.section.id, checks)
        self._client = RemoteClient(remote.section, client_context(remote), read_token(remote))

    async def stop(self) -> None:
        """Closes its connections."""
        await self._client.stop()

    async def query(self, query: EvidenceQuery, context: EvidenceContext) -> EvidenceResult:
        """Answers one query.

        Args:
            query: Its check and params are asked for there as they are.
            context: A review asks in the name of its namespace's id; whoever asks from outside in his own.

        Returns:
            The answer, if it may be believed; its hash is its value's. The error that it holds, in printable words.
            Else an error: `evidence_unavailable`, `evidence_untrusted` or `namespace_not_mapped`.
        """
        section = self._remote.section
        known = self._known_there(context)
        if known is None:
            return self._problem(NAMESPACE_NOT_MAPPED, "the namespace has no id in `namespaceIds`")
        there = query._replace(provider_id=section.provider_id or section.id)
        try:
            request, for_review = write_request(there, known), context.workload_namespace is not None
            result = await self._client.ask(request, context.correlation_id, for_review=for_review)
        except UnavailableError as error:
            return self._problem("evidence_unavailable", error.detail)
        if result.error is not None:
            return replace(result, error=self._passed_on(result.error))
        try:
            self._judge(result)
        except UntrustedError as error:
            return replace(
                result, value=None, evidence_hash=None, content_type=None, error=self._said(UNTRUSTED, error.detail)
            )
        return result

    def _known_there(self, context: EvidenceContext) -> EvidenceContext | None:
        """Puts ids in the context that mean something there; None if there are none."""
        if context.workload_namespace is None:
            return context
        section = self._remote.section
        namespace_id = section.namespace_ids.get(context.workload_namespace)
        if namespace_id is None or section.tenant_id is None:
            return None
        return context._replace(tenant_id=section.tenant_id, namespace_id=namespace_id)

    def _judge(self, result: EvidenceResult) -> None:
        if self._remote.section.min_lane is MinLane.VERIFIED and result.lane is not Lane.VERIFIED:
            raise UntrustedError("the answer is only asserted, where minLane is Verified")
        if self._remote.keys is not None:
            verify_result(result, self._remote.keys)

    def _passed_on(self, error: EvidenceProblem) -> EvidenceProblem:
        code = error.code if _CODE.fullmatch(error.code) else "provider_error"
        return self._said(code, f"it says: {printable(error.message, LIMITS.remote_message_characters)}")

    def _said(self, code: str, detail: str) -> EvidenceProblem:
        return EvidenceProblem(code, f"remote {self.provider_id}: {detail}")

    def _problem(self, code: str, detail: str) -> EvidenceResult:
        return EvidenceResult(error=self._said(code, detail))


def _contract(provider_id: str, checks: Sequence[str]) -> ProviderContract:
    return ProviderContract(
        provider_id,
        "Remote",
        "Asked elsewhere: what it takes and gives is said there.",
        tuple(dynamic_check(check, "Asked for by a condition of this configuration.") for check in checks),
        ("Any check may be asked for. What cannot be found out, or is not believed, is an error.",),
        fixed=False,
    )
