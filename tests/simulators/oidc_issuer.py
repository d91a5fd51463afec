"""An OpenID Connect provider that says of its tokens whatever a test wants; Fulcio checks them as anybody's."""

import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulators.threaded import ThreadedServer

Kind = Literal["email", "github", "gitlab"]
"""What its subjects are: people, or jobs of one of two CI systems. Each kind is an issuer of its own."""

_DISCOVERY = "/.well-known/openid-configuration"
_ALGORITHM = "ES256"
_LIFETIME = timedelta(minutes=5)
_PERSON: dict[str, Any] = {"sub": "subject", "email": "observer@example.com", "email_verified": True}
_GITHUB_JOB: dict[str, Any] = {
    "sub": "repo:shop/cart:ref:refs/heads/main",
    "event_name": "deployment_status",
    "sha": "f" * 40,
    "workflow": "evidence",
    "repository": "shop/cart",
    "repository_id": "1",
    "repository_owner": "shop",
    "repository_owner_id": "2",
    "repository_visibility": "private",
    "ref": "refs/heads/main",
    "job_workflow_ref": "shop/cart/.github/workflows/evidence.yml@refs/heads/main",
    "job_workflow_sha": "f" * 40,
    "workflow_ref": "shop/cart/.github/workflows/evidence.yml@refs/heads/main",
    "workflow_sha": "f" * 40,
    "runner_environment": "github-hosted",
    "run_id": "3",
    "run_attempt": "1",
}
_GITLAB_JOB: dict[str, Any] = {
    "sub": "project_path:shop/cart:ref_type:branch:ref:main",
    "ci_config_ref_uri": "gitlab.com/shop/cart//.gitlab-ci.yml@refs/heads/main",
    "ci_config_sha": "f" * 40,
    "runner_environment": "gitlab-hosted",
    "project_path": "shop/cart",
    "project_id": "1",
    "project_visibility": "private",
    "namespace_path": "shop",
    "namespace_id": "2",
    "ref": "main",
    "ref_type": "branch",
    "sha": "f" * 40,
    "pipeline_source": "push",
    "job_id": "3",
}
_CLAIMS: dict[Kind, dict[str, Any]] = {"email": _PERSON, "github": _GITHUB_JOB, "gitlab": _GITLAB_JOB}


class OidcIssuer(ThreadedServer):
    """The provider, in threads; a context manager.

    It also is the address that GitHub Actions gives its jobs to get a token from (`request_url`).

    Attributes:
        request_token: What a job shows there.
    """

    request_token = "a-request-token"  # noqa: S105 - of nobody

    def __init__(self) -> None:
        """Takes a port, and answers nobody yet."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._answer(self)

        super().__init__(Handler)

    def name(self, kind: Kind = "email") -> str:
        """Gives the name of an issuer, under which it is also found.

        Args:
            kind: What its subjects are.

        Returns:
            The `iss` of its tokens.
        """
        return f"{self.url}/{kind}"

    @property
    def request_url(self) -> str:
        """The value of `ACTIONS_ID_TOKEN_REQUEST_URL` in a job of GitHub Actions."""
        return f"{self.name('github')}/token?api-version=2.0"

    def token(self, kind: Kind = "email", **changes: Any) -> str:
        """Makes a token.

        Args:
            kind: What its subject is.
            changes: Claims that differ from those of `observer@example.com`, or of a job of `shop/cart`; None
                leaves one away.

        Returns:
            A signed JWT for the audience `sigstore`.
        """
        now = datetime.now(UTC)
        times = {"iat": now, "nbf": now, "exp": now + _LIFETIME}
        claims = {"iss": self.name(kind), "aud": "sigstore", **times, **_CLAIMS[kind], **changes}
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(given, self._key, algorithm=_ALGORITHM, headers={"kid": "key"})

    @cached_property
    def _jwks(self) -> dict[str, Any]:
        key = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": "key", "alg": _ALGORITHM, "use": "sig"}]}

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        status, content = self._content(request)
        body = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _content(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        target = urlsplit(request.path)
        found: list[Kind] = [kind for kind in _CLAIMS if target.path.startswith(f"/{kind}/")]
        if not found:
            return 404, {}
        rest = target.path.removeprefix(f"/{found[0]}")
        if rest == _DISCOVERY:
            return 200, self._discovery(self.name(found[0]))
        if rest == "/keys":
            return 200, self._jwks
        if rest == "/token" and found[0] == "github":
            return self._job_token(request, parse_qs(target.query))
        return 404, {}

    def _job_token(self, request: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if request.headers["Authorization"] != f"bearer {self.request_token}":
            return 401, {"message": "who are you?"}
        return 200, {"value": self.token("github", aud=query["audience"][0])}

    @staticmethod
    def _discovery(url: str) -> dict[str, Any]:
        return {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "authorization_endpoint": f"{url}/auth",
            "token_endpoint": f"{url}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [_ALGORITHM],
        }
