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
from webhook.admission.decide import Question
from webhook.admission.decision import Decision
from webhook.admission.record import DecisionRecord, record_decision
from webhook.admission.review import decode_review
from webhook.errors import ReviewError
from webhook.limits import LIMITS
from webhook.model.evidence import TriggerTime
from webhook.model.timestamp import unix_millis
from webhook.server.clients import ClientRule
from webhook.server.metrics import Metrics
from webhook.server.ruleset import Ruleset, RulesetHolder
from webhook.server.traces import Traces
from webhook.settings.loading import Settings

_LOG = logging.getLogger(__name__)

_PATH = re.compile(r"/admit/([A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)")
_TIMEOUT = re.compile(r"(?:^|&)timeout=([0-9]{1,4}(?:\.[0-9]{1,9})?)(ms|s|m)(?:&|$)")
_JSON = {"Content-Type": "application/json"}
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class AdmissionHandler:
    """Answers admission reviews."""

    def __init__(self, rules: RulesetHolder, traces: Traces, metrics: Metrics, clients: ClientRule) -> None:
        """Binds the handler to what it works with.

        Args:
            rules: The rules in force.
            traces: Where a decision leaves its traces.
            metrics: Counts bad requests and incidents.
            clients: Who may ask.
        """
        self._rules = rules
        self._traces = traces
        self._metrics = metrics
        self._clients = clients
        self.draining = False

    async def admit(self, request: web.BaseRequest) -> web.Response:
        """Answers one review.

        Args:
            request: `POST /admit/{environment}?timeout=10s` with a JSON body.

        Returns:
            200 with an AdmissionReview, whatever the verdict; 400, 404, 405, 408, 413 or 415 for what is no review,
            and 403 for a client that may not ask.
        """
        started = time.monotonic()
        if not self._clients.may_ask(request):
            return self._refuse(403, "the client's certificate has none of the names that may ask")
        target = _read_target(request.raw_path)
        if target is None or request.method != "POST" or request.content_type != "application/json":
            return self._refuse(*_misdirected(request, known=target is not None))
        environment, seconds = target
        deadline = started + seconds
        try:
            body = await _read_body(request, deadline)
            review = decode_review(body)
        except TimeoutError:
            return self._refuse(408, "the body did not arrive within the deadline")
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(413, "the body is too large")
        except ReviewError as error:
            return self._refuse(400, str(error))
        now = TriggerTime("unix_millis", unix_millis(datetime.now(UTC)))
        rules = self._rules.current
        question = Question(review, body, environment, now, deadline)
        decision, record, answer = await self._answer(question, rules)
        response = self._respond(answer)
        try:
            self._traces.leave(decision, review, record, rules.settings, time.monotonic() - started)
        except Exception:  # noqa: BLE001 - the answer stands, whatever becomes of its traces
            self._metrics.incidents.inc()
            _LOG.exception("a decision left no trace", extra={"uid": review.uid})
        return response

    async def _answer(self, question: Question, rules: Ruleset) -> tuple[Decision, DecisionRecord, dict[str, Any]]:
        """Decides; what nobody expected becomes "unavailable" with an incident id, and its stack goes to the log."""
        try:
            return _conclude(await rules.decider.decide(question), question, rules.settings)
        except Exception:  # noqa: BLE001 - the last line of defence
            incident = secrets.token_hex(4)
            self._metrics.incidents.inc()
            _LOG.exception("incident", extra={"incident": incident, "uid": question.review.uid})
            decision = rules.decider.unavailable(question.environment, f"an internal error, incident {incident}")
            return _conclude(decision, question, rules.settings)

    def _respond(self, answer: dict[str, object]) -> web.Response:
        response = web.Response(body=json.dumps(answer).encode("ascii"), headers=_JSON)
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


def _conclude(
    decision: Decision, question: Question, settings: Settings
) -> tuple[Decision, DecisionRecord, dict[str, Any]]:
    record = record_decision(decision, question.review, settings, question.trigger_time)
    return decision, record, build_response(question.review.uid, decision, record.digest, settings)


async def _read_body(request: web.BaseRequest, deadline: float) -> bytes:
    if request.content.is_eof():
        # All of it has arrived: the usual case, and no timer is needed to wait for nothing.
        return await request.read()
    async with asyncio.timeout(deadline - time.monotonic()):
        return await request.read()


@lru_cache(maxsize=256)
def _read_target(target: str) -> tuple[str, float] | None:
    """Reads path and query of a request: the environment, and the seconds there are; None for another path."""
    path, _, query = target.partition("?")
    match = _PATH.fullmatch(path)
    return None if match is None else (match[1], _time_left(query))


def _time_left(query: str) -> float:
    """Reads the API server's `timeout` (a Go duration) and keeps a margin of it back; seconds."""
    match = _TIMEOUT.search(query)
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]] if match else LIMITS.deadline_default
    seconds = min(seconds, LIMITS.deadline_maximum)
    return seconds - min(LIMITS.deadline_margin, seconds / 2)
