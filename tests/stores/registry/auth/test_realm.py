"""Where a credential may go for a token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from webhook.stores.registry.auth.realm import may_have_credential, token_service
from webhook.stores.registry.transport.failure import RegistryError
from webhook.stores.registry.transport.headers import Challenge
from webhook.stores.registry.transport.messages import Request

REALMS = [
    # What the registries of this world name; the last column is whether their credential may go there.
    ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
    ("https://ghcr.io", "https://ghcr.io/token", True),
    ("https://quay.io", "https://quay.io/v2/auth", True),
    ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
    ("https://registry.example.com", "https://gitlab.example.com/jwt/auth", True),
    ("https://gitlab.example.com:5050", "https://gitlab.example.com/jwt/auth", True),
    ("https://shop.azurecr.io", "https://shop.azurecr.io/oauth2/token", True),
    ("https://registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth", True),
    ("https://registry.cn-hangzhou.aliyuncs.com", "https://dockerauth.cn-hangzhou.aliyuncs.com/auth", True),
    ("https://registry.example.com", "https://auth.registry.example.com/token", True),
    ("https://icr.io", "https://auth.icr.io/token", True),
    ("https://REGISTRY.example.com", "https://registry.EXAMPLE.com/token", True),
    ("https://10.0.0.1:5000", "https://10.0.0.1/token", True),
    ("https://[fd12::1]:5000", "https://[fd12::1]/token", True),
    ("https://localhost:5000", "https://localhost/token", True),
    # What an attacker would name.
    ("https://registry.example.com", "https://registry.example.net/token", False),
    ("https://registry.example.com", "https://evil.com/token", False),
    ("https://registry.example.com", "https://notexample.com/token", False),
    ("https://registry.example.com", "https://registry.example.com.evil.com/token", False),
    ("https://registry.example.com", "https://com/token", False),
    ("https://registry-1.docker.io", "https://auth.docker.io.evil.com/token", False),
    ("https://quay.io", "https://evil.io/token", False),
    ("https://shop.azurecr.io", "https://evil.azurecr.io/oauth2/token", False),
    ("https://shop.azurecr.io", "https://azurecr.io/oauth2/token", False),
    ("https://shop.jfrog.io", "https://evil.jfrog.io/token", False),
    ("https://a.compute-1.amazonaws.com", "https://b.compute-1.amazonaws.com/token", False),
    ("https://example.co.uk", "https://evil.co.uk/token", False),
    ("https://example.com.au", "https://evil.com.au/token", False),
    ("https://registry.example.co.uk", "https://auth.example.co.uk/token", True),
    ("https://10.0.0.1", "https://10.0.0.2/token", False),
    ("https://10.0.0.1", "https://x.0.0.1/token", False),
    ("https://localhost", "https://x/token", False),
    ("https://registry.example.com", "http://registry.example.com/token", False),
    ("http://registry.example.com", "https://registry.example.com/token", False),
    ("http://registry.example.com", "http://registry.example.com/token", False),
]
LABEL = st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


def _request(scheme: str) -> Request:
    return Request("a.example", "manifest", URL(f"{scheme}://a.example/v2/"), 1)


@pytest.mark.parametrize(("registry", "realm", "expected"), REALMS)
def test_credential_goes_only_where_the_registrys_owner_is(
    registry: str,
    realm: str,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert may_have_credential(URL(registry), URL(realm)) is expected


@given(HOST, HOST)
def test_credential_never_leaves_the_last_two_labels(host: str, other: str) -> None:
    registry, realm = URL(f"https://{host}"), URL(f"https://{other}")
    if may_have_credential(registry, realm):
        assert realm.raw_host == registry.raw_host or other.split(".")[-2:] == host.split(".")[-2:] or host in other


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("repository:a/b:pull,push", ("repository:a/b:pull",)),
        ("repository:a/b:*", ("repository:a/b:pull",)),
        ("repository:a/b:pull repository:c:pull", ("repository:a/b:pull", "repository:c:pull")),
        ("repository:a/b:pull repository:a/b:pull", ("repository:a/b:pull",)),
        ("repository:a/b:pull repository:c:push,delete", ("repository:a/b:pull",)),
        ("repository:example.com:5000/a:pull", ("repository:example.com:5000/a:pull",)),
        ("registry:catalog:*", ("registry:catalog:pull",)),
        ("aws", ("aws",)),
        ("repository:a/b:push", ("repository:shop/cart:pull",)),
        ("", ("repository:shop/cart:pull",)),
        (None, ("repository:shop/cart:pull",)),
    ],
)
def test_token_is_asked_for_with_no_more_than_pull(scope: str | None, scopes: tuple[str, ...]) -> None:
    parameters = {"realm": "https://a.example/token"} | ({} if scope is None else {"scope": scope})
    service = token_service(_request("https"), Challenge("bearer", parameters), "shop/cart")
    assert service.scopes == scopes


def test_realm_loses_its_fragment() -> None:
    challenge = Challenge("bearer", {"realm": "https://a.example/token?x=y#z", "service": "s"})
    service = token_service(_request("https"), challenge, "shop/cart")
    assert (service.realm, service.service) == (URL("https://a.example/token?x=y"), "s")


def test_insecure_registry_may_name_a_plain_realm() -> None:
    challenge = Challenge("bearer", {"realm": "http://a.example/token"})
    assert token_service(_request("http"), challenge, "a").realm == URL("http://a.example/token")
    with pytest.raises(RegistryError):
        token_service(_request("https"), challenge, "a")
