"""What a site prepares: a signing key, a configuration, a certificate, and evidence made by the real command."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from demo.manifests import EXAMPLES, image_of

COMMAND = Path(sys.executable).with_name("evidence-gate")
"""The installed command, beside the Python that runs the demo."""

_NO_DRAIN = "\nserver: {drainSeconds: 0}\n"
"""Nobody has to find another replica when the demo ends."""


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True)
class Attestation:
    """One image that somebody watched.

    Attributes:
        manifest: The example manifest that runs it.
        profile: The example profile of it.
        key: Whose private key signs.
    """

    manifest: str
    profile: str
    key: str


ATTESTATIONS = (
    Attestation("deployment-observed.yaml", "cart.folded", "staging"),
    Attestation("deployment-hardly-observed.yaml", "cart-smoke.folded", "staging"),
    Attestation("deployment-stranger.yaml", "cart.folded", "stranger"),
)


@dataclass(frozen=True)
class Workshop:
    """A folder with everything that the webhook reads.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority that signed the webhook's certificate, PEM."""
        return self.folder / "ca.crt"

    @classmethod
    def furnish(cls, folder: Path) -> "Workshop":
        """Makes keys, certificate and configuration.

        Args:
            folder: An empty folder.

        Returns:
            The workshop; its folder `evidence` is still empty.
        """
        workshop = cls(folder)
        (folder / "evidence").mkdir()
        for name in ("cart.folded", "cart-smoke.folded"):
            shutil.copy(EXAMPLES / "profiles" / name, folder)
        (folder / "config.yaml").write_text((EXAMPLES / "config.yaml").read_text("utf-8") + _NO_DRAIN, "utf-8")
        for name in ("staging", "stranger"):
            workshop._make_key(name)
        authority = trustme.CA(organization_name="demo")
        authority.cert_pem.write_to_path(str(workshop.ca_file))
        leaf = authority.issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
        return workshop

    def attest_arguments(self, attestation: Attestation) -> list[str]:
        """Gives the arguments of `evidence-gate attest`, with paths relative to the folder.

        Args:
            attestation: What to attest.

        Returns:
            The arguments after the command's name.
        """
        output = Path("evidence", attestation.manifest).with_suffix(".json")
        options = {
            "image": image_of(attestation.manifest),
            "environment": "staging",
            "profile": attestation.profile,
            "observed-until": "now",
            "tracer": "py-spy/0.4.3",
            "key": f"{attestation.key}.pem",
            "output": str(output),
        }
        return ["attest", *(part for name, value in options.items() for part in (f"--{name}", value))]

    def run(self, arguments: list[str]) -> str:
        """Runs the command in the folder.

        Args:
            arguments: What follows `evidence-gate`.

        Returns:
            Everything that it printed.

        Raises:
            DemoError: It failed; the text holds what it said.
        """
        result = subprocess.run(  # noqa: S603 - our own command, our own arguments
            [COMMAND, *arguments],
            cwd=self.folder,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=60,
        )
        if result.returncode:
            raise DemoError(f"evidence-gate {arguments[0]} ended with {result.returncode}: {result.stdout.strip()}")
        return result.stdout.strip()

    def _make_key(self, name: str) -> None:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (self.folder / f"{name}.pem").write_bytes(private)
        (self.folder / f"{name}.pub").write_bytes(public)
