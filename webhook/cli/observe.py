"""`evidence-gate observe`: attest what runs in staging, from the profiles that a server has of it."""

import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from webhook.cli.observe_report import table
from webhook.cli.options import EXISTING_FILE, EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, fail
from webhook.cli.rules import open_stores
from webhook.errors import ConfigurationError, UnavailableError
from webhook.kube.api_errors import ApiError
from webhook.kube.opening import open_client
from webhook.observer.cluster import Seen, read_cluster, window_until
from webhook.observer.images import Outcome, Report, by_image
from webhook.observer.observing import Observer
from webhook.observer.opening import open_parts
from webhook.observer.settings import ObserverSettings, load_observer_settings
from webhook.scan.api import PacedApi
from webhook.server.logs import set_up_logging

_LOG = logging.getLogger(__name__)


@click.command()
@click.option("--config", required=True, type=EXISTING_FILE, help="The observer's configuration file.")
@click.option("--kubeconfig", type=EXISTING_FILE, help="The cluster; by default the pod's own account.")
@click.option("--dry-run", is_flag=True, help="Only show what would be attested; needs no key, and writes nothing.")
def command(config: Path, kubeconfig: Path | None, *, dry_run: bool) -> None:
    """Attest the images that run in staging, once, from the profiles that a server has of their pods.

    An image is attested if its evidence would suffice for the gate, and none that does is there already, or it is
    old. The log has a line for each image; with --dry-run there is a table instead. The environment variable
    LOG_LEVEL sets the log's level (INFO).

    Exit code: 0 if all images were looked at, 1 if the gate would not count what was signed, 3 if something could not
    be found out or written (everything else was), 2 for a usage or configuration error.
    """
    try:
        settings = load_observer_settings(config)
        if dry_run:
            seen, reports = asyncio.run(_observe(settings, kubeconfig, None))
            click.echo(table(reports, seen))
        else:
            seen, reports = _logged(settings, kubeconfig)
    except ConfigurationError as error:
        fail(str(error))
    except ApiError as error:
        fail(f"the cluster cannot be read: {error.detail}", EXIT_UNAVAILABLE)
    except UnavailableError as error:
        fail(error.detail, EXIT_UNAVAILABLE)
    except TimeoutError:
        fail("the cluster could not be read in time; see timeoutSeconds", EXIT_UNAVAILABLE)
    except asyncio.CancelledError:
        fail("stopped before the end; what was attested by then stays", EXIT_UNAVAILABLE)
    sys.exit(_exit_code(seen, reports))


def _logged(settings: ObserverSettings, kubeconfig: Path | None) -> tuple[Seen, list[Report]]:
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        fail("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    writer = set_up_logging(level)
    try:
        seen, reports = asyncio.run(_observe(settings, kubeconfig, _log))
        _log_seen(seen)
        outcomes = Counter(report.outcome.value for report in reports)
        _LOG.info("observed", extra={"images": len(reports), "outcomes": dict(sorted(outcomes.items()))})
    finally:
        writer.close()
    return seen, reports


async def _observe(
    settings: ObserverSettings, kubeconfig: Path | None, tell: Callable[[Report], None] | None
) -> tuple[Seen, list[Report]]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.file.timeout_seconds
    task = asyncio.current_task()
    if task is not None:
        # As the first process of a container, whose default would be to go on.
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    now = datetime.now(UTC)
    async with (
        asyncio.timeout_at(deadline) as limit,
        open_client(kubeconfig) as client,
        open_stores(settings.gate, kubeconfig) as stores,
        open_parts(settings, client, stores, look_only=tell is None) as parts,
    ):
        window = window_until(now, settings.file.window)
        seen = await read_cluster(PacedApi(client), settings.file, window)
        # From here on it is each image's: what was found by then is to be told.
        limit.reschedule(None)
        reports = await Observer(settings, parts, now).observe(by_image(seen.runs), deadline, tell or _keep_quiet)
    return seen, reports


def _keep_quiet(_: Report) -> None:
    """A table will say it."""


def _log(report: Report) -> None:
    trouble = report.outcome in {Outcome.LEFT_OUT, Outcome.REFUSED, Outcome.UNKNOWN}
    fields = {
        "environment": report.watched.environment,
        "image": report.watched.name,
        "outcome": report.outcome.value,
        "detail": report.detail,
        "digests": list(report.digests),
        "containers": report.containers,
        "hotSymbols": report.hot_symbols,
        "callPaths": report.call_paths,
    }
    _LOG.log(logging.WARNING if trouble else logging.INFO, "image observed", extra=fields)


def _log_seen(seen: Seen) -> None:
    for trouble in seen.troubles:
        _LOG.warning("not observed", extra={"detail": trouble})
    for run in seen.unattributed:
        where = {"namespace": run.place.namespace, "pod": run.pod, "container": run.container}
        _LOG.warning("container left out", extra={**where, "detail": run.detail})


def _exit_code(seen: Seen, reports: Sequence[Report]) -> int:
    outcomes = {report.outcome for report in reports}
    if Outcome.REFUSED in outcomes:
        return EXIT_REFUSED
    return EXIT_UNAVAILABLE if seen.troubles or Outcome.UNKNOWN in outcomes else EXIT_OK
