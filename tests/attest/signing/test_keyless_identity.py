import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulators.oidc_issuer import OidcIssuer
from tests.simulators.sigstore_faults import Fault, FaultyService
from webhook.attest.signing.keyless_identity import TOKEN_BYTES, find_token, token_from_file, token_of
from webhook.errors import ConfigurationError, UnavailableError
from webhook.trust.extra import KeylessNotInstalledError

PAST = datetime.now(UTC) - timedelta(hours=1)
BAD_TOKENS = [b"", b"a.b.c", "é".encode(), b"\xff", b"x" * TOKEN_BYTES]
CI_VARIABLES = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "BUILDKITE",
    "CIRCLECI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "GOOGLE_SERVICE_ACCOUNT_NAME",
    "SIGSTORE_ID_TOKEN",
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CI system, even where the tests run in one."""
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, issuer: OidcIssuer) -> pytest.MonkeyPatch:
    """A job of GitHub Actions with `permissions: id-token: write`."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", issuer.request_url)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", issuer.request_token)
    return monkeypatch


def claim(token: str, name: str) -> object:
    import jwt  # noqa: PLC0415 - here alone

    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims[name]


def test_a_file_gives_its_token_without_the_white_space_around(issuer: OidcIssuer, tmp_path: Path) -> None:
    token = issuer.token()
    (tmp_path / "token").write_text(f"{token}\n")
    assert token_from_file(tmp_path / "token") == token


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="token cannot be read"):
        token_from_file(tmp_path / "token")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"x" * (TOKEN_BYTES + 1))
    with pytest.raises(ConfigurationError, match="too large"):
        token_from_file(tmp_path / "token")


@pytest.mark.parametrize("content", BAD_TOKENS, ids=lambda content: repr(content[:8]))
def test_what_is_no_token_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="is no JWT"):
        token_of(content)


def test_a_token_that_has_expired_is_refused(issuer: OidcIssuer) -> None:
    with pytest.raises(ConfigurationError, match="has expired"):
        token_of(issuer.token(exp=PAST).encode())


@pytest.mark.parametrize("audience", ["https://kubernetes.default.svc", "SIGSTORE", ["vault"]])
def test_a_token_for_somebody_else_is_refused(audience: object, issuer: OidcIssuer) -> None:
    with pytest.raises(ConfigurationError, match="is not for the audience `sigstore`"):
        token_of(issuer.token(aud=audience).encode())


@pytest.mark.parametrize("missing", ["sub", "iss", "exp", "iat"])
def test_a_token_without_what_identifies_its_owner_is_refused(missing: str, issuer: OidcIssuer) -> None:
    with pytest.raises(ConfigurationError, match="is no JWT with issuer, subject"):
        token_of(issuer.token("email", **{missing: None}).encode())


def test_a_refusal_does_not_show_the_token(issuer: OidcIssuer) -> None:
    token = issuer.token(exp=PAST)
    with pytest.raises(ConfigurationError) as caught:
        token_of(token.encode())
    assert token not in repr(caught.value)
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def test_the_variable_gives_its_token(issuer: OidcIssuer) -> None:
    token = issuer.token("gitlab")
    assert find_token({"SIGSTORE_ID_TOKEN": token}) == token


def test_a_job_of_gitlab_has_its_token_in_the_variable(monkeypatch: pytest.MonkeyPatch, issuer: OidcIssuer) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", issuer.token("gitlab"))
    assert claim(find_token(), "project_path") == "shop/cart"


def test_a_job_of_gitlab_without_it_is_told_what_to_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    with pytest.raises(ConfigurationError, match="declare SIGSTORE_ID_TOKEN with `aud: sigstore` in `id_tokens`"):
        find_token()


@pytest.mark.usefixtures("github")
def test_a_job_of_github_asks_for_its_token() -> None:
    assert claim(find_token(), "repository") == "shop/cart"


@pytest.mark.parametrize("name", ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
def test_a_job_of_github_that_may_not_ask_is_told_what_to_permit(name: str, github: pytest.MonkeyPatch) -> None:
    github.delenv(name)
    with pytest.raises(ConfigurationError, match="`permissions: id-token: write`"):
        find_token()


@pytest.mark.parametrize(
    "fault",
    [Fault(500, b"secret"), Fault(body=b"secret"), Fault(body=b'{"value":7}'), Fault(body=b'{"value":"a.b"}')],
)
def test_a_ci_system_that_gives_none_is_unavailable(fault: Fault, github: pytest.MonkeyPatch) -> None:
    with FaultyService(fault) as actions:
        github.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", actions.url)
        with pytest.raises(UnavailableError) as caught:
            find_token()
    assert caught.value.detail == "the CI system, which gives the identity token, gave an answer that is of no use"


def test_nowhere_is_no_identity_and_no_question_to_anybody() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no identity to sign with: .* --identity-token-file"):
        find_token()


def test_without_the_extra_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.verify"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(KeylessNotInstalledError, match="the extra `keyless`"):
        find_token({"SIGSTORE_ID_TOKEN": "a.b.c"})


def test_without_the_extra_a_file_is_not_to_blame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a.b.c")
    for name in ("sigstore", "sigstore.verify"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(KeylessNotInstalledError):
        token_from_file(tmp_path / "token")
