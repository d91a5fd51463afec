"""`python -m demo`: exit code 0 if every verdict is the expected one, else 1."""

import io
import signal
import sys
from collections.abc import Sequence

import click

from demo.story import SCENES, Scene, tell
from demo.workshop import DemoError


def main(scenes: Sequence[Scene] = SCENES) -> int:
    """Runs the demo.

    Args:
        scenes: The reviews.

    Returns:
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no `…` shows `?` for it.
        sys.stdout.reconfigure(errors="replace")
    try:
        return 0 if tell(scenes) else 1
    except DemoError as error:
        click.echo(f"demo: {error}", err=True)
    except KeyboardInterrupt:
        click.echo("\ndemo: stopped", err=True)
    return 1


if __name__ == "__main__":
    # As Ctrl-C: an orderly end, which takes the webhook along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
