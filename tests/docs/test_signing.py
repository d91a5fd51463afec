"""docs/evidence.md, "Who signs": its scripts run with the real cosign, and what it says of references is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.attest.keys import private_pem, public_pem
from tests.docs.console import ROOT
from tests.docs.tables import section
from tests.harness.cosign_keys import generate_key_pair, import_key_pair
from tests.tools.build import program
from webhook.attest.signing.references import KeyAccess, KeyReferenceError, load_key
from webhook.cli.main import main

PAGE = (ROOT / "docs" / "evidence.md").read_text("utf-8")
EXAMPLE = ROOT / "manifests" / "examples" / "profiles" / "cart.folded"
IMAGE = f"registry.example.com/shop/cart@sha256:{'52' * 32}"


def script(heading: str) -> str:
    [found] = re.findall(r"^```sh\n(.*?)^```$", section(PAGE, heading), re.DOTALL | re.MULTILINE)
    return str(found)


def run_script(folder: Path, heading: str) -> None:
    (folder / "cart.folded").write_bytes(EXAMPLE.read_bytes())
    programs = (program("cosign").parent, Path(sys.executable).parent, Path("/usr/bin"), Path("/bin"))
    environment = {
        "PATH": ":".join(map(str, programs)),
        "HOME": str(folder),
        "COSIGN_PASSWORD": "",
        "image": IMAGE,
        "key": "cosign.key",
    }
    command = ["sh", "-euc", script(heading)]
    result = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def verifies(folder: Path) -> bool:
    what = ["--key", str(folder / "cosign.pub"), "--image-digest", IMAGE.partition("@")[2]]
    return CliRunner().invoke(main, ["verify", str(folder / "cart.sigstore.json"), *what]).exit_code == 0


def test_a_bundle_is_made_and_verified_as_the_page_says(tmp_path: Path) -> None:
    generate_key_pair(tmp_path, "")
    run_script(tmp_path, "### The form")
    assert verifies(tmp_path)


def test_cosign_signs_our_statement_as_the_page_says(tmp_path: Path) -> None:
    # With a key file in the place of the KMS.
    generate_key_pair(tmp_path, "")
    run_script(tmp_path, "### A key in a KMS or a token")
    assert verifies(tmp_path)


@pytest.mark.parametrize("scheme", re.findall(r"`(\w+:(?://)?)`", section(PAGE, "### A key in a KMS or a token")))
def test_what_the_page_says_is_not_supported_is_not(scheme: str) -> None:
    with pytest.raises(KeyReferenceError, match="are not supported, since they cannot be read"):
        load_key(f"{scheme}staging", KeyAccess(environment={}))


def test_the_page_says_which_schemes_are_not_supported() -> None:
    assert len(re.findall(r"`\w+:(?://)?`", section(PAGE, "### A key in a KMS or a token"))) == 5


def test_an_ed25519_key_of_cosign_gives_signatures_that_nobody_takes(tmp_path: Path) -> None:
    # The table says so. Its statement is signed with Ed25519ph (RFC 8032), which DSSE does not know.
    generate_key_pair(tmp_path, "")
    (tmp_path / "own.pem").write_bytes(private_pem("Ed25519"))
    import_key_pair(tmp_path, tmp_path / "own.pem", "").rename(tmp_path / "cosign.key")
    (tmp_path / "cosign.pub").write_bytes(public_pem("Ed25519"))
    run_script(tmp_path, "### A key in a KMS or a token")
    assert not verifies(tmp_path)
