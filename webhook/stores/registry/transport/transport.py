"""One HTTP exchange with a registry or what it sends us to: bounded, unencoded, and cut when nobody waits any more.

Redirects are followed here, by hand: each hop's address is checked, and no hop gets a credential.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.kube.opening import USER_AGENT
from webhook.limits import LIMITS
from webhook.settings.stores import RegistryHostSettings
from webhook.stores.registry.transport.address import AddressRules, CheckedResolver, asked_for, host_and_port
from webhook.stores.registry.transport.failure import Outcome, RegistryError, connection_error, outcome_of_status
from webhook.stores.registry.transport.messages import Answer, Call, Patience, Request, can_be_asked
from webhook.stores.registry.transport.shares import Shares
from webhook.stores.registry.transport.wire import CountingHandler, WireError

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SMALL_BYTES = 64 * 1024
"""What is read of an answer that is not looked at, so that its connection can be used again."""
_CONNECTIONS = 256
_CONNECTIONS_PER_HOST = 64
_EXCHANGES_PER_REGISTRY = 48
"""Wherever they lead: a registry whose redirects go to many hosts must not take all connections."""


class Transport:
    """A session for all registries of a store."""

    def __init__(
        self,
        hosts: Mapping[str, RegistryHostSettings],
        folder: Path,
        observe: Callable[[Call], None],
        patience: Patience,
    ) -> None:
        """Reads the CA bundles; nothing is connected to yet.

        Args:
            hosts: Settings by host of a reference.
            folder: What relative paths are relative to.
            observe: Told of each exchange.
            patience: How long to wait.

        Raises:
            ConfigurationError: A CA bundle cannot be used.
        """
        self._rules = AddressRules(hosts)
        self._contexts = {
            host_and_port(key, insecure=entry.insecure): _context(folder / entry.ca_file, key)
            for key, entry in hosts.items()
            if entry.ca_file is not None
        }
        self._observe = observe
        self._patience = patience
        self._shares = Shares(_EXCHANGES_PER_REGISTRY)
        self._session: aiohttp.ClientSession | None = None
        self._resolver: CheckedResolver | None = None

    async def close(self) -> None:
        """Closes all connections; a request after this opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    async def ask(self, request: Request) -> Answer:
        """Makes a request and follows redirects.

        Args:
            request: What to ask.

        Returns:
            The answer, which is no redirect.

        Raises:
            RegistryError: There is none, or it may not be used.
        """
        accept = {name: value for name, value in request.headers.items() if name == "Accept"}
        for _ in range(LIMITS.registry_redirects + 1):
            answer = await self.exchange(request)
            if answer.status not in _REDIRECTS:
                return answer
            request = replace(request, url=_target(request, answer), headers=accept, elsewhere=True)
        raise RegistryError(f"{request.who} redirects more than {LIMITS.registry_redirects} times")

    async def exchange(self, request: Request) -> Answer:
        """Makes one request, and follows nothing.

        Args:
            request: What to ask.

        Returns:
            The answer.

        Raises:
            RegistryError: There is none, or it may not be used.
        """
        begin = time.monotonic()
        received = 0
        outcome = Outcome.ABANDONED
        try:
            async with self._shares.of(request.host):
                answer = await self._guarded(request)
            received, outcome = len(answer.body), outcome_of_status(answer.status)
        except RegistryError as error:
            outcome = error.outcome
            raise
        finally:
            seconds = time.monotonic() - begin
            self._observe(Call(request.host, request.operation, outcome.value, seconds, received))
        return answer

    async def _guarded(self, request: Request) -> Answer:
        url = request.url
        # As aiohttp connects to it: `①②⑦.0.0.1` is an address too.
        place = (url.raw_host or "", url.port or 0)
        self._rules.check_literal(*place)
        try:
            return await self._exchange(request, self._contexts.get(place))
        except WireError:
            raise RegistryError(f"{request.who} sends headers or tiny chunks without end") from None
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(request.who, error) from error

    async def _exchange(self, request: Request, context: ssl.SSLContext | None) -> Answer:
        patience = self._patience
        asked_for.set(request.host)
        response = await self._opened().request(
            *self._line(request),
            headers=request.headers,
            data=self._content(request),
            allow_redirects=False,
            ssl=True if context is None else context,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=patience.connect, sock_read=patience.silence),
        )
        try:
            body = await (_whole(request, response) if response.status == _OK else _glance(response))
        finally:
            _cut(response)
        return Answer(response.status, response.headers, body, request)

    # Whoever writes overrides these two (`webhook.publish.transport`); here there is nothing that could.
    def _line(self, request: Request) -> tuple[str, URL]:
        return "GET" if request.form is None else "POST", request.url

    def _content(self, request: Request) -> Mapping[str, str] | BytesIO | None:
        return request.form

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._resolver = CheckedResolver(self._rules)
            connector = aiohttp.TCPConnector(
                resolver=self._resolver,
                # Who asks for a name that another has asked for would wait in the other's place.
                use_dns_cache=False,
                limit=_CONNECTIONS,
                limit_per_host=_CONNECTIONS_PER_HOST,
            )
            handler: type[ResponseHandler] = CountingHandler
            factory = partial(handler, loop=asyncio.get_running_loop())
            connector._factory = factory  # noqa: SLF001 - there is no other way; test_wire.py would notice
            self._session = aiohttp.ClientSession(
                connector=connector,
                # Neither proxy variables nor .netrc, which would be another way for a credential to get out.
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", "User-Agent": USER_AGENT},
            )
        return self._session


