"""Callers for whom the API server vouches: a TokenReview says who, a SubjectAccessReview says whether.

Sources: authentication.k8s.io/v1 TokenReview, authorization.k8s.io/v1 SubjectAccessReview.
"""

import asyncio
import hashlib
import logging
from typing import Any

from webhook.kube.api_errors import ApiError
from webhook.kube.client import KubeClient
from webhook.kube.pacing import QuietLog
from webhook.limits import LIMITS
from webhook.model.bounded import remember
from webhook.server.query.faults import (
    CALLER_CHECK_UNAVAILABLE,
    RATE_LIMITED,
    UNAUTHENTICATED,
    UNAUTHORIZED,
    FaultError,
)
from webhook.server.query.pacing import RateLimit
from webhook.stores.cache import FetchCache, Fetched

_LOG = logging.getLogger(__name__)

AUDIENCE = "execution-evidence-gate"
"""For whom a token must be made. One for the API server is refused, so nobody sends us what opens the cluster."""
PATH = "/v1/evidence/query"
VERB = "post"
"""The right that a caller needs, whichever surface is asked: `nonResourceURLs` and `verbs` of a ClusterRole."""

_TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_REPLY_BYTES = 1024 * 1024
_WEIGHT = 1

_Answer = str | FaultError


class ClusterCallers:
    """Asks the API server about each token, and remembers what it said for a moment."""

    def __init__(self, client: KubeClient) -> None:
        """Binds the rule.

        Args:
            client: May create tokenreviews and subjectaccessreviews.
        """
        self._client = client
        self._known: FetchCache[bytes, _Answer] = FetchCache(LIMITS.query_callers, LIMITS.query_callers)
        self._rate = RateLimit(LIMITS.caller_check_rate, LIMITS.caller_check_burst)
        self._rate_of_known = RateLimit(LIMITS.caller_check_rate, LIMITS.caller_check_burst)
        self._let_in_before: dict[bytes, None] = {}
        self._quiet = QuietLog(_LOG)

    async def start(self) -> None:
        """Nothing is followed: the API server is asked when somebody comes."""

    async def stop(self) -> None:
        """Ends the questions that are under way."""
        await self._known.close()

    async def admit(self, token: str) -> str:
        """As `CallerRule.admit`; the name is the user's."""
        # Not the token itself: nothing that opens a door lies about in memory longer than a request.
        key = hashlib.sha256(token.encode("ascii")).digest()

        async def _ask() -> Fetched[_Answer]:
            return await self._ask(token, key)

        answer = await self._known.get(key, _ask)
        if isinstance(answer, FaultError):
            # A new one: an exception that is raised twice collects both traces.
            raise FaultError(answer.kind, answer.message, retry_after=answer.retry_after)
        return answer

    async def _ask(self, token: str, key: bytes) -> Fetched[_Answer]:
        # A flood of tokens that strangers make up uses up only what is there for strangers.
        wait = (self._rate_of_known if key in self._let_in_before else self._rate).take()
        if wait is not None:
            fault = FaultError(RATE_LIMITED, "too many tokens are new", retry_after=wait)
            return Fetched(fault, "error", _WEIGHT, 0.0)
        try:
            async with asyncio.timeout(LIMITS.caller_check_seconds):
                name = await self._vouched(token)
        except FaultError as fault:
            return Fetched(fault.with_traceback(None), "absent", _WEIGHT, LIMITS.caller_seconds)
        except (ApiError, TimeoutError) as error:
            detail = error.detail if isinstance(error, ApiError) else "no answer in time"
            self._quiet.warning("callers cannot be checked", detail=detail)
            unknown = FaultError(CALLER_CHECK_UNAVAILABLE, "who asks could not be found out", retry_after=1000)
            return Fetched(unknown, "error", _WEIGHT, 0.0)
        remember(self._let_in_before, key, None, LIMITS.query_callers)
        return Fetched(name, "found", _WEIGHT, LIMITS.caller_seconds)

    async def _vouched(self, token: str) -> str:
        """Gives the user's name; refuses who is nobody, or may not."""
        status = await self._review(_TOKEN_REVIEWS, "TokenReview", {"token": token, "audiences": [AUDIENCE]})
        user, audiences = status.get("user"), status.get("audiences")
        authenticated = status.get("authenticated") is True and not status.get("error")
        if not authenticated or not isinstance(audiences, list) or AUDIENCE not in audiences:
            raise FaultError(UNAUTHENTICATED, f"the token is not valid for the audience {AUDIENCE}")
        if not isinstance(user, dict) or not isinstance(user.get("username"), str) or not user["username"]:
            raise FaultError(UNAUTHENTICATED, "the token is nobody's")
        subject = {"user": user["username"]} | {k: user[k] for k in ("uid", "groups", "extra") if user.get(k)}
        asked = subject | {"nonResourceAttributes": {"path": PATH, "verb": VERB}}
        access = await self._review(_ACCESS_REVIEWS, "SubjectAccessReview", asked)
        if access.get("allowed") is not True or access.get("denied"):
            raise FaultError(UNAUTHORIZED, f"the right to {VERB} {PATH} is missing")
        return str(user["username"])

    async def _review(self, path: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        group = path.split("/")[2]
        body = {"apiVersion": f"{group}/v1", "kind": kind, "spec": spec}
        status = (await self._client.create(path, body, _REPLY_BYTES)).get("status")
        return status if isinstance(status, dict) else {}
