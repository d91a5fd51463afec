"""The operator scans a cluster: how long it takes, what it asks, what it holds."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bench.evidence import create_all, fill, image_digests
from bench.machine import SERVER_CORE, highest_mib, on_core
from bench.report import Figure, Title
from bench.stage import Stage, say
from tests.harness.control_plane import ControlPlane
from tests.harness.evidence import REPOSITORY
from tests.harness.polling import poll
from tests.harness.reports import OPENREPORTS, define_reports
from tests.harness.workloads import deployment
from tests.operator.surveying import Surveying, make_scan_account

_ENVIRONMENT = "scanned"
_A_NAMESPACE = 100
_AN_IMAGE = 10
_SECONDS = 300.0
_ACCOUNT = "execution-evidence-gate-operator-default"


def measure(stage: Stage) -> list[Figure]:
    """Runs one operator on an API server of its own with many Deployments, half of whose images have evidence.

    Args:
        stage: The shared parts.

    Returns:
        Time, questions, requests and memory of its first scan.
    """
    control_plane = stage.another_control_plane()
    define_reports(control_plane, OPENREPORTS)
    kubeconfig = make_scan_account(control_plane, "default")
    count = stage.effort.workloads
    digests = image_digests(count // _AN_IMAGE)
    operator = Surveying(stage.new_folder("scan"), kubeconfig, _ENVIRONMENT)
    say(f"scan: creating {count} Deployments of {len(digests)} images")
    asyncio.run(_fill(control_plane, count, digests))
    asyncio.run(fill(control_plane, operator.signer, digests[: len(digests) // 2]))
    with ExitStack() as stack:
        with on_core(SERVER_CORE):
            stack.enter_context(operator)
        scan = poll(operator.scans, _SECONDS, "a scan is done")[0]
        highest = highest_mib(operator.program.pid)
    calls = _calls(control_plane)
    say(f"  {scan['seconds']} s, {scan['questions']} questions, {scan['api_calls']} paced calls, {highest:.1f} MiB")
    say(f"  the API server's own count: {dict(calls)}")
    assert scan["workloads"] == count, scan
    return _figures(scan, highest, calls, len(digests), count)


def _figures(scan: dict[str, Any], highest: float, calls: Counter[str], images: int, count: int) -> list[Figure]:
    what = f"Scan of {count:,} Deployments of {images} images in {count // _A_NAMESPACE} namespaces"
    how = "the operator's first scan, cluster store, on one core; reports written for all namespaces"
    told = {f"{name}_calls": float(number) for name, number in calls.items()}
    return [
        Figure.of(Title(what, "s", 60.0, how), [scan["seconds"]]),
        Figure.of(
            Title("Questions to the provider", "", float(images), "one for each image, by the operator's own count"),
            [scan["questions"]],
        ),
        Figure.of(
            Title(
                "Requests to the API server", "", None, "by its audit log, of the whole process until the scan ended"
            ),
            [sum(calls.values())],
            told,
        ),
        Figure.of(Title("Memory of the operator", "MiB", 200.0, "VmHWM after the scan"), [highest]),
    ]


async def _fill(control_plane: ControlPlane, count: int, digests: list[str]) -> None:
    names = [f"scanned-{number:03}" for number in range(count // _A_NAMESPACE)]
    labels = {"stella.ops/environment": _ENVIRONMENT}
    spaces = (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}} for name in names
    )
    await create_all(control_plane, (("/api/v1/namespaces", item) for item in spaces))
    await create_all(control_plane, _deployments(names, digests))


def _deployments(names: list[str], digests: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    images = itertools.cycle(digests)
    for name in names:
        for number in range(_A_NAMESPACE):
            item = deployment(f"workload-{number:03}", f"{REPOSITORY}@{next(images)}", replicas=0)
            yield f"/apis/apps/v1/namespaces/{name}/deployments", item


def _calls(control_plane: ControlPlane) -> Counter[str]:
    """Counts the operator's requests as the API server has them, by verb and resource."""
    own = [event for event in control_plane.audit_events() if event["user"]["username"] == _ACCOUNT]
    return Counter(f"{event['verb']}_{event.get('objectRef', {}).get('resource', 'discovery')}" for event in own)
