"""From a file to a profile, whatever its format."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import IO

from webhook.attest.formats import folded, otlp, perf_script, pprof, speedscope, wire
from webhook.attest.profile import SAMPLES, Profile, ProfileError, Source
from webhook.attest.tally import Tally, Watch, unwatched
from webhook.limits import LIMITS

_GZIP = b"\x1f\x8b"
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_HEAD = 64 * 1024
_TEXT_CONTROLS = b"\t\n\r\f"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS)
_LOOKED_AT = 1000
"""Fields of a message that tell what it is."""
_OTLP_FIELDS = {1, 2}
_OTLP_DICTIONARY = 2
_OTLP_DICTIONARIES = 64
"""More than anybody would write one after the other into a file."""


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
        raise _too_large(limit)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    if content.startswith(_GZIP):
        content = _unpacked(content, limit)
    found = FORMATS[name or detect(content)]
    tally = Tally()
    measure = found.parse(content, tally, watch)
    return tally.profile((Source(digest, found.media_type),), measure or SAMPLES)


def detect(content: bytes) -> str:
    """Finds the format by the content; a file's name says nothing.

    Args:
        content: The file, unpacked.

    Returns:
        A name in `FORMATS`; what looks like no other format is folded stacks.
    """
    head = content[:_HEAD]
    if head.lstrip()[:1] == b"{":
        return "otlp-json" if b'"resourceProfiles"' in content or b'"dictionary"' in head else "speedscope"
    if head.translate(None, _CONTROLS) != head:
        return _message(content)
    return "perf-script" if perf_script.is_perf_script(head) else "folded"


def _message(content: bytes) -> str:
    # ProfilesData has two fields, the second but once. A pprof profile has a string table at least, which is its
    # sixth, and its samples are its second, as many as there are.
    try:
        numbers = Counter(field[0] for field in islice(wire.fields(content, 0, len(content)), _LOOKED_AT))
    except ProfileError:
        return "pprof"
    return "pprof" if numbers.keys() - _OTLP_FIELDS or numbers[_OTLP_DICTIONARY] > _OTLP_DICTIONARIES else "otlp"


def _unpacked(content: bytes, limit: int) -> bytes:
    """Unpacks all members of a gzip file, and never more than is allowed."""
    return b"".join(_members(content, limit))


def _members(content: bytes, limit: int) -> Iterator[bytes]:
    left = limit
    while content:
        unpacker = zlib.decompressobj(_GZIP_FORMAT)
        try:
            part = unpacker.decompress(content, left + 1)
        except zlib.error:
            raise ProfileError("it is not gzip, or damaged") from None
        left -= len(part)
        if left < 0:
            raise _too_large(limit)
        if not unpacker.eof:
            raise ProfileError("it is cut off")
        content = unpacker.unused_data
        yield part


def _too_large(limit: int) -> ProfileError:
    return ProfileError(f"it is larger than {limit} bytes")
