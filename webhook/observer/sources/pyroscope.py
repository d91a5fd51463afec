"""Grafana Pyroscope: `SelectMergeProfile` of its query API, by the Connect protocol.

Sources: https://github.com/grafana/pyroscope/blob/main/api/querier/v1/querier.proto, whose answer is a pprof message,
and https://connectrpc.com/docs/protocol#unary-request. Protocol buffers rather than JSON: the answer is what all
else here reads, and nothing is built of it before it is counted.
"""

from operator import attrgetter
from typing import Final

from webhook.observer.sources import messages
from webhook.observer.sources.dialect import Dialect, Query

_PROFILE_TYPE, _SELECTOR, _START, _END = 1, 2, 3, 4
_MILLISECONDS = 1000


def _question(query: Query) -> bytes:
    return b"".join(
        (
            messages.text(_PROFILE_TYPE, query.counted),
            messages.text(_SELECTOR, query.series),
            messages.number(_START, int(query.start.timestamp() * _MILLISECONDS)),
            messages.number(_END, int(query.end.timestamp() * _MILLISECONDS)),
        )
    )


PYROSCOPE: Final = Dialect(
    path="/querier.v1.QuerierService/SelectMergeProfile",
    content_type="application/proto",
    question=_question,
    pprof=attrgetter("body"),
)
"""How a Pyroscope is asked."""
