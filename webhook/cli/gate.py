"""`evidence-gate gate`: one gate, on metadata given by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import click
from pydantic.alias_generators import to_pascal

from webhook.cli.options import EXIT_OK, EXIT_REFUSED, OUTPUT, environment_name
from webhook.errors import ConfigurationError
from webhook.gates.execution_evidence import GATE_ID
from webhook.gates.registry import GATES
from webhook.model.gate import GateContext, Verdict
from webhook.settings.file import PolicyGates
from webhook.settings.loading import load_settings

_ENABLED = PolicyGates.model_validate({to_pascal(name): {"Enabled": True} for name in PolicyGates.model_fields})
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


def _policies(_: click.Context, __: click.Parameter, path: Path | None) -> PolicyGates:
    if path is None:
        return _ENABLED
    try:
        return load_settings(path).file.policy_gates
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None


@click.command("gate")
@click.option(
    "--environment",
    required=True,
    metavar="ENV",
    callback=environment_name,
    help="Target environment, for example production.",
)
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", callback=_metadata, help="Metadata key, repeatable.")
@click.option("--gate", "gate_id", type=click.Choice(sorted(GATES)), default=GATE_ID, show_default=True)
@click.option(
    "--config",
    "policies",
    type=click.Path(path_type=Path),
    callback=_policies,
    metavar="FILE",
    help="Configuration file. Without it the gate is enabled, and every other option has its default.",
)
@OUTPUT
def command(environment: str, metadata: Mapping[str, str], gate_id: str, policies: PolicyGates, output: str) -> None:
    """Run a gate on metadata given by hand.

    Without --config the gate runs with its default options, except that it is enabled: asking for its verdict means
    wanting one. With --config everything is as the file says, `Enabled` too.

    Exit code: 0 for Pass and Warn, 1 for Fail, 2 for a usage or configuration error.
    """
    gate = GATES[gate_id]
    result = gate.evaluate(gate.policy(policies), GateContext(environment, metadata))
    if output == "json":
        fields = {"gate": result.gate, "result": result.result, "message": result.message, "reason": result.reason}
        click.echo(json.dumps(fields, ensure_ascii=False))
    else:
        click.echo(f"{result.result}: {result.message}")
    raise SystemExit(EXIT_REFUSED if result.result is Verdict.FAIL else EXIT_OK)
