"""Which addresses a registry may have, checked where the name is resolved and connected to by that very result.

Who writes an image reference, a redirect or the realm of a challenge chooses a host, and a name server chooses its
address; the cloud's metadata service and the node's own ports must not be what comes of it (CVE-2026-22039,
CVE-2026-4789). A name that is resolved once to be checked and again to connect has two answers, so aiohttp is given
the checked addresses themselves. Private networks are where many registries are, and are allowed.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from aiohttp.abc import AbstractResolver, ResolveResult

from webhook.settings.stores import RegistryHostSettings
from webhook.stores.registry.transport.failure import Outcome, RegistryError
from webhook.stores.registry.transport.shares import Shares

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_Question = tuple[str, int, socket.AddressFamily]

_REFUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a loopback", ("127.0.0.0/8", "::1/128")),
    # 0.0.0.0 reaches the node itself on Linux.
    ("an unspecified", ("0.0.0.0/8", "::/128")),
    # First of all the metadata service of every large cloud; and IPv6's deprecated site-local addresses.
    ("a link-local", ("169.254.0.0/16", "fe80::/10", "fec0::/10")),
    ("a multicast or broadcast", ("224.0.0.0/4", "ff00::/8", "255.255.255.255/32")),
    # Of AWS (IMDS, EKS pod identity), Google Cloud, Alibaba Cloud, Azure and Oracle Cloud, in this order.
    (
        "a metadata service's",
        ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    ),
    # Where their IPv4 address lies depends on the network (RFC 8215, RFC 6052) or is hidden (RFC 4380).
    ("a translated", ("64:ff9b:1::/48", "2001::/32")),
)
_REFUSED_NETWORKS = tuple(
    (kind, ipaddress.ip_network(network)) for kind, networks in _REFUSED for network in networks
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_RESOLVER_THREADS = 16
_THREADS_PER_REGISTRY = 2
_QUEUE_SECONDS = 3.0
"""For a thread; then the name counts as one that cannot be resolved."""
_KNOWN_SECONDS = 10.0
_KNOWN_NAMES = 1024
_PORTS = {True: 80, False: 443}

asked_for: ContextVar[str] = ContextVar("asked_for", default="")
"""The registry on whose behalf names are resolved; aiohttp has no other way to tell a resolver."""


def unwrapped(address: Address) -> Address:
    """Gives the IPv4 address that an IPv6 address only carries.

    Args:
        address: Any address.

    Returns:
        What lies inside an IPv4-mapped, IPv4-compatible, 6to4 (RFC 3056) or NAT64 (RFC 6052) address; else the same.
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    carries = address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)
    return IPv4Address(int(address) & 0xFFFFFFFF) if carries else address


def refusal(address: Address, allowed: Iterable[Network]) -> str | None:
    """Says why an address may not be connected to.

    Args:
        address: The address.
        allowed: Networks that the configuration allows this host.

    Returns:
        The kind of address ("a loopback"), or None if it may.
    """
    inner = unwrapped(address)
    if any(inner in network for network in allowed):
        return None
    return next((kind for kind, network in _REFUSED_NETWORKS if inner in network), None)


