"""The command `evidence-gate`: finds the sub-command's module only when it is asked for.

`evidence-gate gate` answers in a tenth of a second because the Kubernetes client stays unloaded.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

_COMMANDS = {
    "attest": "Turn a profile into signed execution evidence.",
    "config": "Check a configuration file.",
    "evidence": "Show what exists for an image, and what it is worth.",
    "gate": "Run the gate on metadata given by hand.",
    "log": "Verify the log of decisions.",
    "mcp": "Offer evidence queries and reviews to agents.",
    "observe": "Attest what runs in staging, from a profile server's profiles.",
    "operator": "Keep certificates and the status of evidence current.",
    "provider": "Answer a Decision Gate over standard input and output.",
    "query": "Ask one evidence query, here or of a server.",
    "replay": "Make recorded decisions again, offline.",
    "review": "Decide about manifests offline, as the webhook would.",
    "scan": "Show which running workloads would be denied today.",
    "verify": "Verify an envelope for an image digest.",
    "webhook": "Serve admission reviews.",
}


@contextmanager
def _telling() -> Iterator[None]:
    """Runs what tells answers; one that cannot be told is no verdict."""
    try:
        yield
    except OSError as error:
        from webhook.cli.stdout import end_untold  # noqa: PLC0415 - is needed only then

        end_untold(error)


class _LazyGroup(click.Group):
    """Looks a sub-command up in `webhook.cli.NAME`, where it is called `command`."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _telling():  # `--help`
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click names it
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"webhook.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="execution-evidence-gate", prog_name="evidence-gate")
def main() -> None:
    """Nothing runs in production that was never seen running before."""
    # Closed (`<&-`), a stream is None, which nobody expects. Standard output stays so, since what is written to it
    # must not vanish.
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open until the end
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above
