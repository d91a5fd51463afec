"""Reads the profiles of a command line, with a bar where it takes long.

Two files of the same content are one recording given twice, and refused: each sample would count double, so that a
function needs but half of the samples that make it hot. Two replicas may write the same bytes as well, but only where
the format has no time and they did next to nothing; what is lost by refusing that is a recording that shows little,
while what is lost by adding it up is the meaning of the signed counts. Empty profiles are refused before, one by one.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from webhook.attest.counted import Counted, count_execution
from webhook.attest.profile import Profile, ProfileError
from webhook.attest.reading import FORMATS, read_profile
from webhook.attest.tally import merge
from webhook.cli.attest_options import fail
from webhook.cli.progress import Bar
from webhook.limits import LIMITS

_TWICE = (
    "the same profile is given twice, and its samples would count double; give it once. If two replicas recorded the "
    "same, record longer, under load"
)
_MIX = "where they spell a function differently, it counts more than once; use one tool and format"


def count_profiles(paths: Sequence[Path], form: str | None) -> Counted:
    """Reads profiles, adds them up, and applies the filters.

    Args:
        paths: The files; `-` is standard input.
        form: Their format, or None to look at the content.

    Returns:
        What counts.

    Raises:
        click.BadParameter: One of them cannot be used, is given twice, or they cannot be added up.
    """
    if len(paths) > LIMITS.profile_sources:
        fail("profile", f"at most {LIMITS.profile_sources} profiles can be added up")
    with Bar() as bar:
        profiles = _profiles(paths, form, bar)
        try:
            merged = merge(profiles)
        except ProfileError as error:
            fail("profile", str(error))
        counted = count_execution(merged, bar.watch("counting"))
    _warn_of_a_mix(merged)
    return counted


def _profiles(paths: Sequence[Path], form: str | None, bar: Bar) -> list[Profile]:
    read: dict[str, tuple[Path, Profile]] = {}
    for path in paths:
        profile = _profile(path, form, bar)
        content = profile.sources[0].content
        if content in read:
            fail("profile", f"{read[content][0]} and {path}: {_TWICE}")
        read[content] = path, profile
    return [profile for _, profile in read.values()]


def _warn_of_a_mix(merged: Profile) -> None:
    kinds = {source.media_type for source in merged.sources}
    names = sorted(name for name, form in FORMATS.items() if form.media_type in kinds)
    if len(names) > 1:
        click.echo(f"warning: the profiles are of the formats {', '.join(names)}: {_MIX}", err=True)


def _profile(path: Path, form: str | None, bar: Bar) -> Profile:
    try:
        with click.open_file(path, "rb") as stream:
            return read_profile(stream, form, bar.watch(f"reading {path.name}"))
    except ProfileError as error:
        fail("profile", f"{path}: {error}")
    except OSError:
        fail("profile", f"{path} cannot be read")
