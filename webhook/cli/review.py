"""`evidence-gate review`: the webhook's decision about manifests, before anything is applied."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from webhook.admission.answer import Advice, denial_text, warning_texts
from webhook.cli.manifests import Manifest, ManifestError, read_manifests
from webhook.cli.options import EXISTING_FILE, EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, OUTPUT, environment_name, fail
from webhook.cli.preflight import Preflight, preflight
from webhook.cli.rules import open_rules
from webhook.errors import ConfigurationError, ReviewError
from webhook.limits import LIMITS
from webhook.model.gate import Verdict
from webhook.model.printable import printable
from webhook.settings.loading import Settings, load_settings

_WORDS = {Verdict.PASS: "admitted", Verdict.WARN: "admitted with a warning", Verdict.FAIL: "denied"}


@click.command()
@click.option("-f", "--filename", "files", multiple=True, required=True, help="Manifest; `-` is standard input.")
@click.option("--environment", required=True, callback=environment_name, help="The environment to deploy to.")
@click.option("--config", required=True, type=EXISTING_FILE, help="The gate's configuration file.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="For stores.cluster and pull secrets.")
@OUTPUT
def command(files: tuple[str, ...], environment: str, config: Path, kubeconfig: Path | None, output: str) -> None:
    """Decide about manifests as the webhook would, before they are applied.

    Exit code 0 if all would be admitted, 1 if one would be denied, 3 if one could not be decided because a store
    cannot be reached, 2 for a usage or configuration error.
    """
    try:
        settings = load_settings(config)
        manifests = read_manifests(files)
        # The webhook is not asked about other kinds, so nothing is said of them here but that.
        asked = [manifest for manifest in manifests if manifest.kind in settings.file.workloads]
        outcomes = asyncio.run(_decide_all(asked, environment, settings, kubeconfig))
    except (ConfigurationError, ManifestError, ReviewError) as error:
        fail(str(error))
    if not manifests:
        fail("no workload in these manifests")
    for manifest in manifests:
        if manifest.kind not in settings.file.workloads:
            name = _name(manifest)
            click.echo(f"{manifest.kind} {name}: not evaluated (not in the gate's `workloads`)", err=True)
    advice = Advice.of(settings, environment)
    if output == "json":
        click.echo(json.dumps([as_json(outcome) for outcome in outcomes], indent=2))
    else:
        click.echo("\n".join(line for outcome in outcomes for line in _as_lines(outcome, advice)))
    sys.exit(exit_code(outcomes))


async def _decide_all(
    manifests: list[Manifest], environment: str, settings: Settings, kubeconfig: Path | None
) -> list[Preflight]:
    async with open_rules(settings, kubeconfig) as rules:
        # Each has the time that a webhook would have.
        return [
            await preflight(manifest, environment, rules, time.monotonic() + LIMITS.deadline_maximum)
            for manifest in manifests
        ]


def as_json(outcome: Preflight) -> dict[str, Any]:
    """Tells a decision to a program.

    Args:
        outcome: The decision about one workload.

    Returns:
        JSON: the workload's identity, `allowed`, verdict and reasons, and the record with its digest.
    """
    decision = outcome.decision
    return {
        "kind": outcome.manifest.kind,
        "namespace": outcome.manifest.namespace,
        "name": outcome.manifest.name,
        "allowed": decision.verdict is not Verdict.FAIL,
        "verdict": decision.verdict.value,
        "reasons": list(decision.reasons),
        "decision": outcome.record.digest,
        "record": json.loads(outcome.record.content),
    }


def _as_lines(outcome: Preflight, advice: Advice) -> list[str]:
    manifest, decision = outcome.manifest, outcome.decision
    word = "not decided" if decision.unavailable else _WORDS[decision.verdict]
    lines = [f"{manifest.kind} {_name(manifest)}: {word} ({', '.join(decision.reasons)})"]
    if decision.verdict is Verdict.FAIL:
        lines += denial_text(decision, advice).split("\n")
    elif decision.verdict is Verdict.PASS:
        lines += [f"{result.gate}: {result.message}" for result in decision.results]
    if decision.is_warned_of:
        lines += [f"Warning: {text}" for text in warning_texts(decision, advice)]
    return [*lines, f"  decision: {outcome.record.digest}"]


def _name(manifest: Manifest) -> str:
    return printable(f"{manifest.namespace}/{manifest.name}", 2 * LIMITS.warning_characters)


def exit_code(outcomes: list[Preflight]) -> int:
    """Sums decisions up.

    Args:
        outcomes: The decisions.

    Returns:
        0 if all are admitted, 3 if those that are not could not be decided, else 1.
    """
    failed = [outcome.decision for outcome in outcomes if outcome.decision.verdict is Verdict.FAIL]
    if not failed:
        return EXIT_OK
    return EXIT_UNAVAILABLE if all(decision.unavailable for decision in failed) else EXIT_REFUSED
