"""Follows one kind of object: lists it, then watches, and starts anew whenever something is not as it should be.

What readers may rely on:

- `state` is None until a list has been read to its end; a list that fails is never taken for an empty one.
- A list is read into a fresh state beside the old one, which then replaces it at once. Objects that vanished while
  nobody watched are not in it.
- Whatever goes wrong with a watch (410 Gone, a broken connection, a line that is not JSON, a stream that ends at
  once) leads to a new list, after a pause that doubles and has a cap. There is one way to recover, so a cluster
  that was restored to an older revision is noticed as well: a watch alone would wait for that revision in silence.
- `unheard_seconds` says for how long nothing has proved that the state is in step. Proof is a list, the acceptance
  of a watch, any of its lines, and its orderly end. Each watch is asked to end after 45 s, so a connection that
  died in silence cannot pass for a quiet cluster.

Sources: Kubernetes API concepts, "Efficient detection of changes" (list, watch, bookmarks, 410, limit and
continue).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from webhook.kube.api_errors import ApiError, ApiGarbageError, ApiStatusError, ApiTooLargeError
from webhook.kube.client import KubeClient, parse_object
from webhook.kube.pacing import TimeSlice, backoff

_LOG = logging.getLogger(__name__)


class State(Protocol):
    """What the objects are kept in. Its methods are called between readers, never beside them."""

    @property
    def wants_list(self) -> bool:
        """True if the state left objects out and could now hold them."""

    def put(self, obj: dict[str, Any]) -> None:
        """Takes an object that is new or has changed; an object of the same name is replaced.

        Args:
            obj: The object as JSON; to be read and not kept.
        """

    def remove(self, obj: dict[str, Any]) -> None:
        """Drops an object.

        Args:
            obj: The object as it last was; it may never have been put.
        """


@dataclass(frozen=True, slots=True)
class ReflectorPace:
    """The reflector's sizes and times."""

    page_objects: int = 500
    """Objects in one page of a list; fewer while they are large."""
    page_bytes: int = 8 * 1024 * 1024
    """One page. Parsing blocks the loop: 500 objects of 3 KB take 10 ms, and this bounds what large ones take."""
    list_seconds: float = 120.0
    """One list, all pages."""
    watch_seconds: int = 45
    """After which the server is to end a watch."""
    watch_grace_seconds: float = 10.0
    """After which a watch that did not end is cut."""
    pause_seconds: float = 0.25
    """After the first failure in a row."""
    pause_cap_seconds: float = 30.0
    """After many."""
    steady_seconds: float = 2.0
    """A watch that lived longer, or brought an event, ends a row of failures."""


DEFAULT_PACE = ReflectorPace()

S = TypeVar("S", bound=State)
_V = TypeVar("_V")


