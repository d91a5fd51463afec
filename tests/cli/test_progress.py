import io
import sys

import pytest

from webhook.attest.tally import unwatched
from webhook.cli import progress
from webhook.cli.progress import PATIENCE, Bar


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_bar_appears_on_a_terminal_after_two_seconds_and_goes_away(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Bar() as bar:
        watch = bar.watch("reading cart.pb.gz")
        clock.now += PATIENCE - 0.1
        watch(1, 4)
        assert terminal.getvalue() == ""
        clock.now += 0.1
        watch(2, 4)
        assert terminal.getvalue() == f"\r\x1b[Kreading cart.pb.gz [{'#' * 15}{'-' * 15}] 50 %"
        watch(3, 4)
        assert "75 %" not in terminal.getvalue()
        clock.now += 1
        watch(0, 0)
        assert terminal.getvalue().endswith("] 0 %")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_nothing_is_drawn_for_what_is_quick(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Bar() as bar:
        clock.now += 0.5
        bar.watch("reading")(1, 1)
    assert terminal.getvalue() == ""


def test_a_file_that_is_no_terminal_gets_no_bar(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Bar() as bar:
        clock.now += 10
        assert bar.watch("reading") is unwatched


def test_a_files_name_cannot_move_the_cursor(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Bar() as bar:
        clock.now += 10
        bar.watch("reading a\x1b[2J\n")(1, 1)
        assert "a?[2J? [" in terminal.getvalue()
