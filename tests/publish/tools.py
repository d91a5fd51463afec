"""The command line that pushes, and the tools of others that look at what it has left."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.harness.command import run
from tests.tools.build import program
from webhook.publish.registry import Layout

GATE = Path(sys.executable).with_name("evidence-gate")
PROFILE = Path(__file__).resolve().parents[2] / "manifests" / "examples" / "profiles" / "cart.folded"
PREDICATE_TYPE = "https://stella.ops/executionEvidence@v1"
_SECONDS = 120


@dataclass(frozen=True)
class Pipeline:
    """Somebody with a key and a profile, who has never logged in anywhere.

    Attributes:
        folder: Their folder.
    """

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> "Pipeline":
        """Makes the key, of a kind that cosign verifies with.

        Args:
            folder: An empty folder.

        Returns:
            The pipeline.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "staging.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / "staging.pub").write_bytes(public)
        return cls(folder)

    @property
    def public_key(self) -> Path:
        """The file of the public key."""
        return self.folder / "staging.pub"

    def begin(self, image: str, *options: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Starts `evidence-gate attest`.

        Args:
            image: The image, by digest.
            options: Where the evidence goes.
            environment: Variables that are added.

        Returns:
            The process.
        """
        what = [f"--image={image}", "--environment=staging", f"--profile={PROFILE}", "--observed-until=now"]
        variables = {"HOME": str(self.folder), "DOCKER_CONFIG": str(self.folder)}
        return subprocess.Popen(
            [GATE, "attest", *what, "--key=staging.pem", *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables, **(environment or {})},
        )

    def attest(self, image: str, *options: str, environment: Mapping[str, str] | None = None) -> "Said":
        """Runs it to its end; as `begin`."""
        return ended(self.begin(image, *options, environment=environment))

    def trust(self) -> dict[str, Any]:
        """Gives a section `trust` that trusts the key."""
        return {"keys": [{"name": "staging", "file": str(self.public_key), "environments": ["staging"]}]}


@dataclass(frozen=True)
class Said:
    """What a process has said.

    Attributes:
        code: Its exit code.
        output: Standard output.
        errors: Standard error.
    """

    code: int
    output: str
    errors: str


def ended(process: subprocess.Popen[str]) -> Said:
    """Waits for a process.

    Args:
        process: The process.

    Returns:
        What it has said.
    """
    try:
        output, errors = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
    return Said(process.returncode, output, errors)


def cosign_verifies(folder: Path, key: Path, image: str, layout: Layout, kind: str = PREDICATE_TYPE) -> list[Any]:
    """Runs `cosign verify-attestation`, which must succeed.

    Args:
        folder: A folder without a login.
        key: The public key's file.
        image: The image, by digest.
        layout: Where cosign is to look.
        kind: The predicate type.

    Returns:
        The envelopes that it has verified.
    """
    form = f"--new-bundle-format={json.dumps(layout is Layout.REFERRER)}"
    how = (f"--key={key}", f"--type={kind}", form, "--insecure-ignore-tlog=true", "--allow-http-registry")
    home = {"HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    said = run([program("cosign"), "verify-attestation", *how, image], folder, home)
    return [json.loads(line) for line in said.splitlines() if line]


def oras_discovers(folder: Path, image: str) -> dict[str, Any]:
    """Runs `oras discover`.

    Args:
        folder: A folder without a login.
        image: The image, by digest.

    Returns:
        The annotations of what refers to the image, by digest.
    """
    home = {"HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    said = run([program("oras"), "discover", "--plain-http", "--format=json", image], folder, home)
    return {entry["digest"]: entry.get("annotations", {}) for entry in json.loads(said)["referrers"]}
