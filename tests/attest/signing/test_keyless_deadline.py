import threading
import time

import pytest

from webhook.attest.signing.keyless_deadline import Watch, within
from webhook.errors import ConfigurationError, UnavailableError

WATCH = Watch("the oracle")


class Panic(BaseException):
    """What a library in Rust raises when it gives up."""


def fail(error: BaseException) -> None:
    raise error


def test_what_is_done_in_time_is_given() -> None:
    assert within(5, WATCH, lambda: 7) == 7


def test_nothing_may_be_given() -> None:
    assert within(5, WATCH, lambda: None) is None


@pytest.mark.parametrize("error", [ConfigurationError("do this"), UnavailableError("the oracle has gone")])
def test_errors_of_ours_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        within(5, WATCH, lambda: fail(error))


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), SystemExit("secret"), Panic("secret")])
def test_errors_of_others_lose_their_text(error: BaseException) -> None:
    with pytest.raises(UnavailableError) as caught:
        within(5, WATCH, lambda: fail(error))
    assert caught.value.detail == "the oracle gave an answer that is of no use"
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def test_what_takes_too_long_is_left_behind_in_a_thread_that_keeps_no_process_alive() -> None:
    done = threading.Event()
    before = set(threading.enumerate())
    begin = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^the oracle did not answer within 0\.1 seconds$"):
        within(0.1, WATCH, done.wait)
    assert time.monotonic() - begin < 5
    (left,) = set(threading.enumerate()) - before
    done.set()
    left.join()
    assert left.daemon


def test_whoever_is_asked_last_is_named() -> None:
    watch = Watch("the oracle")

    def work() -> None:
        watch.asked = "its priest"
        raise ValueError

    with pytest.raises(UnavailableError, match=r"^its priest "):
        within(5, watch, work)