class AddressRules:
    """The rules for each host: what the configuration allows it beyond the ordinary."""

    def __init__(self, hosts: Mapping[str, RegistryHostSettings]) -> None:
        """Sorts the settings by host and port.

        Args:
            hosts: `host` or `host:port` of a reference to its settings.
        """
        self._allowed = {
            host_and_port(key, insecure=settings.insecure): settings.addresses for key, settings in hosts.items()
        }

    def check_literal(self, host: str, port: int) -> None:
        """Checks a host that is itself an address, which no resolver ever sees.

        Args:
            host: As a URL has it, without brackets.
            port: The port.

        Raises:
            RegistryError: It is an address that may not be connected to, or looks like one and is none.
        """
        # As aiohttp tells the two apart.
        if ":" not in host and not host.replace(".", "").isdigit():
            return
        try:
            # A zone (`fe80::1%eth0`) belongs to link-local addresses alone.
            address = ipaddress.ip_address("" if "%" in host else host)
        except ValueError:
            raise RegistryError("a registry's host is no valid address", Outcome.ADDRESS) from None
        self.permitted(host, port, [address])

    def permitted(self, host: str, port: int, addresses: Sequence[Address]) -> list[Address]:
        """Keeps the addresses that a host may have.

        Args:
            host: The host.
            port: The port.
            addresses: Its addresses, at least one.

        Returns:
            At least one of them.

        Raises:
            RegistryError: None may be connected to.
        """
        allowed = self._allowed.get((host, port), ())
        kinds = {address: refusal(address, allowed) for address in addresses}
        good = [address for address, kind in kinds.items() if kind is None]
        if not good:
            kind = next(kind for kind in kinds.values() if kind is not None)
            name = f"[{host}]" if ":" in host else host
            raise RegistryError(
                f"{name}:{port} has {kind} address, which stores.registry.hosts does not allow", Outcome.ADDRESS
            )
        return good


def host_and_port(key: str, *, insecure: bool) -> tuple[str, int]:
    """Reads `host`, `host:port`, `[v6]` or `[v6]:port`; the port is by default that of the scheme."""
    host, colon, port = key.rpartition(":")
    if not colon or key.endswith("]"):
        host, port = key, str(_PORTS[insecure])
    # What is said about docker.io is about the host that serves it.
    return ("registry-1.docker.io" if host == "docker.io" else host.strip("[]")), int(port)


class CheckedResolver(AbstractResolver):
    """Resolves a name and gives only addresses that may be connected to.

    It has threads of its own: a name server that hangs must not take those in which evidence is verified. One
    registry gets only some of them: it can redirect to any number of names whose name servers are silent.
    """

    def __init__(self, rules: AddressRules) -> None:
        """Prepares the threads.

        Args:
            rules: Say which addresses are left.
        """
        self._rules = rules
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="registry-names")
        self._shares = Shares(_THREADS_PER_REGISTRY)
        self._known: dict[_Question, tuple[float, list[Address]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolves a name.

        Args:
            host: The name.
            port: The port that will be connected to.
            family: The address family, or AF_UNSPEC.

        Returns:
            The addresses that may be connected to.

        Raises:
            OSError: The name has no address, or too many names are being resolved for the same registry.
            RegistryError: It has none that may be connected to.
        """
        question = (host, port, family)
        found = await self._in_turn(question)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._rules.permitted(host, port, found)
        ]

    def _fresh(self, question: _Question) -> list[Address] | None:
        until, found = self._known.get(question, (0.0, []))
        return found if time.monotonic() < until else None

    async def _in_turn(self, question: _Question) -> list[Address]:
        share = self._shares.of(asked_for.get())
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await share.acquire()
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "too many names at once") from None
        if found := self._fresh(question):
            # Somebody had the same question lately.
            share.release()
            return found
        loop = asyncio.get_running_loop()
        work = self._threads.submit(_look_up, *question)
        answer = asyncio.wrap_future(work)

        def give_back(_: object) -> None:
            with suppress(RuntimeError):
                # The loop has ended before a name server's silence.
                loop.call_soon_threadsafe(share.release)

        # Not when nobody waits any more: it is the thread that counts, and it cannot be interrupted. And only after
        # the answer, which the next may be waiting for.
        work.add_done_callback(give_back)
        found = await answer
        if len(self._known) >= _KNOWN_NAMES:
            self._known.clear()
        self._known[question] = (time.monotonic() + _KNOWN_SECONDS, found)
        return found

    async def close(self) -> None:
        """Frees the threads; one that hangs in a name server's silence ends with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Address]:
    try:
        entries = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except ValueError:
        # A label of more than 63 characters, a NUL.
        raise socket.gaierror(socket.EAI_NONAME, "no name that could be looked up") from None
    return [ipaddress.ip_address(entry[4][0]) for entry in entries]
