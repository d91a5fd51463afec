import io
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.attest.keys import KINDS, private_key, private_pem, public_pem
from tests.attest.signing.cosign_keys import cosign_pem, encrypted
from webhook.attest.signing.references import KeyAccess, KeyReferenceError, load_key
from webhook.limits import LIMITS
from webhook.trust.keys import PublicKey

DER = private_key("P-256").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
COSIGN_KEY = cosign_pem(encrypted(DER, b"right"))
LOCKED_PEM = private_pem("P-256", b"right")
PUBLIC = PublicKey.from_pem(public_pem("P-256"))
LOCKED = pytest.mark.parametrize("content", [COSIGN_KEY, LOCKED_PEM], ids=["cosign", "PKCS#8"])
ALONE = KeyAccess(environment={})


def nobody(_: str) -> bytes:
    raise AssertionError("somebody was asked")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(private_pem(kind))
    assert load_key(str(tmp_path / "key"), KeyAccess(ask=nobody)).public == PublicKey.from_pem(public_pem(kind))


@LOCKED
def test_a_variable_is_read(content: bytes) -> None:
    access = KeyAccess(b"right", environment={"SIGNING_KEY": content.decode()})
    assert load_key("env://SIGNING_KEY", access).public == PUBLIC


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(private_pem("P-256"))))
    assert load_key("-", ALONE).public == PUBLIC


@LOCKED
def test_the_passphrase_is_the_one_that_was_named_for_the_key(content: bytes) -> None:
    environment = {"SIGNING_KEY": content.decode(), "COSIGN_PASSWORD": "wrong"}
    assert load_key("env://SIGNING_KEY", KeyAccess(b"right", nobody, environment=environment)).public == PUBLIC


@LOCKED
def test_else_it_is_that_of_the_environment(content: bytes) -> None:
    environment = {"SIGNING_KEY": content.decode(), "COSIGN_PASSWORD": "right"}
    assert load_key("env://SIGNING_KEY", KeyAccess(ask=nobody, environment=environment)).public == PUBLIC


@LOCKED
def test_else_somebody_is_asked_who_is_told_for_which_key(content: bytes) -> None:
    asked: list[str] = []

    def ask(reference: str) -> bytes:
        asked.append(reference)
        return b"right"

    assert (
        load_key("env://SIGNING_KEY", KeyAccess(ask=ask, environment={"SIGNING_KEY": content.decode()})).public
        == PUBLIC
    )
    assert asked == ["env://SIGNING_KEY"]


@LOCKED
def test_else_the_key_stays_closed(content: bytes) -> None:
    with pytest.raises(KeyReferenceError, match="it needs a passphrase, from a file or the variable COSIGN_PASSWORD"):
        load_key("env://SIGNING_KEY", KeyAccess(environment={"SIGNING_KEY": content.decode()}))


def test_an_empty_passphrase_is_one() -> None:
    content = cosign_pem(encrypted(DER, b"")).decode()
    access = KeyAccess(ask=nobody, environment={"SIGNING_KEY": content, "COSIGN_PASSWORD": ""})
    assert load_key("env://SIGNING_KEY", access).public == PUBLIC


def test_a_key_that_is_not_encrypted_needs_no_passphrase_of_the_environment() -> None:
    environment = {"SIGNING_KEY": private_pem("P-256").decode(), "COSIGN_PASSWORD": "of another key"}
    assert load_key("env://SIGNING_KEY", KeyAccess(ask=nobody, environment=environment)).public == PUBLIC


def test_a_passphrase_of_bytes_that_are_no_text_is_found() -> None:
    passphrase = b"\xff\xfe"
    content = cosign_pem(encrypted(DER, passphrase)).decode()
    environment = {"SIGNING_KEY": content, "COSIGN_PASSWORD": os.fsdecode(passphrase)}
    assert load_key("env://SIGNING_KEY", KeyAccess(environment=environment)).public == PUBLIC


