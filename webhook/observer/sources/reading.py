"""From the bytes of an answer to a profile."""

import asyncio
import io
from typing import Final

from webhook.attest.profile import EmptyProfileError, Profile
from webhook.attest.reading import read_profile
from webhook.observer.sources.exchange import ANSWER_BYTES

PPROF: Final = "pprof"


async def read_pprof(content: bytes) -> Profile | None:
    """Reads pprof in a thread.

    Args:
        content: The message, compressed or not; it may hold no samples.

    Returns:
        The profile, None for none.

    Raises:
        ProfileError: It is no such message, or a limit is exceeded.
    """
    try:
        return await asyncio.to_thread(read_profile, io.BytesIO(content), PPROF, limit=ANSWER_BYTES)
    except EmptyProfileError:
        return None
