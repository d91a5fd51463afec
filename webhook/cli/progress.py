"""A progress bar on a terminal, for work that takes longer than a moment."""

import sys
import time
from types import TracebackType
from typing import Self

import click

from webhook.attest.tally import Watch, unwatched
from webhook.model.printable import printable

PATIENCE = 2.0
"""Seconds after which a bar appears."""

_EVERY = 0.2
_WIDTH = 30
_NAME = 40
_CLEAR = "\r\x1b[K"


class Bar:
    """A bar on standard error, where that is a terminal. It goes away at the end."""

    def __init__(self) -> None:
        self._wanted = sys.stderr.isatty()
        self._next = time.monotonic() + PATIENCE
        self._shown = False

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        if self._shown:
            click.echo(_CLEAR, err=True, nl=False)

    def watch(self, name: str) -> Watch:
        """Gives what one step of the work tells its progress.

        Args:
            name: What is being done.

        Returns:
            To be called with what is done, and of how much.
        """
        if not self._wanted:
            return unwatched
        label = printable(name, _NAME)

        def watch(done: int, total: int) -> None:
            now = time.monotonic()
            if now >= self._next:
                self._next, self._shown = now + _EVERY, True
                filled = _WIDTH * done // max(total, 1)
                bar = "#" * filled + "-" * (_WIDTH - filled)
                click.echo(f"{_CLEAR}{label} [{bar}] {100 * done // max(total, 1)} %", err=True, nl=False)

        return watch
