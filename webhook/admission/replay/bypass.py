"""Past the gate again: the claim is judged anew, and the API server says what it said then."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from webhook.admission.break_glass import Access, Claim, Requester
from webhook.admission.bypass import NOBODY_TO_ASK, NOT_FOUND_OUT, NOT_IN_TIME, Bypass
from webhook.admission.decision import Decision
from webhook.admission.replay.failure import CannotReplayError, Missing, TamperedError
from webhook.admission.replay.recorded import Content, RecordedBreakGlass
from webhook.errors import UnavailableError
from webhook.model.evidence import TriggerTime
from webhook.model.gate import Verdict
from webhook.settings.loading import Settings

_AMPLE_SECONDS = 3600.0


class _RecalledReviewer:
    """Says what the API server said."""

    def __init__(self, recorded: RecordedBreakGlass) -> None:
        self._recorded = recorded

    async def review_access(self, spec: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the protocol's
        access, problem = self._recorded.access, self._recorded.problem
        if access is Access.NOT_ASKED:
            raise CannotReplayError(Missing("whether the user may bypass the gate, which nobody asked then"))
        if access is not Access.UNKNOWN:
            return access is Access.ALLOWED
        if problem == NOT_IN_TIME:
            await asyncio.Event().wait()
        raise UnavailableError(problem.removeprefix(NOT_FOUND_OUT))


async def bypass_again(decision: Decision, content: Content, settings: Settings) -> Decision:
    """Considers a recorded claim again.

    Args:
        decision: The decision without it.
        content: The record.
        settings: The rules.

    Returns:
        The decision with what came of the claim.

    Raises:
        TamperedError: There is a claim where none was needed.
        CannotReplayError: Under these rules it would have to be known what nobody asked then.
    """
    recorded = content.break_glass
    if recorded is None:
        return decision
    if decision.verdict is not Verdict.FAIL:
        raise TamperedError("a claim to be let past the gate was considered where none was needed")
    user = Requester(username=recorded.user.username, uid=recorded.user.uid, groups=tuple(recorded.user.groups))
    clock = content.decision.trigger_time
    reviewer = None if recorded.problem == NOBODY_TO_ASK else _RecalledReviewer(recorded)
    # Whoever was too late then is too late at once.
    seconds = 0.0 if recorded.problem == NOT_IN_TIME else _AMPLE_SECONDS
    return await Bypass(settings.file.break_glass, reviewer).consider(
        decision,
        Claim(recorded.reason, recorded.expires, user, content.request.namespace),
        TriggerTime(clock.kind, clock.value),
        time.monotonic() + seconds,
    )
