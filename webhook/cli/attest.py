"""`evidence-gate attest`: profiles in, signed execution evidence out."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Unpack

import click

from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import Counted
from webhook.attest.counting import distinct_paths, leaf_share
from webhook.attest.flame_graph import flame_graph
from webhook.attest.reading import FORMATS
from webhook.cli.attest_destination import (
    FILE,
    check_destination,
    deliver,
    destination_options,
    is_for_sigstore,
)
from webhook.cli.attest_files import FileOptions, check_files
from webhook.cli.attest_options import fail, needed, read_environment, read_image, read_instant, read_tracer
from webhook.cli.attest_profiles import count_profiles
from webhook.cli.attest_report import report
from webhook.cli.attest_signer import choose_signer, signer_options
from webhook.cli.attest_writing import attempt, is_stdout
from webhook.cli.options import EXIT_UNAVAILABLE, INPUT
from webhook.cli.options import fail as end
from webhook.errors import EvidenceError, UnavailableError
from webhook.model.image import ImageReference
from webhook.model.statement import PREDICATE_TYPES, Tracer

_STDIN = Path("-")
_NOTHING = "warning: nothing in the profile counts, so a gate that wants any of it denies; --dry-run shows what it is"


class Options(FileOptions):
    """What the command line says, after the callbacks; a dry run needs nothing but profiles."""

    profile_format: str | None
    dry_run: bool
    image: ImageReference | None
    environment: str | None
    observed_from: datetime | None
    observed_until: datetime | None
    tracer: Tracer | None
    predicate_type: str | None


@click.command("attest")
@click.option(
    "--profile",
    "profiles",
    required=True,
    multiple=True,
    type=INPUT,
    metavar="FILE",
    help="A profile, gzipped or not, `-` for stdin; repeatable, those of several replicas are added up.",
)
@click.option(
    "--format",
    "profile_format",
    type=click.Choice(list(FORMATS)),
    help="Its format, where the content does not tell.",
)
@click.option("--image", callback=read_image, metavar="REPO@sha256:…", help="The image that was watched.")
@click.option("--environment", callback=read_environment, metavar="ENV", help="Where it ran.")
@signer_options
@click.option("--observed-from", callback=read_instant, metavar="RFC3339", help="When the observation began.")
@click.option(
    "--observed-until",
    callback=read_instant,
    metavar="RFC3339|now",
    help="When the observation ended; the evidence's age counts from here. `now` right after profiling.",
)
@click.option("--tracer", callback=read_tracer, metavar="NAME/VERSION", help="The tool that watched.")
@destination_options
@click.option(
    "--predicate-type",
    type=click.Choice(PREDICATE_TYPES),
    help="How the statement spells what it is; by default with a scheme where Sigstore's tools look for it "
    "(--bundle, --push, --keyless), and else without.",
)
@click.option("--flamegraph", type=FILE, metavar="FILE", help="Also draw what counts, as SVG.")
@click.option("--dry-run", is_flag=True, help="Only show what would be counted; no key, no image, no envelope.")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="With --dry-run: what the gate would say."
)
def command(**options: Unpack[Options]) -> None:
    """Turn profiles into signed execution evidence about one image digest.

    Formats: pprof, folded stacks, speedscope, perf script, OpenTelemetry profiles. Needed are --image, --environment,
    --observed-until, who signs (--key or --keyless) and where the evidence goes (--output, --push or --apply), unless
    --dry-run is given.

    The end of the observation has no default: a file's date says when somebody copied it, and a guess would be
    signed.

    Exit code: 0 written, 2 for a usage error or an input that cannot be used, 3 if somebody who is needed does not
    answer: if it is for signing, nothing is written; if it is a file, a registry or a cluster that fails, the other
    places have it.
    """
    if options["config"] is not None and not options["dry_run"]:
        fail("config", "it is for --dry-run; the gate judges evidence where it is admitted")
    check_files(options)
    try:
        (_show if options["dry_run"] else _attest)(options)
    except UnavailableError as error:
        end(f"evidence-gate: {error.detail}", EXIT_UNAVAILABLE)


def _show(options: Options) -> None:
    counted = count_profiles(options["profiles"], options["profile_format"])
    text = report(counted, options["config"], options["environment"])
    failures = _draw(counted, options["flamegraph"])
    # A drawing that somebody redirects must not have a report behind it.
    click.echo(text, err=is_stdout(options["flamegraph"]))
    if failures:
        raise UnavailableError("; ".join(failures))


def _attest(options: Options) -> None:
    image = needed(options["image"], "image")
    check_destination(options, image, options["kubeconfig"], keyless=options["keyless"])
    builder = ExecutionEvidenceBuilder(_observation(options), predicate_type=_predicate_type(options))
    signer = choose_signer(options, attended=_attended(options))
    counted = count_profiles(options["profiles"], options["profile_format"])
    try:
        evidence = signer.sign(builder.statement(counted, image))
    except EvidenceError as error:
        raise click.UsageError(f"the gate would not accept this statement: {error.detail}") from None
    deliver(evidence, image, options, options["kubeconfig"], _draw(counted, options["flamegraph"]))
    click.echo(f"hot symbols: {len(leaf_share(counted))}, call paths: {distinct_paths(counted)}", err=True)
    if not counted.total:
        click.echo(_NOTHING, err=True)


def _predicate_type(options: Options) -> str:
    plain, with_scheme = PREDICATE_TYPES
    return options["predicate_type"] or (with_scheme if options["keyless"] or is_for_sigstore(options) else plain)


def _attended(options: Options) -> bool:
    """Tells whether somebody sits there to be asked: not if what is typed is a profile."""
    return sys.stdin.isatty() and _STDIN not in options["profiles"]


def _observation(options: Options) -> Observation:
    begin, end = options["observed_from"], needed(options["observed_until"], "observed-until")
    if begin is not None and begin > end:
        fail("observed-from", "the observation ends before it begins")
    return Observation(needed(options["environment"], "environment"), end, begin, options["tracer"])


def _draw(counted: Counted, path: Path | None) -> list[str]:
    """Gives what failed."""
    return [] if path is None else attempt(path, flame_graph(counted), "drawn")
