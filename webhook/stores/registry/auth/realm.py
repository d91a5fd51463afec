"""Where a Bearer challenge sends us for a token, and whether a credential may go there.

The realm is the registry's word, so it can be anybody's address (CVE-2026-48978, CVE-2020-15157, CVE-2025-27403).
Always: https, unless the registry itself is configured as insecure, and then nothing secret is sent; no credential in
the URL; an address that the checked resolver gives; no redirect.

A credential goes to a realm only on
- the registry's own host name, on any port (GHCR, Quay, Harbor, Azure: most registries);
- a name below it (`auth.registry.example.com`);
- the domain that the registry's name lies in, or another name there: `registry.gitlab.com` → `gitlab.com`,
  `registry-1.docker.io` → `auth.docker.io`, `registry.example.com` → `gitlab.example.com`.

The last only if that domain belongs to one owner: not where strangers get names side by side (`a.azurecr.io`,
`b.azurecr.io`), and not in `co.uk`. A registry that is hostile gets its own credential in any case, it need only ask
for Basic; what this rule holds off is a challenge that somebody slipped in: a proxy that passes on another registry's
challenge, or a header injected into an honest answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from yarl import URL

from webhook.stores.registry.transport.failure import Outcome, RegistryError
from webhook.stores.registry.transport.headers import Challenge
from webhook.stores.registry.transport.messages import Request, can_be_asked

_SHARED_DOMAINS = (
    "azurecr.io",
    "azurecr.cn",
    "azurecr.us",
    "jfrog.io",
    "pkg.dev",
    "run.app",
    "on.aws",
    "amazonaws.com",
    "cloudapp.azure.com",
    "azurewebsites.net",
    "herokuapp.com",
    "github.io",
    "gitlab.io",
)
"""Domains in which each tenant has a name. The Public Suffix List has thousands; these have registries in them."""
_SECOND_LEVEL = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "gv", "mil", "ne", "net", "or", "org"}
)
_COUNTRY_LETTERS = 2
_SHARED_ENDS = tuple(f".{domain}" for domain in _SHARED_DOMAINS)


@dataclass(frozen=True, slots=True)
class TokenService:
    """Where tokens for one purpose come from.

    Attributes:
        realm: Its URL.
        service: What the registry calls itself there, or empty.
        scopes: What the token shall allow.
    """

    realm: URL
    service: str
    scopes: tuple[str, ...]


PULL = "pull"
"""What may be done with a token: the gate only reads."""


def token_service(request: Request, challenge: Challenge, path: str, actions: str = PULL) -> TokenService:
    """Reads a Bearer challenge (distribution's token authentication specification).

    Args:
        request: What was asked.
        challenge: The challenge.
        path: The repository's path, for a challenge that names no scope of reading.
        actions: What shall be done with this repository.

    Returns:
        Where to get a token. It asks for these actions alone, and for `pull` alone of other repositories, whatever
        the challenge would have.

    Raises:
        RegistryError: Its realm may not be asked at all.
    """
    try:
        realm = URL(challenge.parameters.get("realm", "")).with_fragment(None)
    except ValueError:
        realm = URL()
    if not can_be_asked(realm) or realm.scheme not in ("https", request.url.scheme):
        raise RegistryError(f"{request.who} names a token service that cannot be asked", Outcome.UNAUTHORIZED)
    scopes = _pull_only(challenge.parameters.get("scope", "").split()) or (scope(path),)
    # Not what the registry names: a first question of reading must not leave us with a token that cannot write.
    scopes = tuple(scope(path, actions) if entry == scope(path) else entry for entry in scopes)
    return TokenService(realm, challenge.parameters.get("service", ""), scopes)


def scope(path: str, actions: str = PULL) -> str:
    """Gives the scope of a repository.

    Args:
        path: The repository's path.
        actions: `pull`, or `pull,push`.

    Returns:
        For example `repository:PATH:pull`.
    """
    return f"repository:{path}:{actions}"


def may_have_credential(registry: URL, realm: URL) -> bool:
    """Tells whether a registry's credential may go to a realm.

    Args:
        registry: A URL of the registry.
        realm: The token service's URL.

    Returns:
        True by the rules of this module.
    """
    host, other = registry.raw_host or "", realm.raw_host or ""
    if registry.scheme != "https" or realm.scheme != "https" or not host:
        return False
    if other == host:
        return True
    if ":" in host or host.replace(".", "").isdigit():
        # An address has no domain.
        return False
    parent = host.partition(".")[2]
    return other.endswith(f".{host}") or (_has_one_owner(parent) and f".{other}".endswith(f".{parent}"))


def _has_one_owner(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) <= 1 or f".{domain}".endswith(_SHARED_ENDS):
        return False
    return not (len(labels) == 2 and len(labels[1]) == _COUNTRY_LETTERS and labels[0] in _SECOND_LEVEL)  # noqa: PLR2004 - `co.uk`


def _pull_only(scopes: Sequence[str]) -> tuple[str, ...]:
    """Takes what is not reading out of `repository:team/app:pull,push`; other forms (`aws`) stay as they are."""
    kept = []
    for scope in dict.fromkeys(scopes):
        kind, colon, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if not colon or not name:
            kept.append(scope)
        elif {"pull", "*"} & set(actions.split(",")):
            kept.append(f"{kind}:{name}:pull")
    return tuple(kept)
