"""Which addresses a registry may have, in every disguise that IPv6 has for an IPv4 address."""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.settings.stores import RegistryHostSettings
from webhook.stores.registry.transport.address import AddressRules, CheckedResolver, refusal, unwrapped
from webhook.stores.registry.transport.failure import RegistryError

REFUSED = [
    ("127.0.0.1", "a loopback"),
    ("127.255.255.254", "a loopback"),
    ("::1", "a loopback"),
    ("0.0.0.0", "an unspecified"),  # noqa: S104 - nobody listens here
    ("0.1.2.3", "an unspecified"),
    ("::", "an unspecified"),
    ("169.254.0.1", "a link-local"),
    ("169.254.169.254", "a link-local"),
    ("169.254.170.2", "a link-local"),
    ("fe80::1", "a link-local"),
    ("febf::1", "a link-local"),
    ("fec0::1", "a link-local"),
    ("224.0.0.1", "a multicast or broadcast"),
    ("239.255.255.250", "a multicast or broadcast"),
    ("255.255.255.255", "a multicast or broadcast"),
    ("ff02::1", "a multicast or broadcast"),
    ("fd00:ec2::254", "a metadata service's"),
    ("fd00:ec2::23", "a metadata service's"),
    ("fd20:ce::254", "a metadata service's"),
    ("100.100.100.200", "a metadata service's"),
    ("168.63.129.16", "a metadata service's"),
    ("192.0.0.192", "a metadata service's"),
    ("64:ff9b:1::808:808", "a translated"),
    ("2001::1", "a translated"),
]
ALLOWED = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "8.8.8.8",
    "fd12:3456::1",
    "2606:4700::1111",
    "2001:db8::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize(("text", "kind"), REFUSED)
def test_address_is_refused_by_its_kind(text: str, kind: str) -> None:
    assert refusal(ipaddress.ip_address(text), ()) == kind


@pytest.mark.parametrize("text", ALLOWED)
def test_ordinary_and_private_addresses_are_fine(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), ()) is None


@pytest.mark.parametrize(
    "text", ["::ffff:192.0.2.33", "::192.0.2.33", "64:ff9b::192.0.2.33", "2002:c000:221::", "2002:c000:221:1::5"]
)
def test_address_that_is_carried_is_found(text: str) -> None:
    # 192.0.2.33 is RFC 6052's own example.
    assert unwrapped(IPv6Address(text)) == IPv4Address("192.0.2.33")


@pytest.mark.parametrize("text", ["::", "::1", "2606:4700::1111", "fe80::1", "192.0.2.33"])
def test_other_addresses_carry_none(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert unwrapped(address) == address


@given(st.ip_addresses(v=4))
def test_disguise_changes_nothing(inner: IPv4Address) -> None:
    number = int(inner)
    nat64 = IPv6Address((0x64FF9B << 96) | number)
    mapped = IPv6Address((0xFFFF << 32) | number)
    six_to_four = IPv6Address((0x2002 << 112) | (number << 80) | 1)
    assert {refusal(address, ()) for address in (nat64, mapped, six_to_four)} == {refusal(inner, ())}


def test_network_that_is_configured_is_allowed() -> None:
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    assert refusal(IPv4Address("127.0.0.1"), networks) is None
    assert refusal(IPv6Address("::ffff:127.0.0.1"), networks) is None
    assert refusal(IPv6Address("::1"), networks) == "a loopback"
    assert refusal(IPv4Address("169.254.169.254"), networks) == "a link-local"


@pytest.mark.parametrize(
    ("key", "insecure", "place"),
    [
        ("a", False, ("a", 443)),
        ("a", True, ("a", 80)),
        ("a:5000", False, ("a", 5000)),
        ("[::1]", False, ("::1", 443)),
        ("[::1]:5000", True, ("::1", 5000)),
        ("docker.io", False, ("registry-1.docker.io", 443)),
    ],
)
def test_what_is_configured_counts_for_that_host_and_port_alone(
    key: str,
    insecure: bool,  # noqa: FBT001 - a column of the table
    place: tuple[str, int],
) -> None:
    settings = RegistryHostSettings.model_validate({"addresses": ["127.0.0.0/8"], "insecure": insecure})
    rules = AddressRules({key: settings})
    host, port = place
    address = IPv4Address("127.0.0.1")
    assert rules.permitted(host, port, [address]) == [address]
    for other in [(host, port + 1), (f"x.{host}", port)]:
        with pytest.raises(RegistryError):
            rules.permitted(*other, [address])


def test_address_that_is_refused_is_left_out_of_those_that_are_not() -> None:
    good, bad = IPv4Address("10.0.0.1"), IPv4Address("169.254.169.254")
    assert AddressRules({}).permitted("a", 443, [bad, good]) == [good]


@pytest.mark.parametrize("host", ["registry.example.com", "10.0.0.1", "fd12::1", "1.example"])
def test_name_or_ordinary_address_passes_the_check_of_literals(host: str) -> None:
    AddressRules({}).check_literal(host, 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:7f00:1", "1", "127.1", "::1%lo", "1.1.1.1.", ":", "²"])
def test_refused_or_disguised_literal_does_not(host: str) -> None:
    with pytest.raises(RegistryError):
        AddressRules({}).check_literal(host, 443)


async def test_resolver_gives_the_addresses_of_a_name() -> None:
    settings = RegistryHostSettings.model_validate({"addresses": ["127.0.0.0/8"]})
    resolver = CheckedResolver(AddressRules({"localhost:5000": settings}))
    try:
        found = await resolver.resolve("localhost", 5000, socket.AF_INET)
        assert {(entry["host"], entry["port"]) for entry in found} == {("127.0.0.1", 5000)}
        assert all(entry["flags"] & socket.AI_NUMERICHOST for entry in found)
    finally:
        await resolver.close()


async def test_resolver_refuses_a_name_of_a_refused_address() -> None:
    resolver = CheckedResolver(AddressRules({}))
    try:
        with pytest.raises(RegistryError, match="localhost:5000 has a loopback address"):
            await resolver.resolve("localhost", 5000)
    finally:
        await resolver.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64, "a\0b", "a..b"])
async def test_resolver_fails_as_resolvers_do(host: str) -> None:
    resolver = CheckedResolver(AddressRules({}))
    try:
        with pytest.raises(socket.gaierror):
            await resolver.resolve(host, 443)
    finally:
        await resolver.close()
