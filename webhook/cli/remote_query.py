"""Asking a server's evidence service: over TLS, no redirects, no further than the caps."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from webhook.errors import ConfigurationError, MalformedError, UnavailableError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.evidence_wire import WireError, check_result
from webhook.model.strict_json import parse_json
from webhook.providers.remote.client import read_body
from webhook.server.query.surfaces import QUERY_PATH

_URL = re.compile(r"https://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?")
_MARGIN_SECONDS = 5.0
"""Beyond what the server gives a provider."""
_MESSAGE_CHARACTERS = 512


class NotAnsweredError(Exception):
    """The server refuses the request or the caller.

    Attributes:
        bad_request: Whether the request itself is at fault, and not who asks.
    """

    def __init__(self, text: str, *, bad_request: bool) -> None:
        super().__init__(text)
        self.bad_request = bad_request


@dataclass(frozen=True, slots=True)
class Server:
    """A server and how to reach it.

    Attributes:
        url: `https://HOST:PORT`.
        ca_file: PEM, who may have signed its certificate; None for the system's authorities.
        token_file: The bearer token; None for none.
    """

    url: str
    ca_file: Path | None
    token_file: Path | None


async def ask_server(server: Server, body: bytes) -> dict[str, Any]:
    """Asks one query.

    Args:
        server: Whom.
        body: The request.

    Returns:
        `{"result": …}`, with all eight members.

    Raises:
        ConfigurationError: The URL, the authority or the token cannot be used; nothing was sent.
        NotAnsweredError: The server says no.
        UnavailableError: There is no usable answer.
    """
    url, context, headers = _prepared(server)
    timeout = aiohttp.ClientTimeout(total=LIMITS.query_seconds + _MARGIN_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(url, data=body, headers=headers, ssl=context, allow_redirects=False) as response,
        ):
            data = await read_body(response, LIMITS.query_reply_bytes)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise UnavailableError(f"{server.url} gives no answer: {_reason(error)}") from None
    return _judged(response.status, data, server.url)


def _prepared(server: Server) -> tuple[str, ssl.SSLContext, dict[str, str]]:
    if not _URL.fullmatch(server.url):
        raise ConfigurationError("--server is https://HOST or https://HOST:PORT")
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ValueError):
        raise ConfigurationError(f"authority {server.ca_file} cannot be used") from None
    headers = {"Content-Type": "application/json"}
    if server.token_file is not None:
        headers["Authorization"] = f"Bearer {_token(server.token_file)}"
    return server.url.rstrip("/") + QUERY_PATH, context, headers


def _token(path: Path) -> str:
    try:
        token = read_capped(path, LIMITS.bearer_token_bytes).decode("ascii").strip()
    except (OSError, ValueError):
        token = ""
    if not token or not token.isprintable() or " " in token:
        raise ConfigurationError(f"token file {path} does not hold one token")
    return token


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid"
    return "no answer in time" if isinstance(error, TimeoutError) else "the connection failed"


def _judged(status: int, data: bytes, url: str) -> dict[str, Any]:
    try:
        document = parse_json(data, "answer")
    except MalformedError:
        document = None
    if not isinstance(document, dict):
        raise UnavailableError(f"{url} answers {status}, and no JSON object")
    if status == 200 and document.keys() == {"result"}:  # noqa: PLR2004 - HTTP's word for an answer
        try:
            check_result(document["result"])
        except WireError as error:
            raise UnavailableError(f"{url} answers with something that is no result: {error}") from None
        return document
    text = f"{url} answers {status}: {_message(document)}"
    if status in {400, 413}:
        raise NotAnsweredError(text, bad_request=True)
    if status in {401, 403}:
        raise NotAnsweredError(text, bad_request=False)
    raise UnavailableError(text)


def _message(document: dict[str, Any]) -> str:
    """The server's own words, fit for a terminal."""
    error = document.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    text = message if isinstance(message, str) else "without a message"
    return ascii(text[:_MESSAGE_CHARACTERS])[1:-1]
