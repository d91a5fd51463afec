"""`evidence-gate operator`: keep certificates and the status of evidence current."""

import asyncio
import logging
import os
import re
from datetime import timedelta
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from webhook.cli.options import EXISTING_FILE, Address, fail
from webhook.errors import ConfigurationError
from webhook.gates.policy import Duration
from webhook.operator.keeper import Names
from webhook.operator.run import OperatorOptions, operate
from webhook.server.logs import set_up_logging

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,248}[a-z0-9])?")  # Room for `-ca` in 253 characters.


def _label(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise click.BadParameter("write a name of lower-case letters, digits and `-`, at most 63 characters")
    return text


def _name(_: click.Context, __: click.Parameter, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise click.BadParameter("write a name of lower-case letters, digits, `-` and `.`, at most 250 characters")
    return text


def _duration(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError:
        raise click.BadParameter("write a duration such as `2160h`") from None


@click.command()
@click.option("--namespace", required=True, callback=_label, help="Namespace of the Secrets and the Service.")
@click.option("--service", required=True, callback=_label, help="The webhook's Service, which the certificate names.")
@click.option(
    "--secret", required=True, callback=_name, help="The webhook's TLS Secret; the authority is in NAME-ca."
)
@click.option(
    "--webhook-configuration", required=True, callback=_name, help="ValidatingWebhookConfiguration to keep."
)
@click.option("--config", required=True, type=EXISTING_FILE, help="The webhook's configuration file; followed.")
@click.option("--retention", callback=_duration, help="Delete evidence older than this, for example 2160h.")
@click.option("--ops-listen", type=Address(), default="0.0.0.0:8080", show_default=True, help="For probes, metrics.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="Instead of the pod's own account.")
def command(
    namespace: str,
    service: str,
    secret: str,
    webhook_configuration: str,
    config: Path,
    retention: timedelta | None,
    ops_listen: tuple[str, int],
    kubeconfig: Path | None,
) -> None:
    """Keep certificates, caBundle and the status of ExecutionEvidence current. One replica is enough.

    Admission goes on without it. /healthz and /metrics are plain HTTP. The environment variable LOG_LEVEL sets the
    log's level (INFO).
    """
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        fail("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    writer = set_up_logging(level)
    names = Names(namespace, service, secret, webhook_configuration)
    try:
        asyncio.run(operate(OperatorOptions(names, config, retention, ops_listen, kubeconfig)))
    except ConfigurationError as error:
        fail(str(error))
    finally:
        writer.close()
