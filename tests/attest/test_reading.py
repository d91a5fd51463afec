import bz2
import codecs
import gzip
import hashlib
import io
import json
import lzma
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import message, read, sample, stacks, tables
from tests.support.deadline import at_most
from webhook.attest import reading
from webhook.attest.detecting import recognize
from webhook.attest.profile import ProfileError
from webhook.attest.reading import FORMATS, read_profile
from webhook.limits import LIMITS

FOLDED = b"main;price 3\n"
PPROF = tables() + sample([3, 1], [3, 3])
OTLP = message(1, b"") + message(2, message(5, b""))
CASES = {
    "folded": FOLDED,
    "pprof": PPROF,
    "otlp": OTLP,
    "otlp-json": b'\n{"resourceProfiles": [], "dictionary": {}}',
    "speedscope": b'{"$schema": "https://www.speedscope.app/file-format-schema.json", "shared": {}}',
    "perf-script": b"# header\ncart 1 [000] 1.5: 1 cpu-clock: \n\t 1a main+0x1 (/bin/cart)\n",
}


GUESSES = {
    "folded": (b"<svg><!-- a flame graph -->\n", b"import sys\n", b"Name,Calls\n"),
    "pprof": (b"\x7fELF\x02\x01\x01\x00", b"\xfb\xa9\x03cProfile\x00", PPROF[:-1]),
    "speedscope": (b'{"nodes": [], "startTime": 1}', b"{"),
}
"""What is no profile that is known: an SVG, a script, a table, a program, a file of cProfile, Chrome's profiles."""


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"folded"}))
def test_the_content_tells_the_format(name: str) -> None:
    assert recognize(CASES[name]) == name


def test_many_samples_are_those_of_pprof_and_many_profiles_opentelemetrys() -> None:
    assert recognize(sample([1], [1, 1]) * 2000 + tables()) == "pprof"
    assert recognize(message(1, b"") * 2000 + message(2, b"")) == "otlp"


@pytest.mark.parametrize(("name", "content"), [(name, each) for name in GUESSES for each in GUESSES[name]])
def test_what_is_not_recognized_is_refused_with_what_was_assumed_and_what_is_known(name: str, content: bytes) -> None:
    others = ", ".join(sorted(CASES.keys() - {name}))
    assumed = f"; taken for {name}, as it looks like none of {others}, gzipped or not; --format forces one"
    for file in (content, gzip.compress(content)):
        with pytest.raises(ProfileError) as caught:
            read(file)
        assert str(caught.value).endswith(assumed)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"import sys\n", "folded"),
        (b"main;price 3\n", "pprof"),
        (tables(types=(("cpu", "nanoseconds"), ("samples", "count"))) + sample([9], [1, 1]), None),
        (CASES["speedscope"], None),
    ],
)
def test_a_format_that_is_given_or_recognized_is_not_called_a_guess(content: bytes, form: str | None) -> None:
    with pytest.raises(ProfileError) as caught:
        read(content, form)
    assert "taken for" not in str(caught.value)


PACKED = {
    "zstd": bytes.fromhex("28b52ffd04586900006d61696e3b707269636520330a7b9da9aa"),
    "xz": lzma.compress(FOLDED),
    "bzip2": bz2.compress(FOLDED),
    "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
}
"""The magic numbers are those of RFC 8878 (3.1.1), the xz format (2.1.1.1), and APPNOTE.TXT of zip (4.3.7)."""


def test_members_of_gzip_are_unpacked_in_linear_time() -> None:
    # What each member left over was copied: 10,000 times 32 MiB.
    comments = b"#%s\n" % (b"-" * 65_000) * 512
    content = gzip.compress(b"") * 9_999 + gzip.compress(comments + b"a 1\n", 0)
    with at_most(10):
        assert stacks(content) == {("a",): 1}


def test_a_byte_order_mark_before_text_is_no_part_of_a_name() -> None:
    assert stacks(codecs.BOM_UTF8 + b"main;f 10\nmain;f 10\n") == {("main", "f"): 20}


