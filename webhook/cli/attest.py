"""`evidence-gate attest`: a profile in, signed execution evidence out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, TypedDict, Unpack

import click
from pydantic import TypeAdapter, ValidationError

from webhook.attest.builder import ExecutionEvidenceBuilder, Observation
from webhook.attest.folded import parse_folded
from webhook.attest.profile import Profile, ProfileError
from webhook.attest.sign import SigningKey, sign_statement
from webhook.cli.options import INPUT, read_secret_or_key
from webhook.errors import EvidenceError, ImageReferenceError
from webhook.files import write_atomically
from webhook.gates.policy import EnvironmentName
from webhook.limits import LIMITS
from webhook.model.image import ImageReference
from webhook.model.statement import Tracer
from webhook.model.timestamp import parse_rfc3339
from webhook.trust.keys import KeyNotSupportedError

_NOW = "now"
_ENVIRONMENT: TypeAdapter[str] = TypeAdapter(EnvironmentName)


class _Options(TypedDict):
    """What the command line says, after the callbacks."""

    image: ImageReference
    environment: str
    folded: Path
    key: Path
    key_passphrase_file: Path | None
    observed_from: datetime | None
    observed_until: datetime
    tracer: Tracer | None
    output: Path


def _image(_: click.Context, __: click.Parameter, text: str) -> ImageReference:
    try:
        image = ImageReference.parse(text)
    except ImageReferenceError as error:
        raise click.BadParameter(f"not an image reference: {error}") from None
    if image.digest is None:
        raise click.BadParameter("name the image by its digest, REPO@sha256:…; a tag may move")
    return image


def _environment(_: click.Context, __: click.Parameter, name: str) -> str:
    try:
        return _ENVIRONMENT.validate_python(name)
    except ValidationError:
        raise click.BadParameter("an environment's name has 1 to 63 of the characters A-Z a-z 0-9 . _ -") from None


def _instant(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    now = datetime.now(UTC)
    try:
        instant = now if text == _NOW else parse_rfc3339(text)
    except ValueError:
        raise click.BadParameter("write a time with its zone, such as 2026-11-24T06:36:35Z") from None
    if instant > now + timedelta(seconds=LIMITS.clock_skew):
        raise click.BadParameter("an observation lies in the past, and this time is in the future")
    return instant


def _tracer(_: click.Context, __: click.Parameter, text: str | None) -> Tracer | None:
    if text is None:
        return None
    name, slash, version = text.rpartition("/")
    try:
        return Tracer(name=name, version=version) if slash else Tracer(name=version)
    except ValidationError:
        raise click.BadParameter("write NAME/VERSION, each at most 256 printable characters") from None


@click.command("attest")
@click.option("--image", required=True, callback=_image, metavar="REPO@sha256:…", help="The image that was watched.")
@click.option("--environment", required=True, callback=_environment, metavar="ENV", help="Where it ran.")
@click.option("--folded", required=True, type=INPUT, metavar="FILE", help="Folded stacks; `-` for stdin.")
@click.option("--key", required=True, type=INPUT, metavar="PEM", help="Private key to sign with.")
@click.option("--key-passphrase-file", type=INPUT, metavar="FILE", help="Holds the key's passphrase.")
@click.option("--observed-from", callback=_instant, metavar="RFC3339", help="When the observation began.")
@click.option(
    "--observed-until",
    required=True,
    callback=_instant,
    metavar="RFC3339|now",
    help="When the observation ended; the evidence's age counts from here. `now` right after profiling.",
)
@click.option("--tracer", callback=_tracer, metavar="NAME/VERSION", help="The tool that watched.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    metavar="FILE",
    help="Where the envelope goes, replaced as a whole; `-` for stdout.",
)
def command(**options: Unpack[_Options]) -> None:
    """Turn a profile into signed execution evidence, a DSSE envelope about one image digest.

    The end of the observation has no default: a file's date says when somebody copied it, and a guess would be
    signed.

    Exit code: 0 written, 2 for a usage error or an input that cannot be used; then nothing is written.
    """
    key = _signing_key(options["key"], options["key_passphrase_file"])
    begin, end = options["observed_from"], options["observed_until"]
    if begin is not None and begin > end:
        _fail("observed-from", "the observation ends before it begins")
    profile = _profile(options["folded"])
    builder = ExecutionEvidenceBuilder(Observation(options["environment"], end, begin, options["tracer"]))
    try:
        envelope = sign_statement(builder.statement(profile, options["image"]), key)
    except EvidenceError as error:
        raise click.UsageError(f"the gate would not accept this statement: {error.detail}") from None
    _write(options["output"], envelope)
    facts = builder.predicate(profile)
    click.echo(f"hot symbols: {facts['hotSymbolCount']}, call paths: {facts['uniqueCallPaths']}", err=True)


def _signing_key(key: Path, passphrase: Path | None) -> SigningKey:
    secret = None if passphrase is None else read_secret_or_key(passphrase).rstrip(b"\r\n")
    try:
        return SigningKey.from_pem(read_secret_or_key(key), secret)
    except KeyNotSupportedError as error:
        _fail("key", f"{key}: {error}")


def _profile(path: Path) -> Profile:
    try:
        with click.open_file(path, "rb") as stream:
            return parse_folded(stream)
    except ProfileError as error:
        _fail("folded", f"{path}: {error}")
    except OSError:
        _fail("folded", f"{path} cannot be read")


def _write(path: Path, envelope: bytes) -> None:
    if str(path) == "-":
        click.echo(envelope, nl=False)
        return
    try:
        write_atomically(path, envelope)
    except OSError:
        _fail("output", f"{path} cannot be written")


def _fail(option: str, message: str) -> NoReturn:
    raise click.BadParameter(message, param_hint=f"--{option}")
