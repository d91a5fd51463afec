"""`evidence-gate log verify`: was anything removed from a log of decisions, or changed?"""

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from webhook.cli.options import EXIT_OK, EXIT_REFUSED, INPUT, OUTPUT, read_secret_or_key
from webhook.limits import LIMITS
from webhook.records.verify import ChainReport, LogVerifier
from webhook.trust.keys import KeyNotSupportedError, PublicKey

_ROTATED = re.compile(r"(.+?)(?:\.([0-9]{1,3}))?(?:\.gz)?")


class _Readable(Protocol):
    def readline(self, size: int, /) -> bytes: ...


@click.group("log")
def command() -> None:
    """Verify the log of decisions."""


def _keys(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[PublicKey, ...]:
    if len(paths) > LIMITS.trusted_keys:
        raise click.BadParameter(f"more than {LIMITS.trusted_keys} keys")
    return tuple(map(_key, paths))


def _key(path: Path) -> PublicKey:
    try:
        return PublicKey.from_pem(read_secret_or_key(path))
    except KeyNotSupportedError as error:
        raise click.BadParameter(f"{path}: {error}") from None


@command.command("verify")
@click.argument("files", type=INPUT, nargs=-1, required=True, metavar="FILE...")
@click.option("--key", "keys", type=INPUT, multiple=True, callback=_keys, metavar="PEM", help="Who must have signed.")
@click.option("--partial", is_flag=True, help="Accept chains whose beginning or end is not in the files.")
@OUTPUT
def _verify(files: tuple[Path, ...], keys: tuple[PublicKey, ...], partial: bool, output: str) -> None:  # noqa: FBT001 - click hands it over
    """Verify JSON lines in FILEs, as a sink has written them or a collector has kept them; `-` is standard input.

    Other lines may stand between. FILE.2, FILE.1 and FILE are read in this order however they are given; .gz is
    unpacked. --key is a public key and repeatable; each entry must be signed by one of them.

    Exit code: 0 whole, 1 not whole, 2 for a usage error or a file that cannot be read.
    """
    verifier = LogVerifier(keys)
    for path in _in_order(files):
        for number, line in enumerate(log_lines(path), 1):
            verifier.take(line, f"{path}:{number}")
    whole = verifier.whole(partial=partial)
    report = _report(verifier, whole=whole, signed=bool(keys))
    click.echo(json.dumps(report, ensure_ascii=False) if output == "json" else _as_text(report))
    raise SystemExit(EXIT_OK if whole else EXIT_REFUSED)


def _in_order(files: Sequence[Path]) -> list[Path]:
    """Puts rotated files before the file that they were rotated from, the oldest first."""
    order: dict[str, list[tuple[int, Path]]] = {}
    for path in files:
        match = _ROTATED.fullmatch(str(path))
        base, number = (match[1], int(match[2] or 0)) if match else (str(path), 0)
        order.setdefault(base, []).append((-number, path))
    return [path for group in order.values() for _, path in sorted(group, key=lambda entry: entry[0])]


def log_lines(path: Path) -> Iterator[bytes]:
    """Reads a file line by line.

    Args:
        path: The file; `-` is standard input, and `.gz` is unpacked.

    Yields:
        Each line with its end; an empty one in the place of a line that is too long, which is a fault.

    Raises:
        click.BadParameter: It cannot be read.
    """
    try:
        with _opened(path) as file:
            while line := file.readline(LIMITS.record_line_bytes):
                whole = line
                while len(line) == LIMITS.record_line_bytes and not line.endswith(b"\n"):
                    line = file.readline(LIMITS.record_line_bytes)
                    whole = b""
                yield whole
    except (OSError, EOFError, zlib.error):
        raise click.BadParameter(f"{path} cannot be read") from None


@contextmanager
def _opened(path: Path) -> Iterator[_Readable]:
    if str(path) == "-":
        yield sys.stdin.buffer
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as packed:
            yield packed
    else:
        with path.open("rb") as file:
            yield file


def _report(verifier: LogVerifier, *, whole: bool, signed: bool) -> dict[str, Any]:
    problems = [verifier.problem, *(chain.problem for chain in verifier.chains.values())]
    if not verifier.chains and not any(problems):
        problems = ["there is no entry"]
    return {
        "whole": whole,
        "signatures": "verified" if signed and whole else "not verified",
        "problems": [problem for problem in problems if problem is not None],
        "chains": [_described(chain) for chain in verifier.chains.values()],
        "otherLines": verifier.others,
    }


def _described(chain: ChainReport) -> dict[str, Any]:
    return {
        "instance": chain.instance,
        "entries": chain.entries,
        "first": chain.first,
        "last": chain.last,
        "lost": chain.lost,
        "repeated": chain.repeated,
        "closed": chain.closed,
        "missing": chain.missing(),
    }


def _as_text(report: dict[str, Any]) -> str:
    return "\n".join(["Whole" if report["whole"] else "Not whole", *_facts(report)])


def _facts(report: dict[str, Any]) -> Iterable[str]:
    """One fact a line."""
    for problem in report["problems"]:
        yield f"  problem: {problem}"
    for chain in report["chains"]:
        yield f"  chain {chain['instance']}: entries {chain['first']} to {chain['last']}"
        if chain["missing"] is not None:
            yield f"    missing: {chain['missing']}"
        if chain["lost"]:
            yield f"    lost before they were written, as the log itself says: {chain['lost']}"
        if chain["repeated"]:
            yield f"    delivered again: {chain['repeated']}"
    yield f"  signatures: {report['signatures']}"
    yield f"  other lines: {report['otherLines']}"
