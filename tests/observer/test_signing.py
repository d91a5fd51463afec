from pathlib import Path

import pytest

from tests.attest.keys import private_pem
from webhook.attest.signing.statement import KeySigner
from webhook.errors import ConfigurationError
from webhook.observer.settings import SigningSettings
from webhook.observer.signing import open_signer

SECRET = b"correct horse"


def section(**files: str) -> SigningSettings:
    return SigningSettings.model_validate(files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.pem").write_bytes(private_pem("Ed25519"))
    (tmp_path / "locked.pem").write_bytes(private_pem("Ed25519", SECRET))
    (tmp_path / "passphrase").write_bytes(SECRET + b"\n")
    (tmp_path / "other").write_bytes(b"another one\n")
    (tmp_path / "large").write_bytes(b"a" * (64 * 1024 + 1))
    return tmp_path


def test_a_key_is_read_beside_the_file_that_names_it(folder: Path) -> None:
    plain = open_signer(section(keyFile="plain.pem"), folder)
    locked = open_signer(section(keyFile="locked.pem", passphraseFile="passphrase"), folder)
    assert isinstance(plain, KeySigner)
    assert isinstance(locked, KeySigner)
    assert plain.key.public == locked.key.public


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"keyFile": "none"}, "signing.keyFile {}/none: cannot be read, or is too large"),
        ({"keyFile": "large"}, "signing.keyFile {}/large: cannot be read, or is too large"),
        ({"keyFile": "passphrase"}, "signing.keyFile {}/passphrase: "),
        ({"keyFile": "locked.pem"}, "signing.keyFile {}/locked.pem: it needs a passphrase"),
        ({"keyFile": "locked.pem", "passphraseFile": "other"}, "signing.keyFile {}/locked.pem: "),
        ({"keyFile": "plain.pem", "passphraseFile": "other"}, "signing.keyFile {}/plain.pem: "),
        ({"keyFile": "locked.pem", "passphraseFile": "none"}, "signing.passphraseFile {}/none: cannot be read"),
    ],
)
def test_a_file_that_is_of_no_use_is_named_and_nothing_of_it_is_shown(
    folder: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_signer(section(**files), folder)
    assert str(caught.value).startswith(message.format(folder))
    assert SECRET.decode() not in str(caught.value)
    assert "another one" not in str(caught.value)
    assert caught.value.__cause__ is None
