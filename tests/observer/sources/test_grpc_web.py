"""What is said of an answer of Parca's that is no gRPC-Web, or a refusal by it."""

import gzip

import pytest

from tests.attest.made import message, scalar
from tests.observer.sources.asking import ask, refused, report
from tests.simulators.profile_server import ProfileServerSimulator
from tests.simulators.profile_server_answers import frame, trailers
from tests.simulators.profile_server_faults import says

USELESS = "answers with a profile that cannot be used: "
NO_GRPC = "gives an answer that is no gRPC-Web: it has "
FRAMES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", f"{NO_GRPC}no status"),
    "no trailers": (frame(message(6, b"")), f"{NO_GRPC}no status"),
    "no status in the trailers": (
        frame(message(6, b"")) + frame(b"grpc-message: x\r\n", 0x80),
        f"{NO_GRPC}no status",
    ),
    "a status that is none": (frame(b"grpc-status: zero\r\n", 0x80), f"{NO_GRPC}no status"),
    "a status in another's place": (frame(b"x-grpc-status: 0\r\n", 0x80), f"{NO_GRPC}no status"),
    "no message": (trailers(0), f"{NO_GRPC}no message"),
    "two messages": (
        frame(message(6, b"")) + frame(message(6, b"")) + trailers(0),
        f"{NO_GRPC}frames that it should not have",
    ),
    "a compressed one": (
        frame(gzip.compress(message(6, b"")), 1) + trailers(0),
        f"{NO_GRPC}frames that it should not have",
    ),
    "more after the end": (
        frame(message(6, b"")) + trailers(0) + trailers(0),
        f"{NO_GRPC}frames that it should not have",
    ),
    "trailers without end": (
        frame(message(6, b"")) + frame(b"x: y\r\n" * 20_000 + b"grpc-status: 0\r\n", 0x80),
        f"{NO_GRPC}frames that it should not have",
    ),
    "a short head": (b"\0\0\0", f"{NO_GRPC}a frame that is cut off"),
    "a short frame": (b"\0\xff\xff\xff\xff" + b"x" * 100, f"{NO_GRPC}a frame that is cut off"),
    "no report": (frame(scalar(9, 5)) + trailers(0), "answers without a pprof report"),
    "a report that is a number": (frame(scalar(6, 5)) + trailers(0), "answers without a pprof report"),
    "two reports": (frame(message(6, b"") * 2) + trailers(0), "answers without a pprof report"),
    "another report": (frame(message(11, b"arrow")) + trailers(0), "answers without a pprof report"),
    "no protocol buffers": (frame(b"\xff" * 20) + trailers(0), f"{USELESS}a number in it has more than 64 bits"),
}


@pytest.mark.parametrize("case", FRAMES)
async def test_an_answer_that_is_no_grpc_web_is_told(server: ProfileServerSimulator, case: str) -> None:
    body, said = FRAMES[case]
    server.fault = says(body)
    assert await refused(server, "parca") == said


CODES = {
    1: "has a failure of its own (gRPC status 1)",
    3: "refuses the question (gRPC status 3): it may not know the profile type",
    4: "does not answer in its own time (gRPC status 4)",
    7: "does not allow this (gRPC status 7)",
    8: "has no room for the answer, or limits the rate of requests (gRPC status 8)",
    12: "has no such API there (gRPC status 12): is `url` right?",
    13: "has a failure of its own (gRPC status 13)",
    14: "has a failure of its own (gRPC status 14)",
    16: "does not accept the credentials (gRPC status 16)",
    99999: "has a failure of its own (gRPC status 99999)",
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("in_the_headers", [True, False])
async def test_a_grpc_status_is_told(
    server: ProfileServerSimulator,
    code: int,
    in_the_headers: bool,  # noqa: FBT001 - a column of the table
) -> None:
    if in_the_headers:
        server.fault = says(b"", 200, {"Grpc-Status": str(code), "Grpc-Message": "secrets"})
    else:
        # A message before a failure is none.
        server.fault = says(report(b"x")[: -len(trailers(0))] + trailers(code))
    assert await refused(server, "parca") == CODES[code]


async def test_that_there_is_no_profile_may_be_a_status_too(server: ProfileServerSimulator) -> None:
    server.fault = says(trailers(5))
    assert await ask(server, "parca") is None
