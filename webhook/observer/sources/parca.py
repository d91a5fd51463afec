"""Parca: `Query` of its query API, by gRPC-Web, as its own pages ask.

Source: https://github.com/parca-dev/parca/blob/main/proto/parca/query/v1alpha1/query.proto. The same API stands below
`/api/profiles` as JSON, but there the server gives no answer above 4 MiB.
"""

from datetime import datetime
from pathlib import Path

from webhook.attest.formats import wire
from webhook.attest.profile import Profile, ProfileError
from webhook.errors import UnavailableError
from webhook.observer.sources import grpc_web, messages
from webhook.observer.sources.exchange import Answer, Exchange
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.sources.reading import read_pprof
from webhook.observer.sources.selector import selector
from webhook.observer.sources.settings import SourceSettings

_PATH = "/api/parca.query.v1alpha1.QueryService/Query"
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


class ParcaSource:
    """Asks a Parca."""

    kind = "parca"

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        """Binds it; no connection is opened.

        Args:
            settings: The section.
            folder: What relative paths are relative to.

        Raises:
            ConfigurationError: A file that the section names cannot be used.
        """
        self.tells_containers = settings.labels.container is not None
        self._settings = settings
        self._exchange = Exchange(settings, folder)

    async def profile(self, run: ContainerRun, start: datetime, end: datetime) -> Profile | None:
        """Asks for all profiles of a container, added up.

        Args:
            run: The container.
            start: The earliest beginning of a profile that counts, with a zone.
            end: The latest one.

        Returns:
            The sum; None if the server has none.

        Raises:
            ProfileUnusableError: What the server has of this container cannot be used.
            UnavailableError: The server could not be asked, or does not answer as one.
        """
        merge = b"".join(
            (
                messages.text(_QUERY, self._settings.counted + selector(self._settings, run)),
                messages.message(_START, _timestamp(start)),
                messages.message(_END, _timestamp(end)),
            )
        )
        question = b"".join(
            (
                messages.number(_MODE, _MODE_MERGE),
                messages.message(_MERGE, merge),
                messages.number(_REPORT_TYPE, _REPORT_TYPE_PPROF),
            )
        )
        async with self._exchange.places:
            answer = await self._exchange.post(_PATH, grpc_web.CONTENT_TYPE, grpc_web.frame(question))
            try:
                return await read_pprof(self._pprof(answer))
            except ProfileError as error:
                raise self._exchange.unusable(f"answers with a profile that cannot be used: {error}") from None

    def _pprof(self, answer: Answer) -> bytes:
        """Finds the profile in the answer."""
        try:
            status, message = grpc_web.read_answer(answer)
        except grpc_web.GrpcWebError as error:
            raise self._exchange.failure(f"gives an answer that is no gRPC-Web: it has {error}") from None
        if status == _NOT_FOUND:
            # So it says of a single profile. Of a sum of none it gives an empty one.
            return b""
        if status:
            raise self._refusal(status)
        reports = [
            message[start:end]
            for number, kind, start, end in wire.fields(message, 0, len(message))
            if (number, kind) == (_PPROF, wire.LENGTH)
        ]
        if len(reports) != 1:
            raise self._exchange.failure("answers without a pprof report")
        return reports[0]

    def _refusal(self, status: int) -> UnavailableError:
        return self._exchange.failure(_STATUSES.get(status, f"has a failure of its own (gRPC status {status})"))


def _timestamp(moment: datetime) -> bytes:
    return messages.number(_SECONDS, int(moment.timestamp())) + messages.number(
        _NANOS, moment.microsecond * _NANOS_OF_A_MICROSECOND
    )
