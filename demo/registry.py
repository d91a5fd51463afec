"""`python -m demo.registry`: evidence beside the images, in a real registry, put there by real cosign and oras.

Exit code 0 if every verdict is the expected one, else 1.
"""

import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from demo import screen
from demo.registry_workshop import RegistryWorkshop
from demo.workshop import DemoError
from tests.harness.registry import Registry
from tests.tools.build import ToolsError

_DECISION = re.compile(r"^\w+ \S+: (.+) \((\w+)\)$", re.MULTILINE)
_RECORD = re.compile(r"^  decision: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Scene:
    """One review and what must come of it.

    Attributes:
        title: What is shown.
        image: Which image is to run.
        environment: Where.
        outcome: `admitted`, `admitted with a warning`, `denied` or `not decided`.
        reason: The reason code.
    """

    title: str
    image: str
    environment: str
    outcome: str
    reason: str


SCENES = (
    Scene("Attested by cosign", "cart", "production", "admitted", "EvidenceSufficient"),
    Scene("Attached by oras", "checkout", "production", "admitted", "EvidenceSufficient"),
    Scene("Attached by cosign, but hardly seen running", "mail", "production", "denied", "EvidenceInsufficient"),
    Scene("Never seen running; canary only warns", "search", "canary", "admitted with a warning", "EvidenceMissing"),
    Scene("Never seen running; production blocks", "search", "production", "denied", "EvidenceMissing"),
)
BLACKOUT = Scene("The registry is down: nobody knows", "cart", "production", "not decided", "EvidenceUnavailable")
"""The last one, after the registry's end."""


def tell(scenes: Sequence[Scene] = SCENES, blackout: Scene = BLACKOUT) -> bool:
    """Runs the demo and prints it.

    Args:
        scenes: The reviews.
        blackout: The one after the registry's end.

    Returns:
        True if every verdict is the expected one.

    Raises:
        DemoError: A part of it did not work at all.
        ToolsError: A program has not been built.
    """
    with tempfile.TemporaryDirectory(prefix="evidence-gate-demo-") as name:
        folder = Path(name)
        (folder / "registry").mkdir()
        with Registry(folder / "registry", referrers=True) as registry:
            screen.heading("1. A registry on a loopback address, with four images of a shop")
            screen.command(registry.program.name, ["-listen", registry.host])
            workshop = RegistryWorkshop.furnish(folder, registry, ["cart", "checkout", "mail", "search"])
            screen.output(workshop.images.values())
            _attest(workshop)
            screen.heading("3. The gate asks the registry")
            screen.command("cat", ["config.yaml"])
            screen.output(workshop.configuration.strip().split("\n"))
            good = [_play(number, scene, workshop) for number, scene in enumerate(scenes, 1)]
        good.append(_play(len(good) + 1, blackout, workshop))
    screen.summary(sum(good), len(good))
    return all(good)


def _attest(workshop: RegistryWorkshop) -> None:
    screen.heading("2. Evidence beside the images, as three kinds of people put it there")
    screen.paragraph("staging.pem and cosign.key are fresh signing keys; config.yaml trusts their other halves.")
    workshop.attest("cart", "cart.folded")
    screen.paragraph("predicate.json is the predicate in cart.json; cosign signs it with a key of its own.")
    workshop.cosign_attest("cart")
    workshop.attest("checkout", "cart.folded")
    workshop.oras_attach("checkout")
    workshop.attest("mail", "cart-smoke.folded")
    workshop.cosign_attach("mail")


def _play(number: int, scene: Scene, workshop: RegistryWorkshop) -> bool:
    screen.scene(number, scene.title)
    shown = workshop.review(scene.image, scene.environment)
    decision, record = _DECISION.search(shown), _RECORD.search(shown)
    if decision is None or record is None:
        raise DemoError(f"evidence-gate review decided nothing:\n{shown}")
    screen.verdict(decision[1], decision[2], record[1])
    good = (decision[1], decision[2]) == (scene.outcome, scene.reason)
    if not good:
        screen.complaint(f"not as expected: {scene.outcome} ({scene.reason})")
    return good


def main(scenes: Sequence[Scene] = SCENES) -> int:
    """Runs the demo.

    Args:
        scenes: The reviews while the registry is up.

    Returns:
        The exit code.
    """
    try:
        return 0 if tell(scenes) else 1
    except (DemoError, ToolsError) as error:
        click.echo(f"demo: {error}", err=True)
    except KeyboardInterrupt:
        click.echo("\ndemo: stopped", err=True)
    return 1


if __name__ == "__main__":
    # As Ctrl-C: an orderly end, which takes the registry along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
