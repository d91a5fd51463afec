import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.harness.process import free_ports
from tests.harness.sigstore import LocalSigstore
from tests.simulators.sigstore_faults import Fault, FaultyService, replaced
from webhook.cli.main import main

PROFILES = Path(__file__).parents[2] / "manifests" / "examples" / "profiles"
COMMAND = Path(sys.executable).with_name("evidence-gate")
DIGEST = "sha256:" + "ab" * 32
WORKFLOW = "https://github.com/shop/cart/.github/workflows/evidence.yml@refs/heads/main"
CI_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "SIGSTORE_ID_TOKEN")


@pytest.fixture(scope="module")
def sigstore() -> Iterator[LocalSigstore]:
    with LocalSigstore() as running:
        yield running


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CI system, even where the tests run in one."""
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path, sigstore: LocalSigstore) -> Path:
    (tmp_path / "token").write_text(f"{sigstore.issuer.token('github')}\n")
    (tmp_path / "trust.json").write_bytes(sigstore.trust_config.read_bytes())
    return tmp_path


def arguments(folder: Path, /, **changes: str | bool | None) -> list[str]:
    """The command's; a change of None leaves an option away."""
    options: dict[str, str | bool | None] = {
        "image": f"registry.example.com/shop/cart@{DIGEST}",
        "environment": "staging",
        "profile": str(PROFILES / "cart.folded"),
        "observed_until": "2026-01-24T06:36:35Z",
        "keyless": True,
        "identity_token_file": str(folder / "token"),
        "trust_config": str(folder / "trust.json"),
        "output": str(folder / "cart.json"),
    }
    given = ["attest"]
    for name, value in (options | changes).items():
        if value is not None:
            given += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return given


def attest(folder: Path, /, **changes: str | bool | None) -> Result:
    """Runs the command, and makes sure that no token is shown."""
    result = CliRunner().invoke(main, arguments(folder, **changes))
    token = (folder / "token").read_text().strip()
    assert token.rpartition(".")[2] not in result.output + repr(result.exception)
    if result.exit_code:
        assert not (folder / "cart.json").exists()
    return result


def verify(folder: Path, sigstore: LocalSigstore, identity: str = WORKFLOW) -> Result:
    given = ["verify", str(folder / "cart.json"), "--image-digest", DIGEST, "-o", "json"]
    given += ["--certificate-identity", identity, "--certificate-oidc-issuer", sigstore.issuer.name("github")]
    return CliRunner().invoke(main, [*given, "--trusted-root", str(sigstore.trusted_root)])


def test_what_is_attested_keyless_verify_accepts(folder: Path, sigstore: LocalSigstore) -> None:
    written = attest(folder)
    assert written.exit_code == 0, written.output
    accepted = verify(folder, sigstore)
    assert accepted.exit_code == 0, accepted.output
    answer = json.loads(accepted.stdout)
    assert written.stderr.endswith(
        f"hot symbols: {answer['hotSymbolCount']}, call paths: {answer['uniqueCallPaths']}\n"
    )


def test_verify_does_not_accept_it_of_somebody_else(folder: Path, sigstore: LocalSigstore) -> None:
    assert attest(folder).exit_code == 0
    assert verify(folder, sigstore, "https://github.com/somebody/else").exit_code == 1


def test_the_file_is_a_bundle_with_the_predicate_type_that_cosign_takes(folder: Path) -> None:
    assert attest(folder).exit_code == 0
    bundle = json.loads((folder / "cart.json").read_bytes())
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert list(bundle["verificationMaterial"]["certificate"]) == ["rawBytes"]
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    assert statement["predicateType"] == "https://stella.ops/executionEvidence@v1"


