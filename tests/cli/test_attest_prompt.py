"""Asking for a passphrase at a terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attest.keys import private_pem
from tests.cli.test_attest import IMAGE, PROFILES, UNTIL
from tests.harness.cosign_keys import generate_key_pair
from tests.harness.terminal import Terminal
from webhook.trust.dsse import Envelope

GATE = Path(sys.executable).with_name("evidence-gate")
PROFILE = PROFILES / "cart.folded"


def command(key: str | Path, profile: str | Path = PROFILE) -> Sequence[str | Path]:
    what = (f"--profile={profile}", f"--image={IMAGE}", "--environment=staging", f"--observed-until={UNTIL}")
    return [GATE, "attest", *what, f"--key={key}", "--output=-"]


@pytest.mark.parametrize("passphrase", ["correct horse", "", "pässwörd"])
def test_somebody_at_a_terminal_is_asked_and_what_they_type_is_not_shown(passphrase: str, tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, passphrase)
    with Terminal(command(key), {"LANG": "C.UTF-8"}) as terminal:
        terminal.wait_for(f"Passphrase of {key}")
        terminal.type(f"{passphrase}\n")
        code, output = terminal.end()
    assert code == 0, terminal.shown
    assert Envelope.parse(output).signatures
    assert not passphrase or passphrase not in terminal.shown


def test_an_encrypted_key_of_any_make_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem("P-384", b"correct horse"))
    with Terminal(command(tmp_path / "own.pem"), {}) as terminal:
        terminal.wait_for("Passphrase of ")
        terminal.type("battery staple\n")
        code, output = terminal.end()
    assert (code, output) == (2, b"")
    assert "or the passphrase is wrong" in terminal.shown
    assert "battery" not in terminal.shown


def test_nobody_is_asked_for_what_the_environment_has(tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    with Terminal(command(key), {"COSIGN_PASSWORD": "correct horse"}) as terminal:
        code, _ = terminal.end()
    assert code == 0, terminal.shown
    assert "Passphrase" not in terminal.shown


def test_nobody_is_asked_about_a_key_that_is_not_encrypted(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(private_pem("P-256"))
    with Terminal(command(tmp_path / "own.pem"), {}) as terminal:
        code, _ = terminal.end()
    assert code == 0, terminal.shown
    assert "Passphrase" not in terminal.shown


def test_nobody_is_asked_while_standard_input_is_no_terminal(tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    with Terminal(command(key), {}, stdin=PROFILE) as terminal:
        code, output = terminal.end()
    assert (code, output) == (2, b"")
    assert "Passphrase of" not in terminal.shown
    assert "it needs a passphrase, from a file or the variable" in terminal.shown


def test_nobody_is_asked_while_what_is_typed_is_the_profile(tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    with Terminal(command(key, profile="-"), {}) as terminal:
        code, output = terminal.end()
    assert (code, output) == (2, b"")
    assert "Passphrase of" not in terminal.shown


def test_whoever_gives_up_leaves_nothing_behind(tmp_path: Path) -> None:
    key = generate_key_pair(tmp_path, "correct horse")
    with Terminal(command(key), {}) as terminal:
        terminal.wait_for("Passphrase of ")
        terminal.type("\x03")
        code, output = terminal.end()
    assert (code, output) == (1, b"")
    assert "Aborted!" in terminal.shown
