"""Grafana Pyroscope: `SelectMergeProfile` of its query API, by the Connect protocol.

Sources: https://github.com/grafana/pyroscope/blob/main/api/querier/v1/querier.proto, whose answer is a pprof message,
and https://connectrpc.com/docs/protocol#unary-request. Protocol buffers rather than JSON: the answer is what all
else here reads, and nothing is built of it before it is counted.
"""

from datetime import datetime
from pathlib import Path

from webhook.attest.profile import Profile, ProfileError
from webhook.observer.sources import messages
from webhook.observer.sources.exchange import Exchange
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.sources.reading import read_pprof
from webhook.observer.sources.selector import selector
from webhook.observer.sources.settings import SourceSettings

_PATH = "/querier.v1.QuerierService/SelectMergeProfile"
_CONTENT_TYPE = "application/proto"
_PROFILE_TYPE, _SELECTOR, _START, _END = 1, 2, 3, 4
_MILLISECONDS = 1000


class PyroscopeSource:
    """Asks a Pyroscope."""

    kind = "pyroscope"

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
        question = b"".join(
            (
                messages.text(_PROFILE_TYPE, self._settings.counted),
                messages.text(_SELECTOR, selector(self._settings, run)),
                messages.number(_START, int(start.timestamp() * _MILLISECONDS)),
                messages.number(_END, int(end.timestamp() * _MILLISECONDS)),
            )
        )
        async with self._exchange.places:
            answer = await self._exchange.post(_PATH, _CONTENT_TYPE, question)
            try:
                return await read_pprof(answer.body)
            except ProfileError as error:
                raise self._exchange.unusable(f"answers with a profile that cannot be used: {error}") from None
