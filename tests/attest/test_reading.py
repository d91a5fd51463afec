import gzip
import hashlib
import io
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import message, read, sample, stacks, tables
from webhook.attest import reading
from webhook.attest.profile import ProfileError
from webhook.attest.reading import FORMATS, detect, read_profile
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


@pytest.mark.parametrize("name", FORMATS)
def test_the_content_tells_the_format(name: str) -> None:
    assert detect(CASES[name]) == name


def test_many_samples_are_those_of_pprof_and_many_profiles_opentelemetrys() -> None:
    assert detect(sample([1], [1, 1]) * 2000 + tables()) == "pprof"
    assert detect(message(1, b"") * 2000 + message(2, b"")) == "otlp"


@pytest.mark.parametrize("content", [FOLDED, PPROF])
def test_a_compressed_file_is_the_same_profile_with_another_digest(content: bytes) -> None:
    packed = gzip.compress(content)
    assert stacks(packed) == stacks(content) == {("main", "price"): 3}
    assert read(packed).sources[0].digest == "sha256:" + hashlib.sha256(packed).hexdigest()


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
