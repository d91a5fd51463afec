"""`evidence-gate replay`: does a recorded decision follow from what is recorded of it? What would other rules say?"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from webhook.admission.replay.again import Replayer
from webhook.admission.replay.compare import Outcome, compare
from webhook.admission.replay.what_if import Forecast, Forecaster
from webhook.cli.options import EXISTING_FILE, EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, INPUT, fail
from webhook.cli.replay_input import Entry, read_entries, read_envelopes
from webhook.cli.replay_report import (
    DIFFERENT,
    IDENTICAL,
    MISSING,
    Replayed,
    Weighed,
    replayed_json,
    replayed_lines,
    what_if_counts,
    what_if_json,
    what_if_lines,
)
from webhook.errors import ConfigurationError
from webhook.server.providers import build_statement_providers
from webhook.settings.loading import Settings, load_settings

_NONE = "no decision record in these files"


@click.command("replay")
@click.argument("records", type=INPUT, nargs=-1, required=True, metavar="RECORD...")
@click.option(
    "--envelope",
    "envelopes",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Evidence that is judged anew: a file, or a folder of them; repeatable.",
)
@click.option("--config", type=EXISTING_FILE, help="The configuration by which it was decided.")
@click.option("--what-if", type=EXISTING_FILE, metavar="CONFIG", help="Another one: which decisions would change?")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "record"]),
    default="text",
    show_default=True,
    help="Output format; `record` is each decision made again, canonical, one a line.",
)
def command(
    records: tuple[Path, ...], envelopes: tuple[Path, ...], config: Path | None, what_if: Path | None, output: str
) -> None:
    """Make the decisions in RECORDs again: records, or logs with records in them; `-` is standard input.

    Nothing is connected to. Without --config the rules are those in the record. Without --envelope the recorded
    answers are taken as they are; with it they are judged anew.

    Exit code: 0 if all are identical, 1 if one is different, 3 if one cannot be replayed, 2 for a usage error. With
    --what-if: 0 if no verdict would change, 1 if one would, 3 if nobody can tell.
    """
    if envelopes and config is None and what_if is None:
        fail("--envelope needs --config: the trusted keys are there")
    if what_if is not None and output == "record":
        fail("--what-if weighs decisions and makes no record; take -o text or -o json")
    settings = _settings(config)
    raw = read_envelopes(envelopes) if envelopes else None
    replayer = Replayer(settings, raw if settings is not None else None, build_statement_providers)
    entries = read_entries(records)
    if what_if is None:
        raise SystemExit(asyncio.run(_replay(entries, replayer, raw, output)))
    forecaster = Forecaster(_loaded(what_if), raw, build_statement_providers)
    weighed = asyncio.run(_weigh(entries, forecaster, replayer))
    if not weighed:
        fail(_NONE)
    click.echo(json.dumps(what_if_json(weighed), indent=2) if output == "json" else "\n".join(what_if_lines(weighed)))
    counts = what_if_counts(weighed)
    raise SystemExit(_exit_code(different=counts["changed"], missing=counts["unknown"]))


def _settings(config: Path | None) -> Settings | None:
    return None if config is None else _loaded(config)


def _loaded(config: Path) -> Settings:
    try:
        return load_settings(config)
    except ConfigurationError as error:
        fail(str(error))


async def _replay(
    entries: Iterable[Entry], replayer: Replayer, envelopes: Mapping[str, bytes] | None, output: str
) -> int:
    """Replays one record after the other, and prints each as text before the next is read."""
    counts: Counter[str] = Counter()
    told = []
    for entry in entries:
        replayed = Replayed(entry, await _outcome(entry, replayer))
        counts[replayed.word] += 1
        if output == "json":
            told.append(replayed_json(replayed))
        elif output == "record":
            # What cannot be made again leaves an empty line, so that lines and records stay in step.
            click.echo(replayed.outcome.content if replayed.outcome is not None else b"")
        else:
            click.echo("\n".join(replayed_lines(replayed)))
    if not counts:
        fail(_NONE)
    if output == "json":
        names = {"identical": IDENTICAL, "different": DIFFERENT, "missing": MISSING}
        click.echo(json.dumps({"records": told, **{key: counts[word] for key, word in names.items()}}, indent=2))
    else:
        totals = ", ".join(f"{counts[word]} {word}" for word in (IDENTICAL, DIFFERENT, MISSING))
        click.echo(f"{totals}; {_made_of(envelopes)}", err=output == "record")
    return _exit_code(different=counts[DIFFERENT], missing=counts[MISSING])


async def _outcome(entry: Entry, replayer: Replayer) -> Outcome | None:
    return None if entry.record is None else await compare(entry.record, replayer, entry.named)


def _made_of(envelopes: Mapping[str, bytes] | None) -> str:
    if envelopes is None:
        return "from the recorded answers"
    return f"from {len(envelopes)} envelope{'' if len(envelopes) == 1 else 's'}, judged anew"


async def _weigh(entries: Iterable[Entry], forecaster: Forecaster, replayer: Replayer) -> list[Weighed]:
    return [Weighed(entry, await _forecast(entry, forecaster, replayer)) for entry in entries]


async def _forecast(entry: Entry, forecaster: Forecaster, replayer: Replayer) -> Forecast:
    if entry.record is None:
        return Forecast(None, unknown=entry.problem)
    if entry.named is not None and entry.named != entry.record.digest:
        return Forecast(None, unknown="the record was changed: it does not have the digest that stands beside it")
    if replayer.settings is not None:
        outcome = await compare(entry.record, replayer, entry.named)
        if not outcome.identical:
            cause = outcome.missing[0].detail if outcome.difference is None else outcome.difference.cause
            return Forecast(None, unknown=f"the record does not replay: {cause}")
    return await forecaster.forecast(entry.record)


def _exit_code(*, different: int, missing: int) -> int:
    if different:
        return EXIT_REFUSED
    return EXIT_UNAVAILABLE if missing else EXIT_OK
