"""A profile server, asked in its own dialect."""

from datetime import datetime
from pathlib import Path

from webhook.attest.profile import Profile, ProfileError
from webhook.observer.sources.dialect import AnswerError, Dialect, Query
from webhook.observer.sources.exchange import Exchange
from webhook.observer.sources.protocol import ContainerRun
from webhook.observer.sources.reading import read_pprof
from webhook.observer.sources.selector import selector
from webhook.observer.sources.settings import SourceSettings


class ProfileServer:
    """A `ProfileSource` over HTTP.

    Attributes:
        kind: What it is: `pyroscope` or `parca`.
        tells_containers: Whether containers of a pod are told apart.
    """

    def __init__(self, settings: SourceSettings, folder: Path, dialect: Dialect) -> None:
        """Binds it; no connection is opened.

        Args:
            settings: The section.
            folder: What relative paths are relative to.
            dialect: How it is asked.

        Raises:
            ConfigurationError: A file that the section names cannot be used.
        """
        self.kind = settings.kind.value
        self.tells_containers = settings.labels.container is not None
        self._settings = settings
        self._dialect = dialect
        self._exchange = Exchange(settings, folder)

    async def profile(self, run: ContainerRun, start: datetime, end: datetime) -> Profile | None:
        """As `ProfileSource.profile`."""
        dialect = self._dialect
        query = Query(self._settings.counted, selector(self._settings, run), start, end)
        async with self._exchange.places:
            answer = await self._exchange.post(dialect.path, dialect.content_type, dialect.question(query))
            try:
                return await read_pprof(dialect.pprof(answer))
            except AnswerError as error:
                raise self._exchange.failure(str(error)) from None
            except ProfileError as error:
                raise self._exchange.unusable(f"answers with a profile that cannot be used: {error}") from None
