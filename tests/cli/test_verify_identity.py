"""`evidence-gate verify` for bundles that an identity signed; the options have cosign's names."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.simulators.sigstore import Sigstore, root_bytes
from tests.support.envelopes import dump, envelope
from tests.support.keys import ed25519_key
from tests.support.statements import IMAGE, statement
from webhook.cli.main import main

WORLD = Sigstore()
SUBJECT, ISSUER = "robot@example.com", "https://issuer.example.com"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "root.json").write_bytes(root_bytes(WORLD))
    (tmp_path / "bundle.json").write_bytes(dump(WORLD.bundle(statement())))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(*options: str, file: str = "bundle.json") -> Result:
    return CliRunner().invoke(main, ["verify", file, f"--image-digest={IMAGE}", "--output=json", *options])


def who(
    subject: str = f"--certificate-identity={SUBJECT}", issuer: str = f"--certificate-oidc-issuer={ISSUER}"
) -> list[str]:
    return [subject, issuer, "--trusted-root=root.json"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "code", "signers"),
    [
        (who(), 0, [SUBJECT]),
        (who("--certificate-identity-regexp=robot@.*"), 0, ["robot@.*"]),
        (who(issuer=r"--certificate-oidc-issuer-regexp=https://[a-z]+\.example\.com"), 0, [SUBJECT]),
        (who("--certificate-identity=other@example.com"), 1, None),
        (who("--certificate-identity-regexp=robot"), 1, None),
        (who(issuer="--certificate-oidc-issuer=https://other.example.com"), 1, None),
    ],
)
def test_an_identity_is_verified(options: list[str], code: int, signers: list[str] | None) -> None:
    result = verify(*options)
    report = json.loads(result.output)
    assert (result.exit_code, report["verified"], report.get("signers")) == (code, code == 0, signers)


@pytest.mark.usefixtures("folder")
def test_a_refusal_says_whom_the_certificate_names() -> None:
    report = json.loads(verify(*who("--certificate-identity=other@example.com")).output)
    told = f"signed by a certificate for {SUBJECT} (issuer {ISSUER}), who is no trusted identity"
    assert (report["reason"], report["detail"]) == ("EvidenceUntrusted", told)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rule", [f"--certificate-identity={SUBJECT}", "--certificate-identity-regexp=.*"])
def test_it_says_whom_the_certificate_names_whatever_the_rule(rule: str) -> None:
    report = json.loads(verify(*who(rule)).output)
    assert (report["certificateIdentity"], report["certificateOidcIssuer"]) == (SUBJECT, ISSUER)
    text = verify(*who(rule), "--output=text").output
    assert f"  identity:       {SUBJECT}\n  issuer:         {ISSUER}\n" in text


def test_of_what_a_key_signed_it_names_no_identity(folder: Path) -> None:
    signer = ed25519_key()
    (folder / "staging.pub").write_bytes(signer.pem)
    (folder / "envelope.json").write_bytes(dump(envelope(statement(), [signer])))
    report = json.loads(verify("--key=staging.pub", file="envelope.json").output)
    assert not {name for name in report if name.startswith("certificate")}


def test_a_key_and_an_identity_are_both_believed(folder: Path) -> None:
    signer = ed25519_key()
    (folder / "staging.pub").write_bytes(signer.pem)
    (folder / "envelope.json").write_bytes(dump(envelope(statement(), [signer])))
    for file in ("bundle.json", "envelope.json"):
        assert verify("--key=staging.pub", *who(), file=file).exit_code == 0
    assert verify("--key=staging.pub").exit_code == 1


def test_there_are_at_most_64_keys(folder: Path) -> None:
    (folder / "staging.pub").write_bytes(ed25519_key().pem)
    result = verify(*["--key=staging.pub"] * 65)
    assert (result.exit_code, "more than 64 keys" in result.output) == (2, True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "Missing option '--key', or '--certificate-identity' and what belongs to it."),
        (who()[:2], "Missing option '--trusted-root': an identity needs who certifies it."),
        (who()[1:], "Write either '--certificate-identity' or '--certificate-identity-regexp'."),
        (who()[::2], "Write either '--certificate-oidc-issuer' or '--certificate-oidc-issuer-regexp'."),
        (
            [*who(), "--certificate-identity-regexp=x"],
            "Write either '--certificate-identity' or '--certificate-identity-regexp'.",
        ),
        (["--trusted-root=root.json"], "Write either '--certificate-oidc-issuer'"),
        (who("--certificate-identity-regexp=("), "--certificate-identity-regexp: it is no regular expression"),
        ([*who()[:2], "--trusted-root=bundle.json"], "--trusted-root bundle.json: it is no Sigstore trusted root"),
        ([*who()[:2], "--trusted-root=missing.json"], "missing.json cannot be read"),
    ],
)
def test_what_does_not_say_who_is_a_usage_error(options: list[str], told: str) -> None:
    result = verify(*options)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