def test_a_token_may_come_by_the_variable(
    folder: Path, sigstore: LocalSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", (folder / "token").read_text())
    assert attest(folder, identity_token_file=None).exit_code == 0
    assert verify(folder, sigstore).exit_code == 0


def test_a_token_may_come_by_standard_input(folder: Path, sigstore: LocalSigstore) -> None:
    given = arguments(folder, identity_token_file="-")  # noqa: S106 - a file's name
    assert CliRunner().invoke(main, given, input=(folder / "token").read_bytes()).exit_code == 0
    assert verify(folder, sigstore).exit_code == 0


def test_a_job_of_github_needs_no_token_of_its_own(
    folder: Path, sigstore: LocalSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", sigstore.issuer.request_url)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", sigstore.issuer.request_token)
    assert attest(folder, identity_token_file=None).exit_code == 0
    assert verify(folder, sigstore).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identity_token_file": None}, "there is no identity to sign with"),
        ({"identity_token_file": "/nowhere/token"}, "/nowhere/token cannot be read"),
        ({"trust_config": "/nowhere/trust.json"}, "/nowhere/trust.json cannot be read"),
        ({"trust_config": str(PROFILES / "cart.folded")}, "it is no ClientTrustConfig of Sigstore"),
        ({"keyless": None}, "it is for --keyless"),
        ({"keyless": None, "identity_token_file": None}, "it is for --keyless"),
        ({"keyless": None, "trust_config": None}, "it is for --keyless"),
        ({"key": "staging.pem"}, "it signs without a key"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(changes: dict[str, str | None], said: str, folder: Path) -> None:
    result = attest(folder, **changes)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_token_that_has_expired_is_a_usage_error(folder: Path, sigstore: LocalSigstore) -> None:
    (folder / "token").write_text(sigstore.issuer.token(exp=1))
    result = attest(folder)
    assert (result.exit_code, "has expired" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("option", "said"), [("identity_token_file", "is no JWT"), ("trust_config", "is too large for a trust config")]
)
def test_a_file_that_is_far_too_large_is_a_usage_error(option: str, said: str, folder: Path) -> None:
    (folder / "huge").write_bytes(b"x" * 2_000_000)
    result = attest(folder, **{option: str(folder / "huge")})
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_service_that_refuses_ends_with_the_code_for_unavailable(folder: Path) -> None:
    with FaultyService(Fault(503)) as fulcio:
        config = (folder / "trust.json").read_bytes()
        (folder / "trust.json").write_bytes(replaced(config, "caUrls", fulcio.url))
        result = attest(folder)
    assert result.exit_code == 3
    assert "Fulcio, which certifies the identity, at 127.0.0.1 answered with HTTP 503" in result.stderr


def test_a_layout_that_would_lose_the_certificate_is_refused_before_anybody_is_asked(folder: Path) -> None:
    with FaultyService(Fault(503)) as fulcio:
        config = (folder / "trust.json").read_bytes()
        (folder / "trust.json").write_bytes(replaced(config, "caUrls", fulcio.url))
        result = attest(folder, output=None, push=True, layout="cosign")
    assert (result.exit_code, fulcio.requests) == (2, [])


def test_without_the_extra_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.verify"):
        monkeypatch.setitem(sys.modules, name, None)
    result = attest(folder)
    assert result.exit_code == 2
    assert "pip install 'execution-evidence-gate[keyless]'" in " ".join(result.output.split())


def test_the_public_sigstore_out_of_reach_is_unavailable(folder: Path) -> None:
    (port,) = free_ports(1)
    nobody = {"HOME": str(folder), "HTTPS_PROXY": f"http://127.0.0.1:{port}"}
    command = [str(COMMAND), *arguments(folder, trust_config=None)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=nobody)
    assert (result.returncode, result.stdout) == (3, "")
    said = "evidence-gate: the public Sigstore's trust configuration cannot be had: "
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_nothing_but_our_own_words_reach_a_terminal(folder: Path) -> None:
    """The library warns of a log whose key it does not know; public roots have had such."""
    config = json.loads((folder / "trust.json").read_bytes())
    (log,) = config["trustedRoot"]["tlogs"]
    strange = {**log["publicKey"], "keyDetails": "LMS_SHA256"}
    config["trustedRoot"]["tlogs"] = [log, {**log, "publicKey": strange}]
    (folder / "trust.json").write_text(json.dumps(config))
    command = [str(COMMAND), *arguments(folder)]
    environment = {"HOME": str(folder)}
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "hot symbols: 22, call paths: 88\n"


def test_nobody_at_a_terminal_is_asked_to_log_in(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [str(COMMAND), *arguments(folder, identity_token_file=None)]
    environment = {"HOME": str(folder), "BROWSER": "false"}
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with os.fdopen(theirs, "wb") as terminal:
            ended = subprocess.run(
                command, check=False, stdin=theirs, stdout=terminal, stderr=terminal, timeout=60, env=environment
            )
        said = screen.read(65536).decode()
    assert ended.returncode == 2
    assert "there is no identity to sign with" in " ".join(said.split())
