"""What cosign itself has written; tests/cli/cosign/README.md says how."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from webhook.cli.main import main

FOLDER = Path(__file__).parent / "cosign"
IMAGE = "sha256:" + "a" * 64
FILES = [
    "bundle.json",
    "envelope.json",
    "bundle-statement-v0.1.json",
    "envelope-statement-v0.1.json",
]


def verify(file: str, image: str) -> tuple[int, str]:
    key = str(FOLDER / "cosign.pub")
    result = CliRunner().invoke(main, ["verify", str(FOLDER / file), "--key", key, "--image-digest", image])
    return result.exit_code, result.output


@pytest.mark.parametrize("file", FILES)
def test_what_cosign_signed_with_a_key_is_verified(file: str) -> None:
    code, output = verify(file, IMAGE)
    assert code == 0, output
    assert output.startswith("Verified\n")


@pytest.mark.parametrize("file", FILES)
def test_what_cosign_signed_for_another_image_is_refused(file: str) -> None:
    code, output = verify(file, "sha256:" + "b" * 64)
    assert code == 1
    assert "EvidenceMissing" in output
