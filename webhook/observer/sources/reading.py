"""From the bytes of an answer to a profile."""

import asyncio
import io
from typing import Final

from webhook.attest.profile import EmptyProfileError, Profile
from webhook.attest.reading import read_profile
from webhook.observer.sources.exchange import ANSWER_BYTES

PPROF: Final = "pprof"


class ProfileReader:
    """Reads one profile at a time: reading may take several times its size."""

    def __init__(self) -> None:
        """Reads nothing yet."""
        self._turn = asyncio.Lock()

    async def read(self, content: bytes) -> Profile | None:
        """Reads pprof in a thread.

        Args:
            content: The message, compressed or not; it may hold no samples.

        Returns:
            The profile, None for none.

        Raises:
            ProfileError: It is no such message, or a limit is exceeded.
        """
        async with self._turn:
            return await asyncio.to_thread(_read, content)


def _read(content: bytes) -> Profile | None:
    try:
        return read_profile(io.BytesIO(content), PPROF, limit=ANSWER_BYTES)
    except EmptyProfileError:
        return None
