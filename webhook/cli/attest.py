"""`evidence-gate attest`: profiles in, signed execution evidence out."""

from pathlib import Path
from typing import TypeVar, Unpack

import click

from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.counted import Counted
from webhook.attest.counting import distinct_paths, leaf_share
from webhook.attest.flame_graph import flame_graph
from webhook.attest.reading import FORMATS
from webhook.attest.sign import SigningKey, sign_statement
from webhook.cli.attest_options import Options, fail, read_environment, read_image, read_instant, read_tracer
from webhook.cli.attest_profiles import count_profiles
from webhook.cli.attest_report import report
from webhook.cli.options import INPUT, read_secret_or_key
from webhook.errors import EvidenceError
from webhook.files import write_atomically
from webhook.trust.keys import KeyNotSupportedError

_T = TypeVar("_T")
_OUTPUT = click.Path(path_type=Path, allow_dash=True, dir_okay=False)


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
@click.option("--key", type=INPUT, metavar="PEM", help="Private key to sign with.")
@click.option("--key-passphrase-file", type=INPUT, metavar="FILE", help="Holds the key's passphrase.")
@click.option("--observed-from", callback=read_instant, metavar="RFC3339", help="When the observation began.")
@click.option(
    "--observed-until",
    callback=read_instant,
    metavar="RFC3339|now",
    help="When the observation ended; the evidence's age counts from here. `now` right after profiling.",
)
@click.option("--tracer", callback=read_tracer, metavar="NAME/VERSION", help="The tool that watched.")
@click.option(
    "-o",
    "--output",
    type=_OUTPUT,
    metavar="FILE",
    help="Where the envelope goes, replaced as a whole; `-` for stdout.",
)
@click.option("--flamegraph", type=_OUTPUT, metavar="FILE", help="Also draw what counts, as SVG.")
@click.option("--dry-run", is_flag=True, help="Only show what would be counted; no key, no image, no envelope.")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="With --dry-run: what the gate would say."
)
def command(**options: Unpack[Options]) -> None:
    """Turn profiles into signed execution evidence, a DSSE envelope about one image digest.

    Formats: pprof, folded stacks, speedscope, perf script, OpenTelemetry profiles. --image, --environment, --key,
    --observed-until and --output are needed unless --dry-run is given.

    The end of the observation has no default: a file's date says when somebody copied it, and a guess would be
    signed.

    Exit code: 0 written, 2 for a usage error or an input that cannot be used; then nothing is written.
    """
    if options["dry_run"]:
        _show(options)
    elif options["config"] is not None:
        fail("config", "it is for --dry-run; the gate judges evidence where it is admitted")
    else:
        _attest(options)


def _show(options: Options) -> None:
    counted = count_profiles(options["profiles"], options["profile_format"])
    text = report(counted, options["config"], options["environment"])
    _draw(counted, options["flamegraph"])
    click.echo(text)


def _attest(options: Options) -> None:
    image, output = _needed(options["image"], "image"), _needed(options["output"], "output")
    observation = _observation(options)
    key = _signing_key(_needed(options["key"], "key"), options["key_passphrase_file"])
    counted = count_profiles(options["profiles"], options["profile_format"])
    try:
        envelope = sign_statement(ExecutionEvidenceBuilder(observation).statement(counted, image), key)
    except EvidenceError as error:
        raise click.UsageError(f"the gate would not accept this statement: {error.detail}") from None
    _draw(counted, options["flamegraph"])
    _write(output, envelope)
    click.echo(f"hot symbols: {len(leaf_share(counted))}, call paths: {distinct_paths(counted)}", err=True)


def _needed(value: _T | None, option: str) -> _T:
    if value is None:
        raise click.UsageError(f"Missing option '--{option}'; only --dry-run can do without.")
    return value


def _observation(options: Options) -> Observation:
    begin, end = options["observed_from"], _needed(options["observed_until"], "observed-until")
    if begin is not None and begin > end:
        fail("observed-from", "the observation ends before it begins")
    return Observation(_needed(options["environment"], "environment"), end, begin, options["tracer"])


def _signing_key(key: Path, passphrase: Path | None) -> SigningKey:
    secret = None if passphrase is None else read_secret_or_key(passphrase).rstrip(b"\r\n")
    try:
        return SigningKey.from_pem(read_secret_or_key(key), secret)
    except KeyNotSupportedError as error:
        fail("key", f"{key}: {error}")


def _draw(counted: Counted, path: Path | None) -> None:
    if path is not None:
        _write(path, flame_graph(counted), "flamegraph")


def _write(path: Path, content: bytes, option: str = "output") -> None:
    if str(path) == "-":
        click.echo(content, nl=False)
        return
    try:
        write_atomically(path, content)
    except OSError:
        fail(option, f"{path} cannot be written")
