"""The sink `collector`: delivers what is in the spool over HTTPS, at least once and in order.

A task on the loop that takes what the spool has, posts it, and acknowledges what was taken. Whatever the collector
does, the worst is that the spool fills.
"""

import asyncio
import contextlib
import logging

import aiohttp

from webhook.errors import ConfigurationError
from webhook.kube.pacing import QuietLog, backoff
from webhook.limits import LIMITS
from webhook.records.destination import Destination
from webhook.records.spool import Batch, Spool

_LOG = logging.getLogger(__name__)
_PAUSE_SECONDS, _PAUSE_CAP_SECONDS = 1.0, 60.0
_TAKEN = range(200, 300)
_TOO_LARGE = 413
_CONTENT_AT_FAULT = frozenset({400, _TOO_LARGE, 422})


class _NotTakenError(Exception):
    """A batch was not taken; the text is ours.

    Attributes:
        content: Whether the batch itself is at fault, as the collector says.
        too_large: Whether that is for its size alone.
        retry_after: Seconds that the collector asks for; 0 for none.
    """

    def __init__(
        self, detail: str, *, content: bool = False, too_large: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(detail)
        self.content = content
        self.too_large = too_large
        self.retry_after = retry_after


class Collector:
    """Delivers a spool.

    Attributes:
        delivered: Entries that the collector took; some of them twice.
        refused: Entries that it never will, and that were set aside.
        failures: Batches that it did not take.
    """

    def __init__(self, spool: Spool, destination: Destination) -> None:
        """Binds it.

        Args:
            spool: What to deliver.
            destination: Where to.
        """
        self.delivered = self.refused = self.failures = 0
        self._spool = spool
        self._destination = destination
        self._limit = LIMITS.record_batch_bytes
        self._more = asyncio.Event()
        self._closing = asyncio.Event()
        self._quiet = QuietLog(_LOG)
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Bytes that the collector does not have."""
        return self._spool.waiting

    async def start(self) -> None:
        """Begins to deliver."""
        loop = asyncio.get_running_loop()

        def _notify() -> None:
            # A writer that was not waited for may outlive the loop; the next start finds what it writes.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._more.set)

        self._spool.notify = _notify
        self._task = asyncio.create_task(self._run(), name="records-collector")

    async def close(self, seconds: float) -> None:
        """Delivers what the spool holds, as long as that succeeds; the rest is delivered after the next start.

        Args:
            seconds: How long it may take.
        """
        self._closing.set()
        self._more.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._forget_session()
        self._spool.release()

    async def _run(self) -> None:
        failures = 0
        while True:
            last = self._closing.is_set()
            self._more.clear()
            try:
                batch = await asyncio.to_thread(self._spool.read, self._limit)
                if batch is not None:
                    await self._deliver(batch)
            except _NotTakenError as error:
                failures += 1
                self._tell(error)
                pause = max(error.retry_after, backoff(failures, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS))
            except Exception:  # noqa: BLE001 - a task that ends would leave the spool to fill
                failures += 1
                pause = backoff(failures, _PAUSE_SECONDS, _PAUSE_CAP_SECONDS)
                _LOG.exception("records cannot be delivered")
            else:
                failures = self._recovered(failures)
                if batch is None and last:
                    return
                if batch is None:
                    await self._more.wait()
                continue
            if last:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)

    def _tell(self, error: _NotTakenError) -> None:
        self.failures += 1
        self._quiet.warning("the collector does not take records", detail=str(error), waiting=self.waiting)

    def _recovered(self, failures: int) -> int:
        if failures:
            _LOG.info("the collector takes records again", extra={"failures": failures})
        return 0

    async def _deliver(self, batch: Batch) -> None:
        try:
            await self._post(batch.data)
        except _NotTakenError as error:
            await self._forget_session()
            if not error.content:
                raise
            if batch.entries > 1:
                # One of them is at fault; smaller and smaller batches find it.
                self._limit = max(1, min(self._limit, len(batch.data)) // 2)
                return
            await asyncio.to_thread(self._spool.set_aside, batch)
            self.refused += 1
            aside = _NotTakenError(f"an entry was set aside: {error}")
            if error.too_large:
                # Anybody can make large ones; a pause after each would let him stop all others.
                self._tell(aside)
                return
            raise aside from None
        await asyncio.to_thread(self._spool.acknowledge, batch)
        self.delivered += batch.entries
        self._limit = min(LIMITS.record_batch_bytes, self._limit * 2)

    async def _post(self, data: bytes) -> None:
        try:
            headers = await asyncio.to_thread(self._destination.headers)
            session = await self._opened()
            async with session.post(
                self._destination.url, data=data, headers=headers, allow_redirects=False
            ) as response:
                await _skim(response)
        except ConfigurationError as error:
            raise _NotTakenError(str(error)) from None
        except aiohttp.ClientConnectorCertificateError:
            raise _NotTakenError("its certificate is not valid") from None
        except TimeoutError:
            raise _NotTakenError("no answer in time") from None
        except (aiohttp.ClientError, OSError):
            raise _NotTakenError("the connection failed") from None
        _judge(response)

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = await asyncio.to_thread(self._destination.context)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, limit=1),
                timeout=aiohttp.ClientTimeout(total=self._destination.timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Only the status matters, and what is unpacked may be a thousand times as large.
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def _forget_session(self) -> None:
        """Begins anew after a failure, and so reads the authorities anew."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _skim(response: aiohttp.ClientResponse) -> None:
    """Reads an answer of which only the status matters, so that its connection can serve again; if it is short."""
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > LIMITS.collector_reply_bytes:
            if response.connection is not None and response.connection.transport is not None:
                # Without TLS's farewell, for which a server that goes on sending would let us wait.
                response.connection.transport.abort()
            return


def _judge(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status in _TAKEN:
        return
    asked = response.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 9 else 0.0  # noqa: PLR2004 - digits
    raise _NotTakenError(
        f"it answers {status}",
        content=status in _CONTENT_AT_FAULT,
        too_large=status == _TOO_LARGE,
        retry_after=min(seconds, LIMITS.collector_retry_after),
    )
