"""What the tests of delivery share."""

import json
from collections.abc import Callable

from tests.harness.polling import poll_async

LINES = [json.dumps({"n": number}).encode() for number in range(20)]
"""Twenty entries."""


async def until(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    async def _holds() -> bool:
        return bool(condition())

    await poll_async(_holds, seconds, what)
