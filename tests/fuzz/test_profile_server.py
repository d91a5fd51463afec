"""Whatever a profile server answers, there is a profile, nothing, or an error in our words."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from tests.attest.made import message, scalar
from tests.observer.sources.recording import RECORDED
from tests.simulators.profile_server_answers import frame, trailers
from tests.support.protobuf import take_apart
from webhook.attest.profile import ProfileError
from webhook.observer.sources import messages
from webhook.observer.sources.exchange import Answer
from webhook.observer.sources.grpc_web import GrpcWebError, read_answer
from webhook.observer.sources.reading import read_pprof

PUSHED = gzip.decompress((RECORDED / "pushed.pb.gz").read_bytes())
STATUSES = st.dictionaries(st.just("grpc-status"), st.one_of(st.text(max_size=8), st.sampled_from(["0", "5", "12"])))
BODIES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(frame, st.binary(max_size=20), st.sampled_from([0, 1, 0x80, 0x81])),
        st.integers(0, 20).map(trailers),
    ),
    max_size=4,
).map(b"".join)


@given(BODIES, STATUSES)
def test_frames(body: bytes, headers: dict[str, str]) -> None:
    answer = Answer(CIMultiDictProxy(CIMultiDict(headers)), body)
    with suppress(GrpcWebError):
        status, content = read_answer(answer)
        assert status >= 0
        assert not (status and content)
        assert content in body


@given(st.binary(max_size=100), st.integers(0, 16))
def test_a_message_comes_out_as_it_went_in(content: bytes, status: int) -> None:
    answer = Answer(CIMultiDictProxy(CIMultiDict()), frame(content) + trailers(status))
    assert read_answer(answer) == (status, b"" if status else content)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real profile with bytes that were changed, taken away or put in."""
    content = bytearray(PUSHED)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content) - 1))
        content[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content)


@pytest.mark.parametrize("packed", [False, True])
@given(content=st.one_of(damaged(), st.binary(max_size=200)))
async def test_profiles(packed: bool, content: bytes) -> None:  # noqa: FBT001 - a column of the table
    with suppress(ProfileError):
        profile = await read_pprof(gzip.compress(content) if packed else content)
        assert profile is None or profile.total > 0


@given(st.integers(1, 2**29 - 1), st.integers(0, 2**63 - 1), st.text(max_size=300))
def test_messages_are_written_as_others_read_them(field: int, value: int, text: str) -> None:
    assert take_apart(messages.number(field, value)) == {field: [value]}
    assert take_apart(messages.text(field, text)) == {field: [text.encode()]}
    inner = messages.number(1, value)
    assert messages.message(field, inner) == message(field, scalar(1, value))
