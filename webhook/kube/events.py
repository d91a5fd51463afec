"""Records Events without ever being in the way of an answer.

`record` only counts and queues. One task posts what is queued, through a token bucket, and patches the count of
repeats now and then. Everything has a bound: the queue (what comes when it is full is dropped), the series that are
remembered, the calls a second, and the tries for each call. What is dropped is counted.
"""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from dataclasses import dataclass

from webhook.kube.api_errors import ApiError, ApiStatusError, ApiUnreachableError
from webhook.kube.client import KubeClient
from webhook.kube.event_series import EventDraft, Regarding, Series
from webhook.kube.pacing import QuietLog, TokenBucket, backoff

__all__ = ["EventDraft", "EventPace", "EventRecorder", "Regarding"]

_LOG = logging.getLogger(__name__)
_CONFLICT, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 409, 404, 429, 500


@dataclass(frozen=True, slots=True)
class EventPace:
    """The recorder's sizes and times."""

    queue: int = 1000
    """Events that wait to be posted."""
    series: int = 4096
    """Events whose repeats are counted."""
    window_seconds: float = 360.0
    """After which an Event that did not repeat is forgotten; as client-go does."""
    patch_seconds: float = 5.0
    """Between two patches of one Event."""
    rate: float = 10.0
    """Calls a second in the long run."""
    burst: int = 50
    """Calls at once after a rest."""
    tries: int = 5
    """Answers without success for one Event or patch; an API server that cannot be reached gives none."""
    pause_seconds: float = 0.5
    """After the first failed try."""
    pause_cap_seconds: float = 10.0
    """After a later one, and the longest that a server's `Retry-After` is obeyed."""


DEFAULT_PACE = EventPace()


