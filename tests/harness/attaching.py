"""Everybody who puts evidence beside an image, each in a way of their own."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.harness import oras
from tests.harness.command import run
from tests.harness.cosign import Cosign, predicate

_GATE = Path(sys.executable).with_name("evidence-gate")
_PROFILES = Path(__file__).resolve().parents[2] / "manifests" / "examples" / "profiles"
_HARDLY = {"hotSymbolCount": 1, "uniqueCallPaths": 0}


class Publisher:
    """A site's people: one signs with `evidence-gate attest`, one with cosign.

    Attributes:
        folder: Their folder.
        cosign: The one with cosign.
    """

    def __init__(self, folder: Path) -> None:
        """Makes both keys.

        Args:
            folder: An empty folder.
        """
        self.folder = folder
        self.cosign = Cosign(folder)
        key = Ed25519PrivateKey.generate()
        (folder / "staging.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / "staging.pub").write_bytes(public)

    def trust(self) -> dict[str, Any]:
        """Gives a section `trust` that trusts both.

        Returns:
            The section.
        """
        files = {"staging": self.folder / "staging.pub", "cosign": self.cosign.public_key}
        keys = [{"name": name, "file": str(file), "environments": ["staging"]} for name, file in files.items()]
        return {"keys": keys}

    def envelope(self, image: str, *, sufficient: bool = True) -> Path:
        """Runs `evidence-gate attest`.

        Args:
            image: The image, by digest.
            sufficient: Whether the profile shows more than three health checks.

        Returns:
            The DSSE envelope's file.
        """
        profile = _PROFILES / ("cart.folded" if sufficient else "cart-smoke.folded")
        path = self.folder / f"{image[-12:]}-{sufficient}.json"
        what = [f"--image={image}", "--environment=staging", f"--profile={profile}", "--observed-until=now"]
        run([_GATE, "attest", *what, "--key=staging.pem", f"--output={path}"], self.folder)
        return path


class Attach(Protocol):
    """Attaches evidence to an image."""

    def __call__(self, publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
        """Attaches.

        Args:
            publisher: Who does it.
            image: The image, by digest.
            sufficient: Whether the evidence is to meet the default thresholds.
        """


@dataclass(frozen=True)
class Way:
    """How somebody attaches evidence.

    Attributes:
        name: Tool and layout.
        signer: The name of the trusted key that signs.
        attach: Does it.
    """

    name: str
    signer: str
    attach: Attach


def cosign_bundle(publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
    """Attaches as cosign 3 does: a Sigstore bundle."""
    publisher.cosign.attest(image, _counts(sufficient=sufficient))


def cosign_tag(publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
    """Attaches as cosign 2 does: a layer under the tag `.att`."""
    publisher.cosign.attest(image, _counts(sufficient=sufficient), layout="tag")


def cosign_attach(publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
    """Lets cosign put an envelope of ours under the tag `.att`."""
    publisher.cosign.attach(image, publisher.envelope(image, sufficient=sufficient))


def oras_attach(publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
    """Lets oras attach an envelope of ours, called what it is."""
    oras.attach(image, publisher.envelope(image, sufficient=sufficient))


def oras_attach_any(publisher: Publisher, image: str, *, sufficient: bool = True) -> None:
    """Lets oras attach an envelope of ours as any file."""
    oras.attach(image, publisher.envelope(image, sufficient=sufficient), media_type=None)


WAYS = (
    Way("cosign attest, bundle", "cosign", cosign_bundle),
    Way("cosign attest, tag .att", "cosign", cosign_tag),
    Way("cosign attach attestation", "staging", cosign_attach),
    Way("oras attach", "staging", oras_attach),
    Way("oras attach, of no type", "staging", oras_attach_any),
)
"""Every layout in use, by the tool that writes it."""


def _counts(*, sufficient: bool) -> dict[str, Any]:
    return predicate() if sufficient else predicate(**_HARDLY)
