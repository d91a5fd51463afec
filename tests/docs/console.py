"""Console sessions in our pages: what is typed after `$ `, and what is printed below it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_ANYTHING = "…"


@dataclass(frozen=True)
class Command:
    """One command of a session.

    Attributes:
        text: What is typed, with its continued lines.
        output: What the page shows below it.
    """

    text: str
    output: str

    def printed(self, output: str) -> bool:
        """Tells whether the command printed what the page shows.

        Args:
            output: What it printed.

        Returns:
            True if so; `…` in the page stands for anything within a line.
        """
        pattern = ".+".join(re.escape(part) for part in self.output.split(_ANYTHING))
        return re.fullmatch(pattern, output.strip("\n")) is not None


def sessions(page: str, mark: str) -> list[list[Command]]:
    """Reads the sessions of a page that carry a mark.

    Args:
        page: Markdown.
        mark: The text of the HTML comment in the line before the fence.

    Returns:
        The commands of each session, in order.
    """
    blocks = re.findall(rf"^<!-- {re.escape(mark)} -->\n```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [_commands(block) for block in blocks]


def _commands(block: str) -> list[Command]:
    commands = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        typed = re.match(r"(?:.*\\\n)*.*\n", part)
        assert typed is not None
        commands.append(Command(typed[0].rstrip("\n"), part[typed.end() :].rstrip("\n")))
    return commands