class EventRecorder:
    """Records Events of `events.k8s.io/v1`.

    Args:
        client: The client.
        instance: Which process reports, for example the pod's name.
        pace: Sizes and times.

    Attributes:
        posted: Events that the API server took.
        patched: Counts of repeats that it took.
        dropped: Events and counts that it never got.
    """

    def __init__(self, client: KubeClient, instance: str, pace: EventPace = DEFAULT_PACE) -> None:
        self._client = client
        self._instance = instance
        self._pace = pace
        self._bucket = TokenBucket(pace.rate, pace.burst)
        self._quiet = QuietLog(_LOG)
        self._series: OrderedDict[EventDraft, Series] = OrderedDict()  # By `seen`, oldest first.
        self._queue: deque[Series] = deque()
        self._due: OrderedDict[Series, float] = OrderedDict()  # When to patch, soonest first.
        self._patch_turn = False
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.posted = 0
        self.patched = 0
        self.dropped = 0

    @property
    def queued(self) -> int:
        """Events that wait to be posted."""
        return len(self._queue)

    async def start(self) -> None:
        """Begins to post."""
        self._task = asyncio.create_task(self._run(), name="events")

    async def close(self, deadline: float) -> None:
        """Posts what is queued, then stops.

        Args:
            deadline: Seconds after which the rest is dropped.
        """
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=deadline)
            self._task.cancel()
            await asyncio.wait({self._task})
        self.dropped += len(self._queue) + len(self._due)
        self._queue.clear()
        self._due.clear()

    def record(self, event: EventDraft) -> None:
        """Records an Event. Returns at once, and never raises.

        Args:
            event: What happened.
        """
        now = time.monotonic()
        series = self._series.get(event)
        if series is not None and now - series.seen < self._pace.window_seconds and not self._closing:
            series.repeat(now, event.decision)
            self._series.move_to_end(event)
            if series.reported:
                self._due.setdefault(series, now + self._pace.patch_seconds)
        elif self._closing or not event.postable or len(self._queue) >= self._pace.queue:
            self.dropped += 1
            return
        else:
            self._make_room(now)
            series = self._series[event] = Series(event, now)
            self._series.move_to_end(event)
            self._queue.append(series)
        self._wake.set()

    def _make_room(self, now: float) -> None:
        while self._series:
            oldest = next(iter(self._series.values()))
            if now - oldest.seen < self._pace.window_seconds and len(self._series) < self._pace.series:
                return
            del self._series[oldest.draft]  # What it still has to report stays in the queue or in `_due`.

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            series = self._next()
            if series is not None:
                await self._report(series)
            elif self._closing:
                return
            else:
                await self._rest()

    def _next(self) -> Series | None:
        """Takes turns between new Events and patches, so that a storm of either does not starve the other."""
        patch_is_due = bool(self._due) and (self._closing or next(iter(self._due.values())) <= time.monotonic())
        if patch_is_due and (self._patch_turn or not self._queue):
            self._patch_turn = False
            return self._due.popitem(last=False)[0]
        self._patch_turn = True
        return self._queue.popleft() if self._queue else None

    async def _rest(self) -> None:
        soonest = next(iter(self._due.values()), None)
        delay = None if soonest is None else max(0.0, soonest - time.monotonic())
        try:
            await asyncio.wait_for(self._wake.wait(), delay)
        except TimeoutError:
            return

    async def _report(self, series: Series) -> None:
        try:
            if series.reported:
                await self._patch(series)
            else:
                await self._post(series)
        except ApiError as error:
            self._drop(series, error.detail)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        except Exception as error:  # noqa: BLE001 - one Event that cannot be sent must not end all others
            self._drop(series, type(error).__name__)

    async def _post(self, series: Series) -> None:
        count = series.count
        try:
            await self._send("POST", series.collection, series)
        except ApiStatusError as error:
            # The name is random: if it is taken, an earlier try has arrived and only its answer was lost.
            if error.status != _CONFLICT:
                raise
        self.posted += 1
        self._reported(series, count)

    async def _patch(self, series: Series) -> None:
        count = series.count
        try:
            await self._send("PATCH", series.path, series)
        except ApiStatusError as error:
            if error.status != _NOT_FOUND:
                raise
            # Events live for an hour. A namespace that is gone answers the new one with 404, which ends it.
            series.renew()
            await self._post(series)
            return
        self.patched += 1
        self._reported(series, count)

    def _reported(self, series: Series, count: int) -> None:
        series.reported = count
        if series.count > count:
            self._due.setdefault(series, time.monotonic() + self._pace.patch_seconds)

    async def _send(self, method: str, path: str, series: Series) -> None:
        failures = refusals = 0
        while True:
            await self._bucket.take()
            try:
                body = series.patch() if method == "PATCH" else series.body(self._instance)
                await self._client.send(method, path, body)
            except ApiError as error:
                failures += 1
                # An API server that is away refuses nothing: what waits behind is bounded, and waits.
                refusals += not isinstance(error, ApiUnreachableError)
                if refusals == self._pace.tries or self._closing or not _passing(error):
                    raise
                await asyncio.sleep(self._pause(error, failures))
            else:
                return

    def _pause(self, error: ApiError, attempt: int) -> float:
        cap = self._pace.pause_cap_seconds
        asked = error.retry_after if isinstance(error, ApiStatusError) and error.retry_after else 0.0
        return max(min(asked, cap), backoff(attempt, self._pace.pause_seconds, cap))

    def _drop(self, series: Series, detail: str) -> None:
        self.dropped += 1
        if self._series.get(series.draft) is series and not series.reported:
            # The next of its kind is a new Event, not a repeat of one that is not there.
            del self._series[series.draft]
        regarding = series.draft.regarding
        self._quiet.warning("Event dropped", detail=detail, namespace=regarding.namespace, object=regarding.name)


def _passing(error: ApiError) -> bool:
    """Tells whether the same call may succeed later. 403 and 404 are a namespace that is gone or going."""
    if isinstance(error, ApiStatusError):
        return error.status == _TOO_MANY or error.status >= _SERVER_ERROR
    return isinstance(error, ApiUnreachableError)
