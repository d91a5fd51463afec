"""Work that may hang or fail in any way, since others decide how it goes."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from webhook.errors import ConfigurationError, UnavailableError

_T = TypeVar("_T")


class Watch:
    """Who is being asked, for the text of whatever goes wrong.

    Attributes:
        asked: The beginning of a sentence.
    """

    def __init__(self, asked: str) -> None:
        self.asked = asked


def within(seconds: float, watch: Watch, work: Callable[[], _T]) -> _T:
    """Does what may hang; then it is left behind in its thread, which keeps no process alive.

    Args:
        seconds: What it gets.
        watch: Knows who is being asked.
        work: What to do, by libraries that raise whatever an answer makes them raise.

    Returns:
        What it gave.

    Raises:
        ConfigurationError: `work` did.
        UnavailableError: `work` did, failed otherwise, or took too long. Only texts of our own are kept.
    """
    outcome: SimpleQueue[tuple[_T] | ConfigurationError | UnavailableError] = SimpleQueue()

    def attempt() -> None:
        try:
            outcome.put((work(),))
        except (ConfigurationError, UnavailableError) as error:
            outcome.put(error.with_traceback(None))
        except BaseException:  # noqa: BLE001 - a panic of a library in Rust is no Exception
            outcome.put(UnavailableError(f"{watch.asked} gave an answer that is of no use"))

    threading.Thread(target=attempt, name="keyless", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except Empty:
        raise UnavailableError(f"{watch.asked} did not answer within {seconds:g} seconds") from None
    if isinstance(result, tuple):
        return result[0]
    raise result from None