class Reflector(Generic[S]):
    """Keeps a state in step with one collection of the API server.

    Args:
        client: The client.
        path: The collection's path, for example `/apis/stella.ops/v1alpha1/executionevidences`.
        new_state: Makes an empty state; it is given the state that the new one will replace, or None, and may
            reuse what it knows of unchanged objects.
        pace: Sizes and times.

    Attributes:
        state: What is known, or None while nothing is.
        failure: Why the last attempt failed, as a lower-case clause; empty while all is well.
        lists: Lists that were read to their end.
        failures: Attempts that failed.
    """

    def __init__(
        self, client: KubeClient, path: str, new_state: Callable[[S | None], S], pace: ReflectorPace = DEFAULT_PACE
    ) -> None:
        self._client = client
        self._path = path
        self._new_state = new_state
        self._pace = pace
        self._task: asyncio.Task[None] | None = None
        self._attempted = asyncio.Event()
        self._heard = time.monotonic()
        self._failures_in_a_row = 0
        self.state: S | None = None
        self.failure = ""
        self.lists = 0
        self.failures = 0

    @property
    def unheard_seconds(self) -> float:
        """Seconds since the last proof that the state was in step."""
        return time.monotonic() - self._heard

    async def start(self) -> None:
        """Begins to follow; returns once the first list has been read or has failed."""
        self._task = asyncio.create_task(self._run(), name=f"reflector {self._path}")
        await self._attempted.wait()

    async def stop(self) -> None:
        """Stops following, and forgets the state."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self.state = None

    async def _run(self) -> None:
        while True:
            wait = 0.0
            try:
                version = await self._list()
                self._attempted.set()
                while self.state is not None and not self.state.wants_list:
                    version = await self._watch(version)
            except ApiError as error:
                wait = self._failed(error.detail, error)
            except TimeoutError as error:
                wait = self._failed("the API server did not send the whole list in time", error)
            except Exception as error:  # noqa: BLE001 - a task that ended here would leave a state to grow old in silence
                _LOG.exception("reflector failed", extra={"path": self._path})
                wait = self._failed("an unexpected error, see the log", error)
            self._attempted.set()
            await asyncio.sleep(wait)

    async def _list(self) -> str:
        fresh = self._new_state(self.state)
        limit, token, version = self._pace.page_objects, "", ""
        time_slice = TimeSlice()
        async with asyncio.timeout(self._pace.list_seconds):
            while not version or token:
                try:
                    page = await self._page(limit, token)
                except ApiTooLargeError:
                    if limit == 1:
                        raise
                    limit = max(1, limit // 8)
                    continue
                for obj in page.objects:
                    fresh.put(obj)
                    await time_slice.breathe()
                token, version = page.token, version or page.version
        self.state = fresh
        self.lists += 1
        self._listed()
        return version

    async def _page(self, limit: int, token: str) -> "_Page":
        query = [("limit", str(limit))]
        if token:
            query.append(("continue", token))
        return _Page.parse(await self._client.get(self._path, query, self._pace.page_bytes))

    async def _watch(self, version: str) -> str:
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(self._pace.watch_seconds)),
        ]
        began = time.monotonic()
        heard = False
        time_slice = TimeSlice()
        try:
            async with self._client.stream(
                self._path, query, self._pace.watch_seconds + self._pace.watch_grace_seconds
            ) as lines:
                self._heard = time.monotonic()
                async for line in lines:
                    version = self._apply(parse_object(line))
                    self._heard = time.monotonic()
                    heard = True
                    await time_slice.breathe()
        finally:
            steady = heard or time.monotonic() - began > self._pace.steady_seconds
            if steady:
                self._failures_in_a_row = 0
        if not steady:
            raise ApiGarbageError("the API server ends watches at once")
        self._heard = time.monotonic()
        return version

    def _apply(self, event: dict[str, Any]) -> str:
        """Applies one watch event to the state, and gives the version to go on from."""
        kind, obj = event.get("type"), event.get("object")
        if not isinstance(obj, dict) or self.state is None:
            raise ApiGarbageError("the API server sent a watch event without an object")
        if kind == "ERROR":
            code = obj.get("code")
            raise ApiStatusError(code if isinstance(code, int) else 0)
        version = _member(_member(obj, "metadata", dict), "resourceVersion", str)
        if kind in {"ADDED", "MODIFIED"}:
            self.state.put(obj)
        elif kind == "DELETED":
            self.state.remove(obj)
        elif kind != "BOOKMARK":
            raise ApiGarbageError("the API server sent a watch event of an unknown type")
        return version

    def _listed(self) -> None:
        if self.failure:
            _LOG.info("reflector is in step again", extra={"path": self._path, "after_seconds": self.unheard_seconds})
        self.failure = ""
        self._heard = time.monotonic()

    def _failed(self, detail: str, error: Exception) -> float:
        """Notes a failure, and gives the seconds to wait."""
        self.failures += 1
        self._failures_in_a_row += 1
        # Others repeat the first; once it is known, a server that is away for an hour need not fill the log.
        level = logging.DEBUG if self.failure else logging.WARNING
        cause = type(error.__cause__ or error).__name__
        _LOG.log(level, "reflector must list anew", extra={"path": self._path, "detail": detail, "cause": cause})
        self.failure = detail
        asked = error.retry_after if isinstance(error, ApiStatusError) and error.retry_after else 0.0
        own = backoff(self._failures_in_a_row, self._pace.pause_seconds, self._pace.pause_cap_seconds)
        return max(own, min(asked, self._pace.pause_cap_seconds))


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a list: its objects, the token of the next page or "", and the list's version."""

    objects: list[dict[str, Any]]
    token: str
    version: str

    @classmethod
    def parse(cls, page: dict[str, Any]) -> "_Page":
        metadata = _member(page, "metadata", dict)
        token = metadata.get("continue") or ""
        return cls(_member(page, "items", list), str(token), _member(metadata, "resourceVersion", str))


def _member(obj: dict[str, Any], name: str, kind: type[_V]) -> _V:
    value = obj.get(name)
    if not isinstance(value, kind) or (kind is str and not value):
        raise ApiGarbageError(f"the API server sent an object without {name}")
    return value
