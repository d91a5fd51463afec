"""`evidence-gate operator`: keep certificates, the status of evidence, and reports on what runs current."""

import asyncio
import logging
import os
import re
from datetime import timedelta
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from webhook.cli.options import ENVIRONMENT_LABEL, EXCLUDED_NAMESPACES, EXISTING_FILE, Address, fail
from webhook.cli.rules import open_scan_rules
from webhook.errors import ConfigurationError
from webhook.gates.policy import Duration
from webhook.operator.keeper import Names
from webhook.operator.run import OperatorOptions, operate
from webhook.operator.surveyor import Survey
from webhook.server.logs import set_up_logging

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_CHARACTERS = 63
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,248}[a-z0-9])?")  # Room for `-ca` in 253 characters.


def _label(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not _LABEL.fullmatch(text):
        raise click.BadParameter("write a name of lower-case letters, digits and `-`, at most 63 characters")
    return text


def _name(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not _NAME.fullmatch(text):
        raise click.BadParameter("write a name of lower-case letters, digits, `-` and `.`, at most 250 characters")
    return text


def _role(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    # A name that a label can hold too, since it marks the reports.
    if text is not None and (not _NAME.fullmatch(text) or len(text) > _LABEL_CHARACTERS):
        raise click.BadParameter("write a name of lower-case letters, digits, `-` and `.`, at most 63 characters")
    return text


def _names(*parts: str | None) -> Names | None:
    given = [part for part in parts if part is not None]
    if not given:
        return None
    if len(given) < len(parts):
        raise click.UsageError("give all of --namespace, --service, --secret and --webhook-configuration, or none")
    return Names(*given)


def _duration(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError:
        raise click.BadParameter("write a duration such as `2160h`") from None


@click.command()
@click.option("--namespace", callback=_label, help="Namespace of the Secrets and the Service.")
@click.option("--service", callback=_label, help="The webhook's Service, which the certificate names.")
@click.option("--secret", callback=_name, help="The webhook's TLS Secret; the authority is in NAME-ca.")
@click.option("--webhook-configuration", callback=_name, help="ValidatingWebhookConfiguration to keep.")
@click.option("--scan-role", callback=_role, help="Scan what runs; this ClusterRole grants it, and owns the reports.")
@ENVIRONMENT_LABEL
@EXCLUDED_NAMESPACES
@click.option("--config", required=True, type=EXISTING_FILE, help="The webhook's configuration file; followed.")
@click.option("--retention", callback=_duration, help="Delete evidence older than this, for example 2160h.")
@click.option("--ops-listen", type=Address(), default="0.0.0.0:8080", show_default=True, help="For probes, metrics.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="Instead of the pod's own account.")
def command(
    namespace: str | None,
    service: str | None,
    secret: str | None,
    webhook_configuration: str | None,
    scan_role: str | None,
    environment_label: str,
    excluded: tuple[str, ...],
    config: Path,
    retention: timedelta | None,
    ops_listen: tuple[str, int],
    kubeconfig: Path | None,
) -> None:
    """Keep certificates, caBundle, the status of ExecutionEvidence and reports current. One replica is enough.

    Certificates are kept where the first four options are given, and reports where --scan-role is.
    Admission goes on without it. /healthz and /metrics are plain HTTP. The environment variable LOG_LEVEL sets the
    log's level (INFO).
    """
    names = _names(namespace, service, secret, webhook_configuration)
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        fail("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    writer = set_up_logging(level)
    survey = None if scan_role is None else Survey(scan_role, environment_label, excluded, open_scan_rules)
    try:
        asyncio.run(operate(OperatorOptions(names, survey, config, retention, ops_listen, kubeconfig)))
    except ConfigurationError as error:
        fail(str(error))
    finally:
        writer.close()
