"""Letting a request past the gate, if the API server says that its user may."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from webhook.admission.break_glass import Access, BreakGlass, Claim, Requester, objection
from webhook.admission.decision import Decision
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.evidence import TriggerTime
from webhook.model.gate import Verdict
from webhook.model.timestamp import from_unix_millis
from webhook.settings.file import BreakGlassSettings

VERB = "bypass"
RESOURCE = "executionevidencegates"
GROUP = "stella.ops"
"""The right that a user needs in the object's namespace. No such resource exists: it is asked for here alone."""

_MISSING = f"the right to {VERB} {RESOURCE}.{GROUP} in this namespace is missing"
OFF = "breakGlass is not enabled"
NOBODY_TO_ASK = "there is no API server to ask whether the user may"
NOT_IN_TIME = "whether the user may could not be found out in time"
NOT_FOUND_OUT = "whether the user may could not be found out: "
"""How a problem begins that the API server, or the way to it, has."""


class AccessReviewer(Protocol):
    """Asks the API server what a user may do."""

    async def review_access(self, spec: Mapping[str, Any]) -> bool:
        """Asks.

        Args:
            spec: Of a SubjectAccessReview about a namespaced resource.

        Returns:
            True if it is allowed.

        Raises:
            UnavailableError: There is no answer.
        """


class Bypass:
    """Judges claims by one snapshot of the settings. Nothing is remembered: a right that is taken back has ended."""

    def __init__(self, settings: BreakGlassSettings, reviewer: AccessReviewer | None) -> None:
        """Binds the rule.

        Args:
            settings: The section `breakGlass`.
            reviewer: Asks the API server; None where there is none.
        """
        self._settings = settings
        self._reviewer = reviewer

    @property
    def enabled(self) -> bool:
        """Whether a claim can count at all."""
        return self._settings.enabled

    def time_to_decide(self, deadline: float) -> float:
        """Keeps some time back to ask the API server: evidence that cannot be had takes all that it is given.

        Args:
            deadline: When an answer must stand, on `time.monotonic`'s scale, seconds.

        Returns:
            When the decision must stand.
        """
        left = deadline - time.monotonic()
        return deadline - min(LIMITS.access_review_reserve, left / 2)

    async def consider(
        self, decision: Decision, claim: Claim, trigger_time: TriggerTime, deadline: float
    ) -> Decision:
        """Considers a claim, if it is needed.

        Args:
            decision: The decision without it.
            claim: The claim.
            trigger_time: The review's clock, Unix milliseconds.
            deadline: When an answer must stand, on `time.monotonic`'s scale, seconds.

        Returns:
            The decision with what came of the claim; as it was if it admits the request anyway.
        """
        if decision.verdict is not Verdict.FAIL:
            return decision
        longest = self._settings.max_duration
        problem = objection(claim, from_unix_millis(trigger_time.value), longest) if self._settings.enabled else OFF
        access = Access.NOT_ASKED
        if not problem:
            access, problem = await self._ask(claim, deadline)
        return replace(decision, break_glass=BreakGlass(claim, access, problem, longest))

    async def _ask(self, claim: Claim, deadline: float) -> tuple[Access, str]:
        if self._reviewer is None:
            return Access.UNKNOWN, NOBODY_TO_ASK
        timer = asyncio.timeout(min(LIMITS.access_review_seconds, deadline - time.monotonic()))
        try:
            async with timer:
                allowed = await self._reviewer.review_access(_spec(claim.requester, claim.namespace))
        except UnavailableError as error:
            return Access.UNKNOWN, f"{NOT_FOUND_OUT}{error.detail}"
        except TimeoutError:
            if not timer.expired():
                raise  # As in the decider: a bug to be told, not a deadline.
            return Access.UNKNOWN, NOT_IN_TIME
        return (Access.ALLOWED, "") if allowed else (Access.DENIED, _MISSING)


def _spec(who: Requester, namespace: str) -> dict[str, Any]:
    attributes = {"verb": VERB, "group": GROUP, "resource": RESOURCE, "namespace": namespace}
    spec: dict[str, Any] = {"user": who.username, "resourceAttributes": attributes}
    if who.uid:
        spec["uid"] = who.uid
    if who.groups:
        spec["groups"] = list(who.groups)
    if who.extra:
        spec["extra"] = dict(who.extra)
    return spec
