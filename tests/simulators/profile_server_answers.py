"""What Pyroscope and Parca make of a profile that was pushed, and how they answer with it.

Held against the real ones by test_profile_server_crosscheck.py.
"""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tests.attest.made import message, packed, scalar
from tests.support.protobuf import messages, numbers, take_apart

_SAMPLE_TYPE, _SAMPLE, _STRING, _TIME, _PERIOD_TYPE, _PERIOD = 1, 2, 6, 9, 11, 12
_KEPT = (3, 4, 5, 6, 9, 10)
"""Mappings, locations, functions, strings, time and duration."""
_LABEL = re.compile(r'([a-zA-Z_]\w*)="([^"\\]*)"')


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        counted: The type of profile, five parts, perhaps with `:delta`.
        labels: What the series' labels must equal.
        start: Nanoseconds since 1970.
        end: Likewise.
    """

    counted: str
    labels: Mapping[str, str]
    start: int
    end: int

    @classmethod
    def of_pyroscope(cls, body: bytes) -> Self:
        """Reads `querier.v1.SelectMergeProfileRequest`."""
        fields = take_apart(body)
        assert fields.keys() == {1, 2, 3, 4}
        (counted,), (selector,) = messages(fields[1]), messages(fields[2])
        (start,), (end,) = numbers(fields[3]), numbers(fields[4])
        return cls(counted.decode(), _labels(selector.decode()), start * 10**6, end * 10**6)

    @classmethod
    def of_parca(cls, body: bytes) -> Self:
        """Reads `parca.query.v1alpha1.QueryRequest` in its frame, which must ask for a merge as pprof."""
        assert body[:5] == b"\0" + (len(body) - 5).to_bytes(4, "big")
        fields = take_apart(body[5:])
        assert fields.keys() == {1, 3, 5}
        assert (numbers(fields[1]), numbers(fields[5])) == ([2], [1])
        merge = take_apart(messages(fields[3])[0])
        (query,) = messages(merge[1])
        counted, brace, rest = query.decode().partition("{")
        return cls(counted, _labels(brace + rest), _nanos(merge[2]), _nanos(merge[3]))


def _labels(selector: str) -> dict[str, str]:
    pairs = _LABEL.findall(selector)
    assert selector == "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}", selector
    return dict(pairs)


def _nanos(values: list[int | bytes]) -> int:
    fields = take_apart(messages(values)[0])
    return sum(numbers(fields.get(1, [0]))) * 10**9 + sum(numbers(fields.get(2, [0])))


@dataclass(frozen=True)
class Stored:
    """A profile that was pushed.

    Attributes:
        content: pprof, not compressed.
        labels: Of its series.
    """

    content: bytes
    labels: Mapping[str, str]

    def is_asked_for(self, question: Question) -> bool:
        """Says whether its labels and its beginning are those of a question."""
        begun = numbers(take_apart(self.content)[_TIME])[0]
        same = self.labels.items() >= question.labels.items()
        return same and question.start <= begun <= question.end

    def of_type(self, counted: str, *, time: bool) -> bytes | None:
        """Writes it as a server gives it back.

        Args:
            counted: Which of its values: five parts of which the second and third are the type and unit.
            time: Whether samples come as the time that they stand for, as Parca has it.

        Returns:
            pprof with one value a sample, without labels; None if it measures no such thing.
        """
        fields = take_apart(self.content)
        strings = [text.decode() for text in messages(fields[_STRING])]
        types = [_type(one, strings) for one in messages(fields[_SAMPLE_TYPE])]
        period = _type(messages(fields[_PERIOD_TYPE])[0], strings)
        _, kind, unit, *of_period = counted.split(":")[:5]
        if (kind, unit) not in types or tuple(of_period) != period:
            return None
        chosen, factor = types.index((kind, unit)), 1
        written = messages(fields[_SAMPLE_TYPE])[chosen]
        if time and unit == "count":
            written, factor = messages(fields[_PERIOD_TYPE])[0], numbers(fields[_PERIOD])[0]
        parts = [message(_SAMPLE_TYPE, written)]
        for sample in messages(fields[_SAMPLE]):
            inner = take_apart(sample)
            value = numbers(inner[2])[chosen] * factor
            parts.append(message(_SAMPLE, packed(1, numbers(inner[1])) + packed(2, [value])))
        for field in _KEPT:
            parts += [scalar(field, one) if isinstance(one, int) else message(field, one) for one in fields[field]]
        return b"".join(parts)


def _type(value_type: bytes, strings: list[str]) -> tuple[str, str]:
    fields = take_apart(value_type)
    return strings[numbers(fields[1])[0]], strings[numbers(fields[2])[0]]


def pyroscope_body(found: bytes | None) -> bytes:
    """Writes the body of an answer: a profile that does not even say what it would measure if there is none."""
    return message(1, b"") + message(6, b"") + message(11, b"") if found is None else found


def parca_body(found: bytes | None) -> bytes:
    """Writes the body of an answer: a profile without samples if there is none."""
    empty = message(1, scalar(1, 1) + scalar(2, 2)) + b"".join(
        message(6, text) for text in (b"", b"cpu", b"nanoseconds")
    )
    return frame(message(6, gzip.compress(empty if found is None else found))) + trailers(0)


def frame(content: bytes, flags: int = 0) -> bytes:
    """Writes a frame of gRPC-Web."""
    return bytes([flags]) + len(content).to_bytes(4, "big") + content


def trailers(status: int) -> bytes:
    """Writes the last frame."""
    return frame(f"grpc-status: {status}\r\n".encode(), 0x80)
