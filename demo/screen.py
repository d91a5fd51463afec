"""How the demo looks: colours on a terminal, plain text anywhere else (click strips them by itself)."""

from collections.abc import Iterable, Sequence

import click

_INDENT = "   "
_SHORT = 5
"""Arguments that fit on one line."""
_COLOURS = {"admitted": "green", "admitted with a warning": "yellow", "denied": "red", "not decided": "magenta"}


def heading(text: str) -> None:
    """Begins a part.

    Args:
        text: One line.
    """
    click.echo("\n" + click.style(text, bold=True))


def paragraph(text: str) -> None:
    """Says something.

    Args:
        text: One line.
    """
    click.echo(_INDENT + text)


def command(program: str, arguments: Sequence[str]) -> None:
    """Shows a command as it would be typed, one option a line if it is long.

    Args:
        program: Its name.
        arguments: Its arguments.
    """
    lines = [program]
    for argument in arguments:
        if argument.startswith("--") and len(arguments) > _SHORT:
            lines.append(f"    {argument}")
        else:
            lines[-1] += f" {argument}"
    text = f" \\\n{_INDENT}".join(lines)
    click.echo(f"\n{_INDENT}" + click.style(f"$ {text}", fg="cyan"))


def output(lines: Iterable[str]) -> None:
    """Shows what a program printed.

    Args:
        lines: Its lines.
    """
    for line in lines:
        click.echo(_INDENT + line)


def scene(number: int, title: str) -> None:
    """Begins a review.

    Args:
        number: Its number.
        title: What is shown.
    """
    click.echo("\n" + click.style(f"   [{number}] {title}", bold=True))


def verdict(outcome: str, reason: str, record: str) -> None:
    """Shows what came of a review.

    Args:
        outcome: What happened to the object.
        reason: The reason code.
        record: The digest of the decision's record.
    """
    click.echo(f"\n{_INDENT}=> " + click.style(f"{outcome} ({reason})", fg=_COLOURS[outcome], bold=True))
    click.echo(f"{_INDENT}   decision record {record}")


def complaint(text: str) -> None:
    """Shows what is wrong.

    Args:
        text: One line.
    """
    click.echo(f"{_INDENT}   " + click.style(text, fg="red", reverse=True))


def summary(good: int, total: int) -> None:
    """Ends the demo with one line.

    Args:
        good: Verdicts that were expected.
        total: All verdicts.
    """
    text = f"{good} of {total} verdicts as expected."
    click.echo("\n" + click.style(text, fg="green" if good == total else "red", bold=True))
