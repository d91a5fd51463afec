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
from webhook.admission.decision import Decision, DecisionRecord, Ruling, record_decision
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
            200 with an AdmissionReview, whatever the verdict; 400, 404, 405, 408, 413 or 415 for what is no review.
        """
        started = time.monotonic()
        path = _PATH.fullmatch(request.path)
        if path is None or request.method != "POST" or request.content_type != "application/json":
            return self._refuse(*_misdirected(request, known=path is not None))
        deadline = started + _time_left(request.query_string)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                body = await request.read()
            review = decode_review(body)
        except TimeoutError:
            return self._refuse(408, "the body did not arrive within the deadline")
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(413, "the body is too large")
        except ReviewError as error:
            return self._refuse(400, str(error))
        now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
        rules = self._rules.current
        decision, record = await self._decide(Question(review, body, path[1], now, deadline), rules)
        response = self._respond(build_response(review.uid, decision, record.digest, rules.settings))
        self._traces.leave(decision, review, record, rules.settings, time.monotonic() - started)
        return response

    async def _decide(self, question: Question, rules: Ruleset) -> tuple[Decision, DecisionRecord]:
        """Decides; what nobody expected becomes "unavailable" with an incident id, and its stack goes to the log."""
        settings, review = rules.settings, question.review
        try:
            decision = await rules.decider.decide(question)
            return decision, record_decision(decision, review, settings, question.trigger_time)
        except Exception:  # noqa: BLE001 - the last line of defence
            incident = secrets.token_hex(4)
            self._metrics.incidents.inc()
            _LOG.exception("incident", extra={"incident": incident, "uid": review.uid})
            ruling = Ruling(unavailable(settings, question.environment), f"an internal error, incident {incident}")
            decision = Decision(question.environment, (), ruling)
            return decision, record_decision(decision, review, settings, question.trigger_time)

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


def _misdirected(request: web.BaseRequest, *, known: bool) -> tuple[int, str]:
    if not known:
        return 404, "no such path; reviews go to /admit/ENVIRONMENT"
    if request.method != "POST":
        return 405, "reviews are posted"
    return 415, "the content type is not application/json"


@lru_cache(maxsize=64)
def _time_left(query: str) -> float:
    """Reads the API server's `timeout` (a Go duration) and keeps a margin of it back; seconds."""
    match = _TIMEOUT.search(query)
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]] if match else LIMITS.deadline_default
    seconds = min(seconds, LIMITS.deadline_maximum)
    return seconds - min(LIMITS.deadline_margin, seconds / 2)