def _target(request: Request, answer: Answer) -> URL:
    location = answer.headers.get("Location", "")
    try:
        target = request.url.join(URL(location))
    except ValueError:
        target = URL()
    if location == "" or not can_be_asked(target):
        raise RegistryError(f"{request.who} redirects to a place that cannot be asked")
    if target.scheme == "http" and request.url.scheme == "https":
        raise RegistryError(f"{request.who} redirects from https to plain http")
    return target


async def _whole(request: Request, response: aiohttp.ClientResponse) -> bytes:
    """Reads a body without trust in what its headers say."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        # A few kilobytes of gzip can be gigabytes; and it is the bytes as they are whose digest counts.
        raise RegistryError(f"{request.who} sends a compressed answer, which it was asked not to")
    detail = f"{request.who} sends more than the {request.cap} bytes that are acceptable here"
    # A token's size is the token service's affair; all other sizes are that of whoever pushed.
    too_large = RegistryError(detail, content=request.operation != "token")
    if (response.content_length or 0) > request.cap:
        raise too_large
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > request.cap:
            raise too_large
    return bytes(data)


async def _glance(response: aiohttp.ClientResponse) -> bytes:
    """Reads an answer that only its status and headers matter of, if it is short."""
    data = bytearray()
    if (response.content_length or 0) < _SMALL_BYTES:
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > _SMALL_BYTES:
                break
    return bytes(data)


def _cut(response: aiohttp.ClientResponse) -> None:
    """Ends an answer that was not read to its end; a connection that was read empty is back in the pool."""
    if response.connection is not None and response.connection.transport is not None:
        # Without TLS's farewell, for which a server that hangs would let us wait.
        response.connection.transport.abort()
    response.close()


def _context(file: Path, host: str) -> ssl.SSLContext:
    """Trusts one bundle alone: who names it means this authority, and not one of a hundred others besides."""
    # Not create_default_context, which trusts the system's authorities when it is given an empty text.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # What is not ASCII is a comment: names of authorities stand beside their certificates.
        text = read_capped(file, LIMITS.registry_file_bytes).decode("ascii", "ignore")
        context.load_verify_locations(cadata=text)
    except (OSError, ValueError):
        raise ConfigurationError(
            f"stores.registry.hosts.{host}.caFile {str(file)!r}: cannot be read, or holds no PEM certificates"
        ) from None
    # An intermediate authority, or the server's own certificate, is trust enough, as for container runtimes.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
