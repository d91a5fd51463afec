import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attest.made import message, number, scalar
from webhook.attest.formats import wire
from webhook.attest.profile import ProfileError


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_a_number_is_read_as_it_was_written(value: int, rest: bytes) -> None:
    written = number(value)
    assert wire.varint(written + rest, 0, len(written) + len(rest)) == (value, len(written))
    assert wire.encoded(value) == written
    assert wire.signed(value) == (value if value < 2**63 else value - 2**64)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        # The examples of https://protobuf.dev/programming-guides/encoding/.
        (b"\x01", 1),
        (b"\x96\x01", 150),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2**64 - 2),
        (b"\x80\x00", 0),
    ],
)
def test_the_documentations_numbers_are_read(data: bytes, value: int) -> None:
    assert wire.varint(data, 0, len(data)) == (value, len(data))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "it is cut off"),
        (b"\x80", "it is cut off"),
        (b"\xff" * 9, "it is cut off"),
        (b"\xff" * 9 + b"\x02", "more than 64 bits"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\x80" * 10 + b"\x01", "more than 64 bits"),
    ],
)
def test_a_number_without_end_or_too_long_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ProfileError, match=text):
        wire.varint(data, 0, len(data))


def test_the_fields_of_a_message_come_in_order() -> None:
    data = scalar(1, 150) + message(2, b"testing") + b"\x19" + bytes(8) + b"\x25" + bytes(4) + scalar(1000, 2**40)
    found = [
        (*field[:2], data[field[2] : field[3]] if field[1] else field[2]) for field in wire.fields(data, 0, len(data))
    ]
    assert found == [(1, 0, 150), (2, 2, b"testing"), (3, 1, bytes(8)), (4, 5, bytes(4)), (1000, 0, 2**40)]


@pytest.mark.parametrize(
    "data", [b"\x0a\x05abc", b"\x19" + bytes(7), b"\x25" + bytes(3), b"\x0a", b"\x08", b"\x0b", b"\x0f"]
)
def test_a_field_that_is_cut_off_or_unknown_is_refused(data: bytes) -> None:
    with pytest.raises(ProfileError):
        list(wire.fields(data + b"\x00" * 9, 0, len(data)))


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_packed_numbers_are_cut_apart(values: list[int]) -> None:
    data = b"".join(map(number, values))
    assert wire.split_varints(b"\xff" + data, 1, 1 + len(data)) == list(map(number, values))


def test_packed_numbers_of_which_the_last_is_cut_off_are_refused() -> None:
    with pytest.raises(ProfileError, match="it is cut off"):
        wire.split_varints(b"\x01\x80\x01", 0, 2)


@given(st.binary(max_size=100))
def test_any_bytes_are_fields_or_a_profile_error(data: bytes) -> None:
    try:
        for number_, kind, first, last in wire.fields(data, 0, len(data)):
            assert number_ >= 0
            assert kind == wire.VARINT or 0 <= first <= last <= len(data)
    except ProfileError:
        return
