"""`evidence-gate scan`: what of that which already runs would be denied if its environment were enforced today."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from webhook.cli.options import (
    ENVIRONMENT_LABEL,
    EXCLUDED_NAMESPACES,
    EXISTING_FILE,
    EXIT_OK,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    fail,
    namespace_name,
)
from webhook.cli.rules import open_scan_rules
from webhook.errors import ConfigurationError
from webhook.kube.api_errors import ApiError
from webhook.kube.opening import open_client
from webhook.model.printable import printable
from webhook.scan.api import PacedApi
from webhook.scan.finding import Finding, Outcome, Place, Scanned
from webhook.scan.scanner import NAMESPACES, Scanner
from webhook.settings.loading import Settings, load_settings

_TODAY = {
    Outcome.FAIL: "denied",
    Outcome.ERROR: "unknown",
    Outcome.WARN: "warned",
    Outcome.PASS: "admitted",
    Outcome.SKIP: "exempt",
}
_HEAD = ("NAMESPACE", "WORKLOAD", "TODAY", "IF BLOCK", "REASON", "IMAGE")
_NAME_CHARACTERS = 253


@click.command()
@click.option(
    "-n", "--namespace", callback=namespace_name, help="Only this namespace; by default all of required environments."
)
@click.option("--config", required=True, type=EXISTING_FILE, help="The gate's configuration file.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="The cluster; by default the pod's own account.")
@ENVIRONMENT_LABEL
@EXCLUDED_NAMESPACES
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    namespace: str | None,
    config: Path,
    kubeconfig: Path | None,
    environment_label: str,
    excluded: tuple[str, ...],
    output: str,
) -> None:
    """Show which running workloads would be denied if they were created today.

    TODAY is what the configuration says; IF BLOCK what would hold if every action were Block. Exit code 0 if none
    would be denied today, 1 if one would, 3 if none would but one is unknown or the cluster cannot be read, 2 for a
    usage or configuration error.
    """
    try:
        settings = load_settings(config)
        wanted = _Wanted(namespace, environment_label, excluded)
        workloads = asyncio.run(_scan(settings, kubeconfig, wanted))
    except ConfigurationError as error:
        fail(str(error))
    except ApiError as error:
        fail(f"the cluster cannot be read: {error.detail}", EXIT_UNAVAILABLE)
    for remark in settings.remarks():
        click.echo(remark, err=True)
    click.echo(_as_json(workloads) if output == "json" else _as_table(workloads))
    sys.exit(_exit_code(workloads))


class _Wanted:
    """What the command line names."""

    def __init__(self, namespace: str | None, label: str, excluded: Sequence[str]) -> None:
        self._namespace = namespace
        self._label = label
        self._excluded = excluded

    async def places(self, scanner: Scanner, api: PacedApi) -> list[Place]:
        if self._namespace is None:
            return await scanner.places(self._label, self._excluded)
        found = await api.find(f"{NAMESPACES}/{self._namespace}")
        if found is None:
            raise ConfigurationError("there is no such namespace")
        place = scanner.place(found, self._label)
        return [] if place is None else [place]


async def _scan(settings: Settings, kubeconfig: Path | None, wanted: _Wanted) -> list[Scanned]:
    async with open_client(kubeconfig) as client, open_scan_rules(settings, client) as rules:
        api = PacedApi(client)
        scanner = Scanner(rules, api)
        places = await wanted.places(scanner, api)
        workloads: list[Scanned] = []
        with click.progressbar(
            places, label="Scanning", item_show_func=_shown, file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            for place in bar:
                workloads += [found async for found in scanner.workloads(place)]
    return workloads


def _shown(place: Place | None) -> str:
    return "" if place is None else place.namespace


def _exit_code(workloads: Sequence[Scanned]) -> int:
    outcomes = {scanned.outcome for scanned in workloads}
    if Outcome.FAIL in outcomes:
        return EXIT_REFUSED
    return EXIT_UNAVAILABLE if Outcome.ERROR in outcomes else EXIT_OK


def _speaking(scanned: Scanned) -> Finding:
    return min(scanned.findings, key=lambda finding: finding.outcome.rank)


def _as_table(workloads: Sequence[Scanned]) -> str:
    """Writes what would not simply be admitted, and how many workloads there are of each kind."""
    told = [scanned for scanned in workloads if scanned.if_block in {Outcome.FAIL, Outcome.ERROR}]
    told.sort(key=lambda entry: (entry.outcome.rank, entry.place, entry.kind, entry.name))
    rows = [_HEAD, *map(_row, told)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if len(rows) > 1 else []
    return "\n".join([*lines, _summary(workloads)])


def _row(scanned: Scanned) -> tuple[str, str, str, str, str, str]:
    finding = _speaking(scanned)
    return (
        scanned.place.namespace,
        f"{scanned.kind}/{scanned.name}",
        _TODAY[scanned.outcome],
        _TODAY[scanned.if_block],
        finding.reason.value,
        printable(finding.image, _NAME_CHARACTERS) or "-",
    )


def _summary(workloads: Sequence[Scanned]) -> str:
    today = Counter(_TODAY[scanned.outcome] for scanned in workloads)
    blocked = Counter(_TODAY[scanned.if_block] for scanned in workloads)
    told = ", ".join(f"{today[word]} {word}" for word in _TODAY.values() if today[word]) or "none"
    return f"{len(workloads)} workloads: {told}; {blocked['denied']} would be denied if every action were Block"


def _as_json(workloads: Sequence[Scanned]) -> str:
    return json.dumps({"workloads": [_entry(scanned) for scanned in workloads]}, indent=2)


def _entry(scanned: Scanned) -> dict[str, Any]:
    return {
        "namespace": scanned.place.namespace,
        "environment": scanned.place.environment,
        "apiVersion": scanned.api_version,
        "kind": scanned.kind,
        "name": scanned.name,
        "today": _TODAY[scanned.outcome],
        "ifBlock": _TODAY[scanned.if_block],
        "findings": [
            {
                "result": finding.outcome.value,
                "gate": finding.gate,
                "reason": finding.reason.value,
                "image": finding.image,
                "message": finding.message,
            }
            for finding in scanned.findings
        ],
    }
