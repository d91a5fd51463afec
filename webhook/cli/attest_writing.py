"""Writing where a command line says: a file, standard output, a pipe, or what is open already."""

import os
import re
import stat
import sys
from pathlib import Path

import click

from webhook.cli.attest_options import fail
from webhook.files import write_atomically

_STDOUT = 1
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/[0-9]+(?:/task/[0-9]+)?/fd")
_LINKS = 40
"""As many as Linux follows."""


def is_stdout(path: Path | None) -> bool:
    """Tells whether a file is standard output.

    Args:
        path: The file; None is none.

    Returns:
        True for `-` and for what leads to it, such as `/dev/stdout`.
    """
    return path is not None and (str(path) == "-" or own_descriptor(path) == _STDOUT)


def own_descriptor(path: Path) -> int | None:
    """Finds which of this process's open files a path leads to by its number, as `/dev/stderr` and `/dev/fd/3` do.

    Args:
        path: The path.

    Returns:
        The number, which need not be open; None if the path leads elsewhere.
    """
    found = _descriptor(path)
    mine = ("/dev/fd/", os.path.realpath("/proc/self") + "/")
    return int(found.name) if found is not None and str(found).startswith(mine) else None


def check_writable(path: Path | None, option: str) -> None:
    """Checks, before there is anything to lose, what can be known beforehand of a file that will be written.

    Args:
        path: The file; `-` is standard output; None is none.
        option: The option that names it, without dashes.

    Raises:
        click.BadParameter: Its folder is not there, or it is closed.
    """
    if path is None:
        return
    if is_stdout(path):
        if sys.stdout is None:
            fail(option, "standard output is closed; name a file")
        return
    own = own_descriptor(path)
    try:
        if own is not None:
            os.fstat(own)
        else:
            # With the slash at its end, a folder that is a file is a mistake too.
            os.stat(os.path.join(os.path.dirname(os.path.realpath(path)), ""))  # noqa: PTH116, PTH118, PTH120 - pathlib drops that slash
    except OSError as error:
        fail(option, f"{path} cannot be written: {error.strerror}")


def attempt(path: Path, content: bytes, word: str) -> list[str]:
    """Writes, and tells a failure instead of raising it, so that it does not keep anything else from being done.

    Args:
        path: The file; `-` and what else leads to standard output is that, which is never replaced.
        content: All of it.
        word: What it is not if this fails, such as `written`.

    Returns:
        What failed: one clause, or nothing.
    """
    try:
        if is_stdout(path):
            click.echo(content, nl=False)
        else:
            write_output(path, content)
    except OSError as error:
        return [f"not {word}: {shown(path)}: {error.strerror}"]
    return []


def shown(path: Path) -> str:
    """Names a file for people.

    Args:
        path: The file.

    Returns:
        Its path, or that it is standard output.
    """
    return "standard output" if is_stdout(path) else str(path)


def write_output(path: Path, content: bytes) -> None:
    """Writes where somebody has asked for it: a file as `write_atomically` does, anything else as it is.

    Args:
        path: A file, which gets mode 0644; a symbolic link, whose target is replaced; a pipe or a device, which is
            written to; or what leads to an open file by its number (`/dev/stderr`, `/dev/fd/3`), which is written to
            where it stands: somebody else, such as a shell's `2>>log`, has it open and goes on.
        content: The whole content.

    Raises:
        OSError: It cannot be written.
    """
    found = _descriptor(path)
    if found is not None:
        own = own_descriptor(path)
        # A copy has the position and the mode of the original, where opening it anew would begin at the start.
        handle = os.open(found, os.O_WRONLY | os.O_APPEND) if own is None else os.dup(own)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    elif _is_named(path):
        write_atomically(Path(os.path.realpath(path)), content)
    else:
        with path.open("wb") as file:
            file.write(content)


def _is_named(path: Path) -> bool:
    """Tells whether a path names a file, or where one will be."""
    target = Path(os.path.realpath(path))
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    # The links of /proc lead to things that their text does not name.
    return stat.S_ISREG(status.st_mode) and target.exists() and target.samefile(path)


def _descriptor(path: Path) -> Path | None:
    """Follows links one by one, since `realpath` would go on to what is open there."""
    try:
        for _ in range(_LINKS):
            folder = Path(os.path.realpath(path.parent))
            if _DESCRIPTORS.fullmatch(str(folder)) and path.name.isdecimal():
                return folder / path.name
            if not path.is_symlink():
                return None
            path = folder / path.readlink()
    except (OSError, ValueError):
        # Whoever opens it learns why; ValueError: a name that no file system has.
        pass
    return None
