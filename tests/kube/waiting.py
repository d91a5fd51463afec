"""Waiting on the test's own loop."""

from collections.abc import Callable

from tests.harness.polling import poll_async


async def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Looks until a condition holds, and lets the loop run meanwhile.

    Args:
        condition: Gives a true value once it holds.
        seconds: How long to look.
        what: What is awaited.
    """

    async def look() -> bool:
        return bool(condition())

    await poll_async(look, seconds, what)
