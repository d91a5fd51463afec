"""`evidence-gate gate`: one gate, on metadata given by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from webhook.cli.options import EXIT_OK, EXIT_REFUSED, OUTPUT
from webhook.errors import ConfigurationError
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.policy import ExecutionEvidencePolicy
from webhook.gates.registry import GATES
from webhook.model.gate import GateContext, Verdict
from webhook.settings.loading import load_settings

_ENABLED = ExecutionEvidencePolicy.model_validate({"Enabled": True})
"""Who runs the gate by hand wants to see it decide; only a configuration file can say that it is off."""


def _metadata(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter("write KEY=VALUE, for example has_execution_evidence=true")
        if key in metadata:
            raise click.BadParameter(f"{key} is given twice")
        metadata[key] = value
    return metadata


def _policy(_: click.Context, __: click.Parameter, path: Path | None) -> ExecutionEvidencePolicy:
    if path is None:
        return _ENABLED
    try:
        return load_settings(path).policy
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None


@click.command("gate")
@click.option("--environment", required=True, metavar="ENV", help="Target environment, for example production.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", callback=_metadata, help="Metadata key, repeatable.")
@click.option("--gate", "gate_id", type=click.Choice(sorted(GATES)), default=GATE_ID, show_default=True)
@click.option(
    "--config",
    "policy",
    type=click.Path(path_type=Path),
    callback=_policy,
    metavar="FILE",
    help="Configuration file. Without it the gate is enabled, and every other option has its default.",
)
@OUTPUT
def command(
    environment: str, metadata: Mapping[str, str], gate_id: str, policy: ExecutionEvidencePolicy, output: str
) -> None:
    """Run a gate on metadata given by hand.

    Without --config the gate runs with its default options, except that it is enabled: asking for its verdict means
    wanting one. With --config everything is as the file says, `Enabled` too.

    Exit code: 0 for Pass and Warn, 1 for Fail, 2 for a usage or configuration error.
    """
    result = GATES[gate_id].evaluate(policy, GateContext(environment, metadata))
    if output == "json":
        fields = {"gate": result.gate, "result": result.result, "message": result.message, "reason": result.reason}
        click.echo(json.dumps(fields, ensure_ascii=False))
    else:
        click.echo(f"{result.result}: {result.message}")
    raise SystemExit(EXIT_REFUSED if result.result is Verdict.FAIL else EXIT_OK)
