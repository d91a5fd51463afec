"""One question to a profile server over HTTP: capped, within its time, and nowhere else than where it was sent."""

import asyncio
import ssl
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDictProxy
from yarl import URL

from webhook.errors import ConfigurationError, UnavailableError
from webhook.kube.opening import USER_AGENT
from webhook.observer.sources.access import Access
from webhook.observer.sources.protocol import ProfileUnusableError
from webhook.observer.sources.settings import SourceSettings
from webhook.providers.remote.client import AbruptConnection, read_body
from webhook.stores.registry.transport.failure import connection_error

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""One answer: the profiles of one container, added up. A million stacks take 45 MiB."""
_AT_ONCE = 2
"""Questions under way: each may hold a whole answer, and reading one may take several times its size."""
_REFUSALS = {
    400: "refuses the question (400): it may allow no such window or profile type",
    401: "does not accept the credentials (401)",
    403: "does not allow this (403)",
    404: "has no such API there (404): is `url` right?",
    429: "limits the rate of requests (429)",
}
_SERVER_ERRORS = range(500, 600)
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came with status 200.

    Attributes:
        headers: Its headers.
        body: At most `ANSWER_BYTES`, not encoded.
    """

    headers: CIMultiDictProxy[str]
    body: bytes


class Exchange:
    """Asks one server. Each question has a connection of its own: there are few, and one that rests may be closed.

    Attributes:
        who: The server, as it stands in errors.
        places: One is to be held from before a question until its answer has been read.
    """

    def __init__(self, settings: SourceSettings, folder: Path) -> None:
        """Binds it.

        Args:
            settings: Where and how long.
            folder: What relative paths are relative to.

        Raises:
            ConfigurationError: A file that the section names cannot be used.
        """
        self._url = URL(settings.url, encoded=True)
        self._seconds = settings.timeout_seconds
        self._access = Access(settings, folder)
        self._access.context()
        self._access.headers()
        self.places = asyncio.Semaphore(_AT_ONCE)
        # As it is written, which yarl's `authority` is not.
        self.who = f"profile server {settings.url.split('/')[2]}"

    async def post(self, path: str, content_type: str, body: bytes) -> Answer:
        """Asks one question.

        Args:
            path: Below the server's URL, with a slash before it.
            content_type: Of the question, and so of the answer.
            body: The question.

        Returns:
            The answer.

        Raises:
            ProfileUnusableError: It is too large.
            UnavailableError: There is none in time, or it is none that may be used.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(path, content_type, body)
        except TimeoutError:
            raise self.failure(f"does not answer within {self._seconds:g} s") from None
        except ConfigurationError as error:
            raise UnavailableError(str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: a name that no resolver takes.
            raise UnavailableError(connection_error(self.who, error).detail) from None

    def failure(self, clause: str) -> UnavailableError:
        """Makes an error of a server that fails.

        Args:
            clause: What the server does, without a full stop.

        Returns:
            The error.
        """
        return UnavailableError(f"{self.who} {clause}")

    def unusable(self, clause: str) -> ProfileUnusableError:
        """Makes an error of a server that answers with what cannot be used.

        Args:
            clause: What the server does, without a full stop.

        Returns:
            The error.
        """
        return ProfileUnusableError(f"{self.who} {clause}")

    async def _post(self, path: str, content_type: str, body: bytes) -> Answer:
        headers = {
            **await asyncio.to_thread(self._access.headers),
            "Content-Type": content_type,
            "Accept": content_type,
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
        url = self._url.with_path(self._url.raw_path.rstrip("/") + path, encoded=True)
        async with (
            _session(await asyncio.to_thread(self._access.context)) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            self._judge(response, content_type)
            try:
                return Answer(response.headers, await read_body(response, ANSWER_BYTES))
            except UnavailableError:
                raise self.unusable(f"sends more than {ANSWER_BYTES} bytes") from None

    def _judge(self, response: aiohttp.ClientResponse, content_type: str) -> None:
        status = response.status
        if status in _REFUSALS:
            raise self.failure(_REFUSALS[status])
        if status in _SERVER_ERRORS:
            raise self.failure(f"has a failure of its own ({status})")
        if status in _REDIRECTS:
            raise self.failure(f"answers {status}, and redirects are not followed")
        if status != HTTPStatus.OK:
            raise self.failure(f"gives an answer that no profile server gives ({status})")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            # Unpacked it could be a thousand times as large.
            raise self.failure("sends a compressed answer, which it was asked not to")
        if response.headers.get("Content-Type", "") != content_type:
            raise self.failure("answers with another content type than it was asked for: is `url` right?")


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    handler: type[ResponseHandler] = AbruptConnection
    connector._factory = partial(handler, loop=asyncio.get_running_loop())  # noqa: SLF001 - there is no other way
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        # Neither proxy variables nor .netrc, which would be another way for a token to get out.
        trust_env=False,
    )
