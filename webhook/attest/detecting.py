"""Which format a profile has, by its content; a file's name says nothing."""

from collections import Counter
from itertools import islice

from webhook.attest.formats import perf_script, wire
from webhook.attest.profile import ProfileError

_HEAD = 64 * 1024
_TEXT_CONTROLS = b"\t\n\r\f"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS)
_LOOKED_AT = 1000
"""Fields of a message that tell what it is."""
_OTLP_FIELDS = {1, 2}
_OTLP_DICTIONARY = 2
_OTLP_DICTIONARIES = 64
"""More than anybody would write one after the other into a file."""
_PACKED = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}
"""What the files of other packers begin with; no profile begins so, but for text with a function BZh…."""
_BZIP2_BLOCK = slice(4, 10)
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""What every bzip2 file has behind `BZh` and a digit: pi, or the square root of pi if it is empty."""


def recognize(content: bytes) -> str | None:
    """Finds the format by what only this format has.

    Args:
        content: The file, unpacked.

    Returns:
        A name in `FORMATS`, or None: it may be any text, message or JSON.
    """
    head = content[:_HEAD]
    if _is_json(head):
        if b'"resourceProfiles"' in content or b'"dictionary"' in head:
            return "otlp-json"
        return "speedscope" if b"speedscope" in head else None
    if _is_binary(head):
        return _message(content)
    return "perf-script" if perf_script.is_perf_script(head) else None


def guess(content: bytes) -> str:
    """Assumes a format for what is not recognized, so that the format's parser can judge it.

    Args:
        content: The file, unpacked.

    Returns:
        A name in `FORMATS`; text is folded stacks, which have no mark of their own.
    """
    head = content[:_HEAD]
    if _is_json(head):
        return "speedscope"
    return "pprof" if _is_binary(head) else "folded"


def packer(content: bytes) -> str | None:
    """Tells who has packed a file that is not unpacked here.

    Args:
        content: The file.

    Returns:
        The packer's name, or None for what looks like no packed file.
    """
    name = next((name for magic, name in _PACKED.items() if content.startswith(magic)), None)
    return None if name == "bzip2" and content[_BZIP2_BLOCK] not in _BZIP2_BLOCKS else name


def _is_json(head: bytes) -> bool:
    return head.lstrip()[:1] == b"{"


def _is_binary(head: bytes) -> bool:
    return head.translate(None, _CONTROLS) != head


def _message(content: bytes) -> str | None:
    # ProfilesData has two fields, the second but once. A pprof profile has a string table at least, which is its
    # sixth, and its samples are its second, as many as there are.
    try:
        numbers = Counter(field[0] for field in islice(wire.fields(content, 0, len(content)), _LOOKED_AT))
    except ProfileError:
        return None
    return "pprof" if numbers.keys() - _OTLP_FIELDS or numbers[_OTLP_DICTIONARY] > _OTLP_DICTIONARIES else "otlp"
