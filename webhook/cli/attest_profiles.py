"""Reads the profiles of a command line, with a bar where it takes long."""

from collections.abc import Sequence
from pathlib import Path

import click

from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Profile, ProfileError
from webhook.attest.reading import read_profile
from webhook.attest.tally import merge
from webhook.cli.attest_options import fail
from webhook.cli.progress import Bar
from webhook.limits import LIMITS


def count_profiles(paths: Sequence[Path], form: str | None) -> Counted:
    """Reads profiles, adds them up, and applies the filters.

    Args:
        paths: The files; `-` is standard input.
        form: Their format, or None to look at the content.

    Returns:
        What counts.

    Raises:
        click.BadParameter: One of them cannot be used, or they cannot be added up.
    """
    if len(paths) > LIMITS.profile_sources:
        fail("profile", f"at most {LIMITS.profile_sources} profiles can be added up")
    with Bar() as bar:
        profiles = [_profile(path, form, bar) for path in paths]
        try:
            merged = merge(profiles)
        except ProfileError as error:
            fail("profile", str(error))
        return count_execution(merged, bar.watch("counting"))


def _profile(path: Path, form: str | None, bar: Bar) -> Profile:
    try:
        with click.open_file(path, "rb") as stream:
            return read_profile(stream, form, bar.watch(f"reading {path.name}"))
    except ProfileError as error:
        fail("profile", f"{path}: {error}")
    except OSError:
        fail("profile", f"{path} cannot be read")
