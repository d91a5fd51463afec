"""How much one registry may take of what all share, so that a hostile one leaves something to the others."""

import asyncio
from weakref import WeakValueDictionary


class Shares:
    """A semaphore for each registry; one that nobody holds or waits for is forgotten."""

    def __init__(self, size: int) -> None:
        """Gives each registry the same.

        Args:
            size: How many of the thing one registry may have at once.
        """
        self._size = size
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def __len__(self) -> int:
        """Counts the registries that are remembered."""
        return len(self._shares)

    def of(self, host: str) -> asyncio.Semaphore:
        """Finds a registry's share.

        Args:
            host: The registry that was asked for, wherever it leads.

        Returns:
            Its semaphore, which lives as long as somebody keeps it.
        """
        return self._shares.setdefault(host, asyncio.Semaphore(self._size))
