"""The demo itself: three pieces of evidence, one webhook, six reviews."""

import http.client
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import screen
from demo.api_server import Answer, ask, kubectl_lines
from demo.webhook_process import ARGUMENTS, WebhookProcess
from demo.workshop import ATTESTATIONS, DemoError, Workshop


@dataclass(frozen=True)
class Scene:
    """One review and what must come of it.

    Attributes:
        title: What is shown.
        environment: The environment of the namespace.
        manifest: The example's file name.
        outcome: `admitted`, `admitted with a warning` or `denied`.
        reason: The reason code.
    """

    title: str
    environment: str
    manifest: str
    outcome: str
    reason: str


SCENES = (
    Scene(
        "Seen running in staging, and well",
        "production",
        "deployment-observed.yaml",
        "admitted",
        "EvidenceSufficient",
    ),
    Scene(
        "Never seen running; canary only warns",
        "canary",
        "deployment-unobserved.yaml",
        "admitted with a warning",
        "EvidenceMissing",
    ),
    Scene(
        "Never seen running; production blocks",
        "production",
        "deployment-unobserved.yaml",
        "denied",
        "EvidenceMissing",
    ),
    Scene(
        "Seen running, but hardly: three health checks",
        "production",
        "deployment-hardly-observed.yaml",
        "denied",
        "EvidenceInsufficient",
    ),
    Scene(
        "Seen running well, says a stranger",
        "production",
        "deployment-stranger.yaml",
        "denied",
        "EvidenceUntrusted",
    ),
    Scene(
        "Never seen running; staging asks for no evidence",
        "staging",
        "deployment-unobserved.yaml",
        "admitted",
        "EnvironmentNotRequired",
    ),
)


def tell(scenes: Sequence[Scene] = SCENES) -> bool:
    """Runs the demo and prints it.

    Args:
        scenes: The reviews.

    Returns:
        True if every verdict is the expected one.

    Raises:
        DemoError: A part of it did not work at all.
    """
    with tempfile.TemporaryDirectory(prefix="evidence-gate-demo-") as folder:
        workshop = Workshop.furnish(Path(folder))
        screen.heading("1. Evidence")
        screen.paragraph(
            "staging.pem is a fresh signing key; config.yaml trusts its other half. stranger.pem is anybody's."
        )
        screen.paragraph("A profiler watched three builds of a shop's cart. `attest` signs what it saw.")
        for attestation in ATTESTATIONS:
            arguments = workshop.attest_arguments(attestation)
            screen.command("evidence-gate", arguments)
            screen.output(workshop.run(arguments).split("\n"))
        screen.heading("2. The webhook, as it runs in a cluster: its own process, TLS, a folder of evidence")
        screen.command("evidence-gate", ARGUMENTS)
        with WebhookProcess(workshop) as webhook:
            screen.output([f"listening at {webhook.url}"])
            screen.heading(f"3. {len(scenes)} reviews, and what the person at kubectl sees")
            good = [_play(number, scene, webhook, workshop) for number, scene in enumerate(scenes, 1)]
        screen.summary(sum(good), len(good))
        return all(good)


def _play(number: int, scene: Scene, webhook: WebhookProcess, workshop: Workshop) -> bool:
    screen.scene(number, scene.title)
    try:
        answer = ask(webhook.url, scene.environment, scene.manifest, workshop.ca_file)
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(f"the webhook gave no answer: {error}") from None
    screen.command("kubectl", ["create", "-n", scene.environment, "-f", scene.manifest])
    screen.output(kubectl_lines(answer, scene.environment, scene.manifest))
    good = _is_expected(answer, scene)
    screen.verdict(answer.outcome, answer.reason, answer.record)
    if not good:
        screen.complaint(f"not as expected: {scene.outcome} ({scene.reason})")
    return good


def _is_expected(answer: Answer, scene: Scene) -> bool:
    return (answer.outcome, answer.reason) == (scene.outcome, scene.reason)
