from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.settings.writing import refusal, written
from tests.support.keys import ecdsa, ed25519_key, rsa_private
from webhook.settings.loading import Settings, load_settings
from webhook.trust.keys import PublicKey

ALICE, BOB = ecdsa(owner="alice"), ed25519_key("bob")


def public(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def trust(*keys: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"trust": {"keys": list(keys), **rest}}


def key(name: str, file: str | None = None, **bounds: Any) -> dict[str, Any]:
    return {"name": name, "file": file or f"{name}.pub", **bounds}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "alice.pub").write_bytes(ALICE.pem)
    (tmp_path / "bob.pub").write_bytes(BOB.pem)
    return tmp_path


def load(folder: Path, document: dict[str, Any]) -> Settings:
    return load_settings(written(folder, document))


def test_keys_are_read_from_beside_the_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    keys = load(folder, trust(key("alice"), key("bob"))).trust.keys
    assert [(entry.name, entry.key.key_id) for entry in keys] == [
        ("alice", PublicKey.from_pem(ALICE.pem).key_id),
        ("bob", PublicKey.from_pem(BOB.pem).key_id),
    ]


def test_a_key_may_lie_elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("keys") / "alice.pem"
    elsewhere.write_bytes(ALICE.pem)
    assert load(folder, trust(key("alice", str(elsewhere)))).trust.keys[0].name == "alice"


def test_a_key_without_bounds_may_speak_for_everything(folder: Path) -> None:
    entry = load(folder, trust(key("alice"))).trust.keys[0]
    assert entry.may_speak_for("staging", "registry.example.com/shop/cart")
    assert entry.may_speak_for("qa", None)


@pytest.mark.parametrize(
    ("environment", "repository", "expected"),
    [
        ("staging", "ghcr.io/shop/cart", True),
        ("STAGING", "ghcr.io/shop/cart", True),
        ("qa", "ghcr.io/shop/cart", False),
        ("staging", "ghcr.io/vendor/cart", False),
        ("staging", None, False),
    ],
)
def test_the_bounds_of_a_key_are_read(environment: str, repository: str | None, expected: bool, folder: Path) -> None:  # noqa: FBT001 - a table's column
    bound = key("alice", environments=["Staging"], repositories=["ghcr.io/shop/*"])
    assert load(folder, trust(bound)).trust.keys[0].may_speak_for(environment, repository) is expected


@pytest.mark.parametrize("bound", ["environments", "repositories"])
def test_an_empty_bound_is_no_bound_that_is_absent(bound: str, folder: Path) -> None:
    entry = load(folder, trust(key("alice", None, **{bound: []}))).trust.keys[0]
    assert not entry.may_speak_for("staging", "registry.example.com/shop/cart")


def _traditional_private() -> bytes:
    private = ALICE.private
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it holds no PEM public key"),
    "text": (b"hello", "it holds no PEM public key"),
    "private": (_traditional_private(), "it holds no PEM public key"),
    "DER": (
        ALICE.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "it holds no PEM public key",
    ),
    "cut off": (ALICE.pem[:100], "it holds no PEM public key"),
    "other curve": (public(ec.generate_private_key(ec.SECP256K1())), "its curve is not P-256, P-384 or P-521"),
    "weak RSA": (public(rsa_private(1024)), "an RSA key must have 2048 to 8192 bits"),
    "DSA": (public(dsa.generate_private_key(2048)), "it is not an ECDSA, Ed25519 or RSA key"),
    "too large": (ALICE.pem + b"\n" * 1024 * 1024, "cannot be read"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_key_that_cannot_be_used_is_named(case: str, folder: Path) -> None:
    content, problem = UNUSABLE[case]
    (folder / "odd.pub").write_bytes(content)
    lines = refusal(written(folder, trust(key("alice"), key("odd"))))
    assert lines == [f"trust.keys[1].file 'odd.pub': {problem}"]


@pytest.mark.parametrize("target", ["missing.pub", ".", "", "/proc/self/mem", "a\x00b"])
def test_a_key_file_that_cannot_be_read_is_named(target: str, folder: Path) -> None:
    lines = refusal(written(folder, trust({"name": "alice", "file": target})))
    assert lines == [f"trust.keys[0].file {str(Path(target))!r}: cannot be read"]


def test_a_threshold_may_be_as_high_as_the_number_of_keys(folder: Path) -> None:
    assert load(folder, trust(key("alice"), key("bob"), threshold=2)).trust.threshold == 2


@pytest.mark.parametrize(
    "keys", [[key("alice")], [key("alice"), key("again", "alice.pub")]], ids=["one key", "one key under two names"]
)
def test_a_threshold_above_the_number_of_distinct_keys_is_refused(keys: list[dict[str, Any]], folder: Path) -> None:
    lines = refusal(written(folder, trust(*keys, threshold=2)))
    assert lines == ["trust.threshold is higher than the number of distinct keys"]
