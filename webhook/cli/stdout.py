"""When an answer cannot be told: standard output is full, or whoever read it is gone."""

import errno
from contextlib import suppress
from traceback import walk_tb
from typing import IO, Any, NoReturn

import click

from webhook.cli.options import EXIT_UNAVAILABLE


class UntoldError(click.ClickException):
    """Standard output cannot be written. Not with code 1: that is a verdict, and nobody has heard of any."""

    exit_code = EXIT_UNAVAILABLE

    def __init__(self, error: OSError) -> None:
        """Prepares the message.

        Args:
            error: What happened.
        """
        super().__init__(f"standard output cannot be written: {error.strerror}")
        self._quiet = error.errno == errno.EPIPE

    def show(self, file: IO[Any] | None = None) -> None:
        """Says it, unless the reader just went away, as `head` does."""
        if self._quiet:
            return
        with suppress(OSError):  # Both may lead to the same full disk.
            super().show(file)


def end_untold(error: OSError) -> NoReturn:
    """Ends the command if an answer could not be told by `click.echo`, and lets any other error go on.

    Args:
        error: What has ended the command.

    Raises:
        UntoldError: An answer could not be told.
        OSError: It was something else.
    """
    if all(frame.f_code is not click.echo.__code__ for frame, _ in walk_tb(error.__traceback__)):
        raise error
    raise UntoldError(error) from None
