"""What the demo with a registry needs: images in a running registry, keys, evidence, and the gate's configuration."""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from demo import screen
from demo.workshop import COMMAND, DemoError, Workshop
from tests.harness.command import run
from tests.harness.registry import Registry
from tests.harness.workloads import deployment
from tests.tools.build import program

_TYPE = "https://stella.ops/executionEvidence@v1"
_PLAIN_KEY = {"COSIGN_PASSWORD": ""}
_OFFLINE = ["--use-signing-config=false", "--tlog-upload=false"]
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class RegistryWorkshop:
    """A folder, and a registry with the shop's images.

    Attributes:
        workshop: The folder with the profiles and the key `staging.pem`.
        registry: The running registry.
        images: Name to reference by digest.
    """

    workshop: Workshop
    registry: Registry
    images: dict[str, str]

    @classmethod
    def furnish(cls, folder: Path, registry: Registry, names: list[str]) -> "RegistryWorkshop":
        """Makes keys, configuration and manifests, and pushes images.

        Args:
            folder: An empty folder.
            registry: The running registry.
            names: The images, each one's repository below `shop`.

        Returns:
            The workshop.
        """
        pushers = {name: registry.repository(f"shop/{name}") for name in names}
        images = {name: f"{pusher.repository}@{pusher.image(name)}" for name, pusher in pushers.items()}
        made = cls(Workshop.furnish(folder), registry, images)
        made._cosign(["generate-key-pair"])
        (folder / "config.yaml").write_text(made.configuration)
        for name, image in images.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(deployment(name, image)))
        return made

    @property
    def configuration(self) -> str:
        """The gate's configuration: what a site would write, and that this registry lies on a loopback address."""
        keys = [{"name": name, "file": f"{name}.pub", "environments": ["staging"]} for name in ("staging", "cosign")]
        gate = {
            "Enabled": True,
            "RequiredEnvironments": ["production", "canary"],
            "MissingEvidenceAction": "Block",
            "Overrides": {"canary": {"MissingEvidenceAction": "Warn"}},
        }
        content = {
            "PolicyGates": {"ExecutionEvidence": gate},
            "stores": {"registry": self.registry.settings("shop/*")},
            "trust": {"keys": keys},
            "disclosure": {"allowRawValues": True},
            "providers": {"executionEvidence": {"allowRaw": True}},
        }
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None)

    def attest(self, name: str, profile: str) -> None:
        """Shows and runs `evidence-gate attest`, which writes NAME.json.

        Args:
            name: The image.
            profile: The profile's file.
        """
        options = {
            "image": self.images[name],
            "environment": "staging",
            "profile": profile,
            "observed-until": "now",
            "key": "staging.pem",
            "output": f"{name}.json",
        }
        arguments = ["attest", *(part for option, value in options.items() for part in (f"--{option}", value))]
        screen.command("evidence-gate", arguments)
        screen.output(self.workshop.run(arguments).split("\n"))

    def cosign_attest(self, name: str) -> None:
        """Shows and runs `cosign attest` with the predicate of NAME.json: a Sigstore bundle, as cosign 3 does it.

        Args:
            name: The image.
        """
        folder = self.workshop.folder
        payload = json.loads(base64.b64decode(json.loads((folder / f"{name}.json").read_text())["payload"]))
        (folder / "predicate.json").write_text(json.dumps(payload["predicate"]))
        what = ["--key=cosign.key", f"--type={_TYPE}", "--predicate=predicate.json", *_OFFLINE, "--yes"]
        self._show_cosign(["attest", self.images[name], *what])

    def cosign_attach(self, name: str) -> None:
        """Shows and runs `cosign attach attestation` of NAME.json: the tag `.att`, where cosign 2 put everything.

        Args:
            name: The image.
        """
        self._show_cosign(["attach", "attestation", self.images[name], f"--attestation={name}.json"])

    def oras_attach(self, name: str) -> None:
        """Shows and runs `oras attach` of NAME.json: a manifest of its own whose subject is the image.

        Args:
            name: The image.
        """
        kind = "--artifact-type=application/vnd.in-toto+json"
        arguments = ["attach", self.images[name], f"{name}.json:{_ENVELOPE}", kind, "--plain-http", "--no-tty"]
        screen.command("oras", arguments)
        self._run("oras", arguments)

    def review(self, name: str, environment: str) -> str:
        """Shows and runs `evidence-gate review`.

        Args:
            name: The image, whose manifest NAME.yaml runs it.
            environment: Where it is to run.

        Returns:
            What was printed.

        Raises:
            DemoError: It gave no decision.
        """
        arguments = ["review", "-f", f"{name}.yaml", "--environment", environment, "--config", "config.yaml"]
        screen.command("evidence-gate", arguments)
        result = subprocess.run(  # noqa: S603 - our own command, our own arguments
            [COMMAND, *arguments],
            cwd=self.workshop.folder,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_TIMEOUT_SECONDS,
        )
        if not result.stdout:
            raise DemoError(f"evidence-gate review ended with {result.returncode}: {result.stderr.strip()}")
        screen.output(result.stdout.strip().split("\n"))
        return result.stdout

    def _show_cosign(self, arguments: list[str]) -> None:
        screen.command("cosign", arguments)
        self._cosign(arguments)

    def _cosign(self, arguments: list[str]) -> None:
        self._run("cosign", arguments)

    def _run(self, name: str, arguments: list[str]) -> None:
        folder = self.workshop.folder
        # No Docker login of the person who watches, and nothing left in the home folder.
        variables = {**_PLAIN_KEY, "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
        try:
            run([program(name), *arguments], folder, variables)
        except AssertionError as error:
            raise DemoError(str(error)) from None
