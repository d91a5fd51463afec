"""Keeps one report a namespace, and none where there is nothing to report."""

import time
from collections.abc import Iterable
from http import HTTPStatus

from webhook.kube.api_errors import ApiStatusError
from webhook.operator.metrics import OperatorMetrics
from webhook.operator.reports import OWNER_LABEL, REPORT_KINDS, SOURCE, Findings, Owner, ReportKind, report
from webhook.scan.api import PacedApi

_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
_APPLY = (("fieldManager", SOURCE), ("force", "true"))
_DELETION = {"apiVersion": "v1", "kind": "DeleteOptions"}


class ReportWriter:
    """Writes reports of one release.

    Args:
        role: The ClusterRole that grants the right to scan; it owns the reports, so that they go with it.
        metrics: Told of what was written.
    """

    def __init__(self, role: str, metrics: OperatorMetrics) -> None:
        self._role = role
        self._metrics = metrics
        self._kinds: list[ReportKind] = []
        self._owner: Owner | None = None
        self._written: set[tuple[ReportKind, str]] = set()
        self._listed: set[ReportKind] = set()

    async def begin(self, api: PacedApi) -> None:
        """Finds out which formats the cluster has, who owns reports, and, the first time, which are there.

        Args:
            api: The cluster.

        Raises:
            ApiError: It cannot be read, or the owner is not there.
        """
        self._kinds = [kind for kind in REPORT_KINDS if await _is_served(kind, api)]
        role = await api.get(f"{_ROLES}/{self._role}")
        self._owner = Owner(self._role, role["metadata"]["uid"])
        for kind in self._kinds:
            if kind not in self._listed:
                async for page in api.pages(f"/apis/{kind.version}/{kind.plural}", f"{OWNER_LABEL}={self._role}"):
                    self._written.update((kind, obj["metadata"]["namespace"]) for obj in page)
                self._listed.add(kind)

    async def write(self, findings: Findings, api: PacedApi) -> None:
        """Writes the report of a namespace, unless it says the same already.

        Args:
            findings: What was found there.
            api: The cluster.

        Raises:
            ApiError: It cannot be written.
        """
        if not self._kinds or self._owner is None or not findings.workloads:
            return
        kind, namespace = self._kinds[0], findings.place.namespace
        path = kind.path(namespace, self._role)
        old = await api.find(path)
        body = report(kind, self._owner, findings, old, int(time.time()))
        if body is not None:
            await api.send("APPLY", path, body, _APPLY)
            self._metrics.report_writes.labels("applied").inc()
        self._written.add((kind, namespace))

    async def end(self, reported: Iterable[str], api: PacedApi) -> None:
        """Deletes the reports of which nothing is left to report, and those of the other format.

        Args:
            reported: The namespaces that have workloads to report on.
            api: The cluster.

        Raises:
            ApiError: One cannot be deleted.
        """
        wanted = {(kind, namespace) for kind in self._kinds[:1] for namespace in reported}
        for kind, namespace in sorted(self._written - wanted):
            if kind in self._kinds:
                await self._delete(kind.path(namespace, self._role), api)
            self._written.discard((kind, namespace))

    async def _delete(self, path: str, api: PacedApi) -> None:
        try:
            await api.send("DELETE", path, _DELETION)
        except ApiStatusError as error:
            # It went with its namespace.
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            self._metrics.report_writes.labels("deleted").inc()


async def _is_served(kind: ReportKind, api: PacedApi) -> bool:
    found = await api.find(f"/apis/{kind.version}")
    return found is not None and any(entry.get("name") == kind.plural for entry in found.get("resources") or ())
