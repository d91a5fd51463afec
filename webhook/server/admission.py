"""`POST /admit/{environment}`: one AdmissionReview in, one answer out, inside the deadline.

Reads straight down: decode, decide, record, answer; then, after the answer stands, the metric, the log line and
the Event.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from webhook.admission.answer import build_response
from webhook.admission.decide import Question, unavailable
from webhook.admission.decision import Decision, Ruling, record_decision
from webhook.admission.review import decode_review
from webhook.errors import ReviewError
from webhook.limits import LIMITS
from webhook.model.evidence import TriggerTime
from webhook.model.timestamp import unix_millis
from webhook.server.metrics import Metrics
from webhook.server.ruleset import Ruleset, RulesetHolder
from webhook.server.traces import Traces

_LOG = logging.getLogger(__name__)

_PATH = re.compile(r"/admit/([A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)")
_TIMEOUT = re.compile(r"(?:^|&)timeout=([0-9]{1,4}(?:\.[0-9]{1,9})?)(ms|s|m)(?:&|$)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class AdmissionHandler:
    """Answers admission reviews."""

    def __init__(self, rules: RulesetHolder, traces: Traces, metrics: Metrics) -> None:
        """Binds the handler to what it works with.

        Args:
            rules: The rules in force.
            traces: Where a decision leaves its traces.
            metrics: Counts bad requests and incidents.
        """
        self._rules = rules
        self._traces = traces
        self._metrics = metrics
        self.draining = False

    async def admit(self, request: web.BaseRequest) -> web.Response:
        """Answers one review.

        Args:
            request: `POST /admit/{environment}?timeout=10s` with a JSON body.

        Returns:
            200 with an AdmissionReview, whatever the verdict; 400, 404, 405, 413 or 415 for what is no review.
        """
        started = time.monotonic()
        path = _PATH.fullmatch(request.path)
        if path is None:
            return self._refuse(404, "no such path; reviews go to /admit/ENVIRONMENT")
        if request.method != "POST":
            return self._refuse(405, "reviews are posted")
        if request.content_type != "application/json":
            return self._refuse(415, "the content type is not application/json")
        environment = path[1]
        body = await request.read()
        try:
            review = decode_review(body)
        except ReviewError as error:
            return self._refuse(400, str(error))
        deadline = started + _time_left(request.query_string)
        now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
        question = Question(review, body, environment, now, deadline)
        rules = self._rules.current
        decision = await self._decide(question, rules)
        record = record_decision(decision, review, rules.settings, now)
        answer = build_response(review.uid, decision, record.digest, rules.settings)
        response = self._respond(answer)
        self._traces.leave(decision, review, record, rules.settings, time.monotonic() - started)
        return response

    async def _decide(self, question: Question, rules: Ruleset) -> Decision:
        """Decides; what nobody expected becomes "unavailable" with an incident id, and its stack goes to the log."""
        try:
            return await rules.decider.decide(question)
        except Exception:  # noqa: BLE001 - the last line of defence
            incident = secrets.token_hex(4)
            self._metrics.incidents.inc()
            _LOG.exception("incident", extra={"incident": incident, "uid": question.review.uid})
            result = unavailable(rules.settings, question.environment)
            return Decision(question.environment, (), Ruling(result, f"an internal error, incident {incident}"))

    def _respond(self, answer: dict[str, object]) -> web.Response:
        response = web.Response(body=json.dumps(answer).encode("ascii"), content_type="application/json")
        if self.draining:
            # The API server keeps idle connections to terminating pods; this sends it elsewhere.
            response.force_close()
        return response

    def _refuse(self, status: int, text: str) -> web.Response:
        self._metrics.bad_requests.inc()
        return web.Response(status=status, text=f"{text}\n")


def admission_server(handler: AdmissionHandler) -> web.Server:
    """Builds the server of reviews.

    aiohttp's low-level server: there is one path, so an application's router would only cost its time.

    Args:
        handler: Answers the reviews.

    Returns:
        The server, for a `ServerRunner`.
    """

    def _request(
        message: RawRequestMessage, payload: StreamReader, protocol: RequestHandler, writer: Any, task: Any
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        limit = LIMITS.review_bytes
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)

    return web.Server(handler.admit, request_factory=_request, access_log=None)


@lru_cache(maxsize=64)
def _time_left(query: str) -> float:
    """Reads the API server's `timeout` (a Go duration) and keeps a margin of it back; seconds."""
    match = _TIMEOUT.search(query)
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]] if match else LIMITS.deadline_default
    seconds = min(seconds, LIMITS.deadline_maximum)
    return seconds - min(LIMITS.deadline_margin, seconds / 2)
