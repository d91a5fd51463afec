"""Parca: `Query` of its query API, by gRPC-Web, as its own pages ask.

Source: https://github.com/parca-dev/parca/blob/main/proto/parca/query/v1alpha1/query.proto. The same API stands below
`/api/profiles` as JSON, but there the server gives no answer above 4 MiB.
"""

from datetime import datetime
from typing import Final

from webhook.attest.formats import wire
from webhook.observer.sources import grpc_web, messages
from webhook.observer.sources.dialect import AnswerError, Dialect, Query
from webhook.observer.sources.exchange import Answer

_MODE, _MERGE, _REPORT_TYPE = 1, 3, 5
_MODE_MERGE, _REPORT_TYPE_PPROF = 2, 1
_QUERY, _START, _END = 1, 2, 3
_SECONDS, _NANOS = 1, 2
_NANOS_OF_A_MICROSECOND = 1000
_PPROF = 6
_NOT_FOUND = 5
_STATUSES = {
    3: "refuses the question (gRPC status 3): it may not know the profile type",
    4: "does not answer in its own time (gRPC status 4)",
    7: "does not allow this (gRPC status 7)",
    8: "has no room for the answer, or limits the rate of requests (gRPC status 8)",
    12: "has no such API there (gRPC status 12): is `url` right?",
    16: "does not accept the credentials (gRPC status 16)",
}


def _question(query: Query) -> bytes:
    merge = b"".join(
        (
            messages.text(_QUERY, query.counted + query.series),
            messages.message(_START, _timestamp(query.start)),
            messages.message(_END, _timestamp(query.end)),
        )
    )
    question = (
        messages.number(_MODE, _MODE_MERGE),
        messages.message(_MERGE, merge),
        messages.number(_REPORT_TYPE, _REPORT_TYPE_PPROF),
    )
    return grpc_web.frame(b"".join(question))


def _timestamp(moment: datetime) -> bytes:
    return messages.number(_SECONDS, int(moment.timestamp())) + messages.number(
        _NANOS, moment.microsecond * _NANOS_OF_A_MICROSECOND
    )


def _pprof(answer: Answer) -> bytes:
    try:
        status, message = grpc_web.read_answer(answer)
    except grpc_web.GrpcWebError as error:
        raise AnswerError(f"gives an answer that is no gRPC-Web: it has {error}") from None
    if status == _NOT_FOUND:
        # So it says of a single profile. Of a sum of none it gives an empty one.
        return b""
    if status:
        raise AnswerError(_STATUSES.get(status, f"has a failure of its own (gRPC status {status})"))
    reports = [
        message[start:end]
        for number, kind, start, end in wire.fields(message, 0, len(message))
        if (number, kind) == (_PPROF, wire.LENGTH)
    ]
    if len(reports) != 1:
        raise AnswerError("answers without a pprof report")
    return reports[0]


PARCA: Final = Dialect(
    path="/api/parca.query.v1alpha1.QueryService/Query",
    content_type=grpc_web.CONTENT_TYPE,
    question=_question,
    pprof=_pprof,
)
"""How a Parca is asked."""
