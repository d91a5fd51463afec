"""Which key signs, where it lies, and in which form the evidence is written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.attest.keys import KINDS, private_pem, public_pem
from tests.cli.test_attest import DIGEST, IMAGE, PROFILES, UNTIL
from tests.harness.cosign_keys import generate_key_pair, import_key_pair, verify_evidence
from webhook.cli.main import main
from webhook.model.statement import PREDICATE_TYPES
from webhook.trust.dsse import Envelope

PLAIN, WITH_SCHEME = PREDICATE_TYPES


def attest(output: Path, key: str | Path, *flags: str, profile: str = "", **environment: str) -> Result:
    options = {
        "profile": profile or PROFILES / "cart.folded",
        "image": IMAGE,
        "environment": "staging",
        "observed-until": UNTIL,
        "key": key,
        "output": output,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return CliRunner().invoke(main, ["attest", *given, *flags], env={"COSIGN_PASSWORD": None, **environment})


def verify(evidence: Path, public: Path) -> Result:
    return CliRunner().invoke(main, ["verify", str(evidence), "--key", str(public), "--image-digest", DIGEST])


@pytest.fixture
def public(tmp_path: Path) -> Path:
    (tmp_path / "key.pub").write_bytes(public_pem("P-256"))
    return tmp_path / "key.pub"


@pytest.mark.parametrize("name", ["cart.json", "cart.sigstore.json"])
def test_a_key_pair_of_cosign_signs_what_both_sides_verify(name: str, tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    form = "--bundle" if name == "cart.sigstore.json" else f"--predicate-type={WITH_SCHEME}"
    result = attest(tmp_path / name, key, form, COSIGN_PASSWORD="correct horse")  # noqa: S106 - that of the test
    assert result.exit_code == 0, result.output
    assert verify(tmp_path / name, tmp_path / "cosign.pub").exit_code == 0
    verify_evidence(tmp_path, tmp_path / name, tmp_path / "cosign.pub", DIGEST)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_cosign_imported_signs(kind: str, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem(kind))
    key = import_key_pair(tmp_path, tmp_path / "own.pem", "")
    assert attest(tmp_path / "cart.json", key, COSIGN_PASSWORD="").exit_code == 0
    assert verify(tmp_path / "cart.json", tmp_path / "imported.pub").exit_code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_of_every_kind_of_key_is_verified(kind: str, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem(kind))
    (tmp_path / "own.pub").write_bytes(public_pem(kind))
    assert attest(tmp_path / "cart.sigstore.json", tmp_path / "own.pem", "--bundle").exit_code == 0
    assert verify(tmp_path / "cart.sigstore.json", tmp_path / "own.pub").exit_code == 0


def test_a_key_in_the_environment_signs(public: Path, tmp_path: Path) -> None:
    pem = private_pem("P-256").decode()
    assert attest(tmp_path / "cart.json", "env://SIGNING_KEY", SIGNING_KEY=pem).exit_code == 0
    assert verify(tmp_path / "cart.json", public).exit_code == 0


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_passphrase_file_comes_before_the_variable(ending: str, tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    (tmp_path / "passphrase").write_text(f"correct horse{ending}", newline="")
    given = f"--key-passphrase-file={tmp_path / 'passphrase'}"
    result = attest(tmp_path / "cart.json", key, given, COSIGN_PASSWORD="wrong")  # noqa: S106 - that of the test
    assert result.exit_code == 0, result.output


def test_without_a_passphrase_nobody_is_asked_who_is_not_there(tmp_path: Path) -> None:
    result = attest(tmp_path / "cart.json", generate_key_pair(tmp_path, "correct horse"))
    assert result.exit_code == 2
    assert "cosign.key: it needs a passphrase, from a file or the variable COSIGN_PASSWORD" in result.stderr
    assert not (tmp_path / "cart.json").exists()


def test_a_key_that_stays_in_a_kms_is_refused_with_the_next_step(tmp_path: Path) -> None:
    result = attest(tmp_path / "cart.json", "awskms:///alias/observer")
    assert result.exit_code == 2
    assert "keys of awskms are not supported" in result.stderr
    assert "let cosign sign the statement (docs/evidence.md)" in result.stderr


def test_an_api_server_that_is_away_exits_with_3(tmp_path: Path) -> None:
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    content = {
        "clusters": [cluster],
        "contexts": [context],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(content))
    result = attest(tmp_path / "cart.json", "k8s://staging/observer", f"--kubeconfig={tmp_path / 'kubeconfig'}")
    assert result.exit_code == 3
    assert result.stderr == (
        "evidence-gate: k8s://staging/observer: the Secret cannot be read: the connection to the API server failed\n"
    )


SPELLINGS = {
    "an envelope": ((), PLAIN),
    "a bundle": (("--bundle",), WITH_SCHEME),
    "an envelope for tools that want a URI": ((f"--predicate-type={WITH_SCHEME}",), WITH_SCHEME),
    "a bundle for a gate that knows one name": (("--bundle", f"--predicate-type={PLAIN}"), PLAIN),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_predicate_type_is_spelt_for_whom_it_is_for(name: str, tmp_path: Path) -> None:
    flags, spelling = SPELLINGS[name]
    (tmp_path / "own.pem").write_bytes(private_pem("Ed25519"))
    assert attest(tmp_path / "cart.json", tmp_path / "own.pem", *flags).exit_code == 0
    payload = Envelope.parse((tmp_path / "cart.json").read_bytes()).payload
    assert json.loads(payload)["predicateType"] == spelling


def test_a_predicate_type_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem("Ed25519"))
    result = attest(tmp_path / "cart.json", tmp_path / "own.pem", "--predicate-type=https://slsa.dev/provenance/v1")
    assert result.exit_code == 2
    assert not (tmp_path / "cart.json").exists()


MISPLACED = {
    "a passphrase without a key": (["--keyless", "--key-passphrase-file=/dev/null"], "it is for --key"),
    "a bundle without a file": (["--push", "--bundle"], "it is the form of what --output writes"),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_an_option_that_would_do_nothing_is_refused(name: str) -> None:
    flags, message = MISPLACED[name]
    output = [] if "--push" in flags else ["--output=cart.json"]
    what = [f"--profile={PROFILES / 'cart.folded'}", f"--image={IMAGE}", "--environment=staging"]
    result = CliRunner().invoke(main, ["attest", *what, f"--observed-until={UNTIL}", *output, *flags])
    assert result.exit_code == 2
    assert message in result.stderr
