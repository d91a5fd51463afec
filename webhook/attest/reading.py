"""From a file to a profile, whatever its format."""

import codecs
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

from webhook.attest.detecting import guess, packer, recognize
from webhook.attest.formats import folded, otlp, perf_script, pprof, speedscope
from webhook.attest.profile import SAMPLES, Profile, ProfileError, Source
from webhook.attest.tally import Tally, Watch, unwatched
from webhook.attest.unpacking import too_large, unpacked
from webhook.limits import LIMITS

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        media_type: What the predicate calls it.
        parse: Content in, stacks into the tally; gives the measure, or None for samples.
    """

    media_type: str
    parse: Callable[[bytes, Tally, Watch], str | None]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "folded": Format(folded.MEDIA_TYPE, folded.parse_folded),
        "otlp": Format(otlp.MEDIA_TYPE, otlp.parse_otlp),
        "otlp-json": Format(otlp.JSON_MEDIA_TYPE, otlp.parse_otlp_json),
        "perf-script": Format(perf_script.MEDIA_TYPE, perf_script.parse_perf_script),
        "pprof": Format(pprof.MEDIA_TYPE, pprof.parse_pprof),
        "speedscope": Format(speedscope.MEDIA_TYPE, speedscope.parse_speedscope),
    }
)
"""Name to format."""


def read_profile(
    stream: IO[bytes], name: str | None = None, watch: Watch = unwatched, *, limit: int | None = None
) -> Profile:
    """Reads a profile.

    Args:
        stream: The file, gzipped or not.
        name: A name in `FORMATS`; None looks at the content.
        watch: Is told of the progress.
        limit: The most bytes that it may have, before and after it is unpacked; by default `LIMITS.profile_bytes`.

    Returns:
        The profile.

    Raises:
        ProfileError: It is of no such format, a limit is exceeded, or there are no samples at all.
        OSError: The stream cannot be read.
    """
    limit = LIMITS.profile_bytes if limit is None else limit
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    digest = unpacked_digest = _digest(content)
    if content.startswith(_GZIP):
        content = unpacked(content, limit)
        unpacked_digest = _digest(content)
    if other := packer(content):
        raise ProfileError(f"it is packed with {other}, and only gzip is unpacked here; unpack it first")
    # Some editors and shells write this mark before text. Of folded stacks it would make another function.
    content = content.removeprefix(codecs.BOM_UTF8)
    tally = Tally()
    media_type, measure = _parse(content, name, tally, watch)
    return tally.profile((Source(digest, media_type, unpacked_digest),), measure or SAMPLES)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _parse(content: bytes, name: str | None, tally: Tally, watch: Watch) -> tuple[str, str | None]:
    """Parses by the format that is given, recognized or assumed; gives its media type, and the measure."""
    known = name or recognize(content)
    assumed = known or guess(content)
    found = FORMATS[assumed]
    try:
        return found.media_type, found.parse(content, tally, watch)
    except ProfileError as error:
        if known:
            raise
        raise ProfileError(f"{error}; {_assumption(assumed)}") from None


def _assumption(assumed: str) -> str:
    """Explains an error that may be but that of a wrong guess."""
    others = ", ".join(sorted(FORMATS.keys() - {assumed}))
    return f"taken for {assumed}, as it looks like none of {others}, gzipped or not; --format forces one"
