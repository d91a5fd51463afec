"""All sinks of records together, as the server sees them."""

import asyncio
from collections.abc import Sequence

from webhook.records.collector import Collector
from webhook.records.entry import Decided
from webhook.records.writer import RecordWriter


class RecordLog:
    """Takes decisions, and gives each sink its own.

    Attributes:
        writers: One a sink.
        collector: Delivers the spool; None without.
    """

    def __init__(self, writers: Sequence[RecordWriter], collector: Collector | None = None) -> None:
        """Binds the sinks.

        Args:
            writers: One a sink; may be empty.
            collector: Delivers what one of them spools.
        """
        self.writers = tuple(writers)
        self.collector = collector

    def put(self, decided: Decided) -> None:
        """Takes a decision; never blocks, never raises.

        Args:
            decided: The decision.
        """
        for writer in self.writers:
            writer.put(decided)

    async def start(self) -> None:
        """Begins to deliver."""
        if self.collector is not None:
            await self.collector.start()

    async def close(self, seconds: float) -> None:
        """Writes and delivers what is there.

        Args:
            seconds: After which the rest is left: in the spool if it got there.
        """
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(asyncio.to_thread(writer.close, seconds / 2) for writer in self.writers))
        if self.collector is not None:
            await self.collector.close(seconds - (asyncio.get_running_loop().time() - begun))