REFUSED = {
    "file missing": ("{folder}/none", "{folder}/none cannot be read"),
    "file a folder": ("{folder}", "{folder} cannot be read"),
    "file endless": ("/dev/zero", "/dev/zero is too large for a key"),
    "file no key": ("{folder}/text", "{folder}/text: it holds no PEM private key"),
    "variable missing": ("env://NONE", "env://NONE: the variable is not set, or empty"),
    "variable empty": ("env://EMPTY", "env://EMPTY: the variable is not set, or empty"),
    "variable too large": ("env://LARGE", "env://LARGE: it is too large for a key"),
    "variable no key": ("env://TEXT", "env://TEXT: it holds no PEM private key"),
    "variable without name": ("env://", "write env://VARIABLE"),
    "variable with a strange name": ("env://A=B", "write env://VARIABLE"),
    "Secret without name": ("k8s://staging", "write k8s://NAMESPACE/NAME"),
    "Secret of two slashes": ("k8s://staging/key/cosign.key", "write k8s://NAMESPACE/NAME"),
    "Secret elsewhere": ("k8s://../../nodes", "write k8s://NAMESPACE/NAME"),
    "Secret in capitals": ("k8s://Staging/key", "write k8s://NAMESPACE/NAME"),
    "AWS": ("awskms:///arn:aws:kms:eu-1:1:key/2", "keys of awskms are not supported, since they cannot be read"),
    "Azure": ("azurekms://vault/key", "keys of azurekms are not supported"),
    "Google": ("gcpkms://projects/p/locations/l", "or let cosign sign the statement"),
    "Vault": ("hashivault://key", "sign with a key file, env://VARIABLE or k8s://NAMESPACE/SECRET"),
    "a token": ("pkcs11:token=staging;slot-id=0", "keys of pkcs11 are not supported"),
    "GitLab": ("gitlab://12", "no key is read from gitlab; write a key file"),
    "a page": ("https://example.com/cosign.key", "no key is read from https; write a key file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_leads_to_no_key_is_refused_with_the_next_step(name: str, tmp_path: Path) -> None:
    reference, message = (text.format(folder=tmp_path) for text in REFUSED[name])
    (tmp_path / "text").write_text("no key")
    environment = {"EMPTY": "", "LARGE": "x" * (LIMITS.key_bytes + 1), "TEXT": "no key"}
    with pytest.raises(KeyReferenceError) as caught:
        load_key(reference, KeyAccess(environment=environment))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["pkcs11", "env", "k8s", "a:b"])
def test_a_file_may_be_called_as_a_scheme_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(private_pem("P-256"))
    assert load_key(name, ALONE).public == PUBLIC


@pytest.mark.parametrize("prefix", ["", "env://", "k8s://", "awskms://"])
@pytest.mark.parametrize("content", [private_pem("P-256").decode(), private_pem("P-256").decode().replace("\n", " ")])
def test_a_key_in_place_of_its_reference_is_not_repeated(prefix: str, content: str) -> None:
    with pytest.raises(KeyReferenceError, match="this is a key and not where one lies") as caught:
        load_key(prefix + content, ALONE)
    assert content[40:80] not in str(caught.value)


def test_a_secret_in_place_of_a_variables_name_is_not_repeated() -> None:
    with pytest.raises(KeyReferenceError) as caught:
        load_key("env://c2VjcmV0+c2VjcmV0", ALONE)
    assert "c2VjcmV0" not in str(caught.value)


def test_an_endless_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/zero").open("rb") as endless:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(endless))
        with pytest.raises(KeyReferenceError, match="-: it is too large for a key"):
            load_key("-", ALONE)


def test_nothing_that_is_shown_of_a_key_holds_a_secret() -> None:
    access = KeyAccess(b"correct horse", environment={"COSIGN_PASSWORD": "battery staple"})
    key = load_key("env://K", KeyAccess(environment={"K": private_pem("P-256").decode()}))
    shown = f"{access!r} {key!r}"
    assert "horse" not in shown
    assert "staple" not in shown
    assert "PrivateKey" not in shown