@pytest.mark.parametrize("form", [None, "folded", "pprof"])
@pytest.mark.parametrize("packer", PACKED)
def test_of_packed_files_only_gzip_is_unpacked(packer: str, form: str | None) -> None:
    for content in (PACKED[packer], gzip.compress(PACKED[packer])):
        with pytest.raises(ProfileError, match=f"^it is packed with {packer}, and only gzip is unpacked here"):
            read(content, form)


def test_an_empty_bzip2_file_is_packed_too() -> None:
    with pytest.raises(ProfileError, match="packed with bzip2"):
        read(bz2.compress(b""))


def test_a_function_may_be_named_as_bzip2_begins() -> None:
    assert stacks("BZh9;BZhuffman 3\n") == {("BZh9", "BZhuffman"): 3}


@pytest.mark.parametrize("content", [FOLDED, PPROF])
def test_a_compressed_file_is_the_same_profile_with_another_digest(content: bytes) -> None:
    packed = gzip.compress(content)
    assert stacks(packed) == stacks(content) == {("main", "price"): 3}
    assert read(packed).sources[0].digest == "sha256:" + hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("content", [FOLDED, PPROF])
def test_a_source_knows_what_it_is_however_it_is_packed(content: bytes) -> None:
    unpacked = "sha256:" + hashlib.sha256(content).hexdigest()
    for file in (content, gzip.compress(content), gzip.compress(content[:5], 1) + gzip.compress(content[5:], 9)):
        assert read(file).sources[0].content == unpacked


def test_all_members_of_a_compressed_file_are_read() -> None:
    assert stacks(gzip.compress(b"a 1\n") + gzip.compress(b"b 2\n")) == {("a",): 1, ("b",): 2}


def test_a_format_can_be_forced() -> None:
    text = b"cart 1 [000] 1.5: 1 cpu-clock: 7\n"
    assert stacks(text, "folded") == {("cart 1 [000] 1.5: 1 cpu-clock:",): 7}
    with pytest.raises(ProfileError):
        read(FOLDED, "pprof")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMITS", replace(LIMITS, profile_bytes=1_000_000))
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(bytes(200_000_000)) + packer.flush()
    assert len(bomb) < 250_000
    for content in (bomb, gzip.compress(bytes(600_000)) * 2):
        with pytest.raises(ProfileError, match=r"^it is larger than 1000000 bytes$"):
            read(content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (gzip.compress(PPROF)[:-9], "it is cut off"),
        (gzip.compress(PPROF)[:3], "it is cut off"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, "it is not gzip, or damaged"),
        (gzip.compress(PPROF) + b"rest", "it is not gzip, or damaged"),
        (gzip.compress(b""), "it holds no samples"),
        (gzip.compress(b"") * 10_001, "it is of more than 10000 gzip members"),
        (b"", "it holds no samples"),
        (b"\n \n", "it holds no samples"),
    ],
)
def test_what_cannot_be_unpacked_or_is_empty_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(ProfileError, match=f"^{text}$"):
        read(content)


class _Endless(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        assert size == LIMITS.profile_bytes + 1
        return bytes(size)


def test_an_endless_stream_ends_at_the_size_limit() -> None:
    with pytest.raises(ProfileError, match=f"^it is larger than {LIMITS.profile_bytes} bytes$"):
        read_profile(_Endless())


def test_progress_ends_within_the_whole() -> None:
    seen: list[tuple[int, int]] = []
    content = b"".join(sample([1, 2], [1, 1]) for _ in range(40_000)) + tables()
    for profile in (content, b"main;price 1\n" * 40_000):
        seen.clear()
        read_profile(io.BytesIO(profile), watch=lambda done, total: seen.append((done, total)))
        assert len(seen) >= 2
        assert seen == sorted(seen)
        assert all(0 <= done <= total for done, total in seen)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_profile_or_a_profile_error(data: bytes) -> None:
    for content in (data, gzip.compress(data), b"\x1f\x8b" + data):
        try:
            assert read(content).total >= 1
        except ProfileError:
            continue


@given(st.text(max_size=200))
def test_any_text_is_a_profile_or_a_profile_error(text: str) -> None:
    for content in (text, "{" + text, json.dumps({"profiles": text})):
        try:
            assert read(content.encode("utf-8")).total >= 1
        except ProfileError:
            continue
