"""The simulator as the programs of the tests see a registry: it answers while the test waits for them."""

import asyncio
import ssl
import threading
from types import TracebackType
from typing import Any, Self

from tests.harness.oci import Pusher
from tests.harness.registry import registry_settings
from tests.simulators.access import Access
from tests.simulators.registry import RegistrySimulator

_STOP_SECONDS = 10


class RegistryThread:
    """A simulator in a thread of its own; a context manager.

    Attributes:
        simulator: It; not to be changed while somebody asks it.
        referrers: Whether it has the referrers API.
    """

    def __init__(self, *, referrers: bool, tls: ssl.SSLContext | None = None, access: Access | None = None) -> None:
        """Makes it.

        Args:
            referrers: See the attribute.
            tls: For https.
            access: Who is let in.
        """
        self.simulator = RegistrySimulator(tls, access, referrers=referrers)
        self.referrers = referrers
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        """Starts, and waits until it listens."""
        self._thread.start()
        assert self._listening.wait(_STOP_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_STOP_SECONDS)

    @property
    def host(self) -> str:
        """Its host and port."""
        return self.simulator.host

    def repository(self, path: str) -> Pusher:
        """Gives somebody who pushes to a repository, as `Registry.repository`."""
        return Pusher(self.host, path)

    def settings(self, *paths: str, **more: Any) -> dict[str, Any]:
        """Gives a section `stores.registry`, as `Registry.settings`."""
        return registry_settings(self.host, {"insecure": True}, paths, more)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with self.simulator:
            self._listening.set()
            await self._end.wait()
