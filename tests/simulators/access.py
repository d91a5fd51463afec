"""Who a simulated registry lets in: Basic, or tokens from a token service (distribution's token specification)."""

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Issued:
    """One token that was given out.

    Attributes:
        user: To whom; empty for nobody.
        service: For which service.
        scopes: For what.
    """

    user: str
    service: str
    scopes: tuple[str, ...]


@dataclass
class Access:
    """Users, and the tokens that they have.

    Attributes:
        users: Passwords by name.
        identity_tokens: Names by refresh token.
        bearer: Whether the registry wants tokens; else Basic.
        anonymous: Whether nobody in particular gets tokens too.
        realm: Where tokens are to be had; by default the registry's own `/token`.
        challenge: The whole header instead of the one that follows from the rest.
        lifetime: What the token service says, in seconds; None for nothing.
        issued: The tokens that were given out, in their order.
        valid: Those that are still accepted.
        denied: Users who are known and may not read.
        mint: Makes a token for a real registry; by default they are counted.
    """

    users: dict[str, str] = field(default_factory=dict)
    identity_tokens: dict[str, str] = field(default_factory=dict)
    bearer: bool = True
    anonymous: bool = False
    realm: str = ""
    challenge: str = ""
    lifetime: Any = 300
    issued: list[Issued] = field(default_factory=list)
    valid: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    mint: Callable[[Issued], str] | None = None
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def refusal(self, request: web.Request) -> web.Response | None:
        """Judges a request to the registry.

        Args:
            request: The request.

        Returns:
            401 or 403, or None if it is let in.
        """
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        user = self.valid.get(value) if kind == "Bearer" else self._user(value) if kind == "Basic" else None
        asks = self.asks(request.match_info.get("name", ""))
        if user is None or (kind == "Bearer") is not self.bearer:
            return web.json_response(
                {"errors": [{"code": "UNAUTHORIZED"}]}, status=401, headers={"WWW-Authenticate": asks}
            )
        return web.json_response({"errors": [{"code": "DENIED"}]}, status=403) if user in self.denied else None

    async def token(self, request: web.Request) -> web.Response:
        """Gives a token out.

        Args:
            request: As the token and OAuth2 specifications say.

        Returns:
            A token, or 401.
        """
        asked: Any = await request.post() if request.method == "POST" else request.query
        user = self._caller(request, asked)
        if user is None:
            return web.json_response({"details": "no"}, status=401)
        scopes = tuple(scope for entry in asked.getall("scope", []) for scope in entry.split())
        issued = Issued(user, asked.get("service", ""), scopes)
        self.issued.append(issued)
        token = f"token-{next(self._numbers)}" if self.mint is None else self.mint(issued)
        self.valid[token] = user
        name = "access_token" if request.method == "POST" else "token"
        return web.json_response({name: token} | ({} if self.lifetime is None else {"expires_in": self.lifetime}))

    def _caller(self, request: web.Request, asked: Any) -> str | None:
        if request.method == "POST":
            known = asked.get("grant_type") == "refresh_token" and bool(asked.get("client_id"))
            return self.identity_tokens.get(asked.get("refresh_token", "")) if known else None
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        return self._user(value) if kind == "Basic" else "" if self.anonymous else None

    def _user(self, value: str) -> str | None:
        name, _, password = base64.b64decode(value).decode().partition(":")
        return name if self.users.get(name) == password else None

    def asks(self, path: str) -> str:
        """Gives the challenge for a repository's path."""
        if self.challenge or not self.bearer:
            return self.challenge or 'Basic realm="simulator"'
        scope = f"repository:{path}:pull,push"
        return f'Bearer realm="{self.realm}",service="simulator",scope="{scope}"'
