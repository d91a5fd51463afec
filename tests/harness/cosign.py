"""The real cosign with a key pair of its own, without a transparency log."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tests.harness.command import run
from tests.tools.build import program

PREDICATE_TYPE = "https://stella.ops/executionEvidence@v1"
"""With a scheme: cosign takes no other."""

Layout = Literal["tag", "bundle"]
"""Where cosign puts an attestation: the tag `.att`, its only place before cosign 3; or a Sigstore bundle whose
subject is the image, found by the referrers API or the fallback tag."""

_OFFLINE = ("--use-signing-config=false", "--tlog-upload=false")


def predicate(**changes: Any) -> dict[str, Any]:
    """Makes a predicate that meets the default thresholds.

    Args:
        changes: Members that differ.

    Returns:
        The predicate.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"environment": "staging", "observedUntil": now, "hotSymbolCount": 42, "uniqueCallPaths": 17, **changes}


class Cosign:
    """Somebody who signs with cosign.

    Attributes:
        public_key: The file of the public key, PEM.
    """

    def __init__(self, folder: Path) -> None:
        """Makes a key pair.

        Args:
            folder: An empty folder.
        """
        self._folder = folder
        self._run("generate-key-pair")
        self.public_key = folder / "cosign.pub"

    def attest(
        self,
        image: str,
        content: Mapping[str, Any] | None = None,
        *,
        layout: Layout = "bundle",
        kind: str = PREDICATE_TYPE,
        repository: str | None = None,
    ) -> None:
        """Runs `cosign attest`.

        Args:
            image: The image, by digest.
            content: The predicate; by default a sufficient one.
            layout: Where the attestation goes.
            kind: The predicate type.
            repository: The repository that gets it, if not the image's own.
        """
        (self._folder / "predicate.json").write_text(json.dumps(content or predicate()))
        what = ("--predicate=predicate.json", f"--type={kind}")
        self._sign(
            "attest", image, layout, *what, environment={"COSIGN_REPOSITORY": repository} if repository else {}
        )

    def sign(self, image: str, *, layout: Layout) -> None:
        """Runs `cosign sign`, whose signature is no attestation.

        Args:
            image: The image, by digest.
            layout: Where the signature goes; the old place is the tag `.sig`.
        """
        self._sign("sign", image, layout)

    def attach(self, image: str, envelope: Path) -> None:
        """Runs `cosign attach attestation`, which puts somebody's envelope under the tag `.att`.

        Args:
            image: The image, by digest.
            envelope: A DSSE envelope.
        """
        self._run("attach", "attestation", "--allow-http-registry", f"--attestation={envelope}", image)

    def _sign(
        self, command: str, image: str, layout: Layout, *what: str, environment: Mapping[str, str] | None = None
    ) -> None:
        form = f"--new-bundle-format={json.dumps(layout == 'bundle')}"
        flags = ("--yes", "--key=cosign.key", *_OFFLINE, form, "--allow-http-registry")
        self._run(command, *flags, *what, image, environment=environment)

    def _run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        # No Docker login and no TUF cache of the person who runs the tests.
        home = str(self._folder)
        variables = {"COSIGN_PASSWORD": "", "HOME": home, "DOCKER_CONFIG": home, **(environment or {})}
        run([program("cosign"), *arguments], self._folder, variables)
