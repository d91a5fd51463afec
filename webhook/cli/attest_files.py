"""The files that a command line of `evidence-gate attest` names, looked at before any of them is lost."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from webhook.cli.attest_destination import DestinationOptions
from webhook.cli.attest_options import fail
from webhook.cli.attest_signer import SignerOptions
from webhook.cli.attest_writing import check_writable, is_stdout, own_descriptor

_STDIN, _STDOUT = Path("/dev/stdin"), Path("/dev/stdout")
_DASH = Path("-")
_NO_DASH = ("kubeconfig", "config")


class FileOptions(SignerOptions, DestinationOptions):
    """The options that name files."""

    profiles: tuple[Path, ...]
    config: Path | None
    flamegraph: Path | None


def check_files(options: FileOptions) -> None:
    """Checks that nothing is read twice that can be read once, and that nothing is written over.

    Args:
        options: The command line.

    Raises:
        click.BadParameter: Two options name standard input, or standard output; or one that is written names what
            another one names; or it cannot be written.
    """
    inputs = list(_inputs(options))
    readers = [option for option, path in inputs if own_descriptor(path) == 0]
    if len(readers) > 1:
        fail(readers[1], f"standard input is named twice, by --{readers[0]} too; name a file")
    output, flamegraph = options["output"], options["flamegraph"]
    if is_stdout(output) and is_stdout(flamegraph):
        fail("flamegraph", "standard output is taken by --output; name a file")
    outputs = [
        (option, path) for option, path in (("output", output), ("flamegraph", flamegraph)) if path is not None
    ]
    seen = {_identity(path): option for option, path in inputs}
    for option, path in outputs:
        check_writable(path, option)
        identity = _identity(_opened(path, _STDOUT))
        if identity is not None and (other := seen.setdefault(identity, option)) != option:
            fail(option, f"{path} is the file of --{other} too, which would be lost; name another")


def _inputs(options: FileOptions) -> Iterator[tuple[str, Path]]:
    """Gives options without dashes, and their files."""
    for profile in options["profiles"]:
        yield "profile", _opened(profile, _STDIN)
    key = options["key"]
    if key is not None and "://" not in key:
        yield "key", _opened(Path(key), _STDIN)
    for name in ("key_passphrase_file", "identity_token_file", "trust_config", "kubeconfig", "config"):
        path = options.get(name)
        if isinstance(path, Path):
            # The last two read no standard input by the name `-`, which a file may have.
            yield name.replace("_", "-"), path.absolute() if name in _NO_DASH else _opened(path, _STDIN)


def _opened(path: Path, stream: Path) -> Path:
    return stream if path == _DASH else path


def _identity(path: Path) -> tuple[int, int] | str | None:
    """Tells files apart by what they are, however they are linked; None for what is not lost, as a pipe or device."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
