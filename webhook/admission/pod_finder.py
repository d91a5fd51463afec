"""Reading the object that a workload's pods are made from, where the review does not bring it.

A Rollout with `workloadRef` takes its pods from a Deployment, a ReplicaSet or a PodTemplate, and a request to scale
shows no pods at all. That object is read once, within the review's deadline, and never remembered: it may change at
any time. What cannot be read is unavailable, and never a pass.
Source: argo-rollouts 1.10, rollout/templateref.go.
"""

import asyncio
import re
import time
from typing import Any, Protocol

from pydantic import ValidationError

from webhook.admission.pods import KINDS, SCALE, PodSource, WorkloadNotReadableError, require_workload, workload_kind
from webhook.admission.review import Review, Workload, WorkloadSpec
from webhook.errors import UnavailableError
from webhook.limits import LIMITS

REFERENCED = ("Deployment", "ReplicaSet", "PodTemplate")
"""Kinds that a Rollout can take its pods from."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_SEPARATORS = (b",", b"[", b"{")


class ObjectReader(Protocol):
    """Reads single objects of the cluster."""

    async def read(self, path: str) -> bytes:
        """Reads an object.

        Args:
            path: The path of its URL.

        Returns:
            JSON, at most `LIMITS.object_bytes`.

        Raises:
            UnavailableError: It does not exist or cannot be read; the text says which, and does not name it.
        """


class PodFinder:
    """Finds the object that a workload's pods are made from."""

    def __init__(self, kinds: tuple[str, ...], reader: ObjectReader | None, *, scale_up: bool) -> None:
        """Binds the finder to its snapshot of the settings.

        Args:
            kinds: Workload kinds that are switched on.
            reader: Reads the cluster; None where there is none.
            scale_up: Whether the sub-resource `scale` is evaluated.
        """
        self._kinds = kinds
        self._reader = reader
        self._scale_up = scale_up

    async def find(self, review: Review, deadline: float) -> PodSource | None:
        """Finds the object that holds the images of a review.

        Args:
            review: The request.
            deadline: When an answer must stand, on `time.monotonic`'s scale, seconds.

        Returns:
            The object; None if the request brings no image, whatever that object holds.

        Raises:
            WorkloadNotReadableError: The kind is unknown or switched off, or the object cannot be understood.
            UnavailableError: The object cannot be read.
        """
        if review.operation == "DELETE" or review.sub_resource == "status":
            return None
        if review.sub_resource == SCALE:
            kind = self._scaled_kind(review)
            if not _starts_the_first_pods(review):
                return None
            source = await self._read(kind, review.namespace, review.name, deadline)
        else:
            require_workload(review.kind, self._kinds)
            if keeps_its_reference(review):
                return None
            source = PodSource(review.kind.kind, review.object)
        spec = source.workload.spec if source.workload is not None else None
        if source.kind != "Rollout" or spec is None or spec.workload_ref is None:
            return source
        kind, name = self._referenced(spec.workload_ref)
        return await self._read(kind, review.namespace, name, deadline)

    def _scaled_kind(self, review: Review) -> str:
        if not self._scale_up:
            raise WorkloadNotReadableError("a Scale shows no image, and evaluateScaleUp is off")
        kind = workload_kind(review)
        require_workload(kind, self._kinds)
        return kind.kind

    def _referenced(self, reference: Any) -> tuple[str, str]:
        """Reads a `workloadRef`.

        What is named there must be of a kind that is evaluated itself: else it could be changed afterwards, and what
        was evaluated here would not be what runs.
        """
        members = reference if isinstance(reference, dict) else {}
        kind, name, version = (members.get(key) for key in ("kind", "name", "apiVersion"))
        if not isinstance(kind, str) or kind not in REFERENCED or not isinstance(version, str):
            raise WorkloadNotReadableError("the Rollout's workloadRef names nothing that pods can be made from")
        group = version.rpartition("/")[0]
        if group != KINDS[kind].group:
            raise WorkloadNotReadableError("the Rollout's workloadRef names nothing that pods can be made from")
        if kind not in self._kinds:
            raise WorkloadNotReadableError(
                f"the Rollout takes its pods from a {kind}, which is not in the gate's configured workloads"
            )
        return kind, name if isinstance(name, str) else ""

    async def _read(self, kind: str, namespace: str, name: str, deadline: float) -> PodSource:
        if not _NAME.fullmatch(name) or not _NAME.fullmatch(namespace):
            # Anything else could lead to another path of the API, and no object is called so.
            raise WorkloadNotReadableError(f"the {kind} that pods are made from has a name that no object can have")
        origin = f"{kind}/{name}"
        try:
            content = await self._content(_path(kind, namespace, name), deadline)
        except UnavailableError as error:
            problem = f"the pods are made from {origin}, which cannot be read: {error.detail}"
            raise UnavailableError(problem) from None
        return PodSource(kind, _parse(content, origin), origin)

    async def _content(self, path: str, deadline: float) -> bytes:
        if self._reader is None:
            raise UnavailableError("there is no cluster to read it from")
        timer = asyncio.timeout(deadline - time.monotonic())
        try:
            async with timer:
                return await self._reader.read(path)
        except TimeoutError:
            if not timer.expired():
                raise  # As in the decider: a bug to be told, not a deadline.
            raise UnavailableError("no answer from the API server within the deadline") from None


def keeps_its_reference(review: Review) -> bool:
    """Tells whether an update leaves a workload with the object that it already took its pods from.

    That object's own changes are evaluated when they are made. A template beside the reference says nothing.

    Args:
        review: The request.

    Returns:
        True if it does, and does not start the first pods.
    """
    new = review.object.spec if review.object is not None else None
    old = review.old_object.spec if review.old_object is not None else None
    if review.operation != "UPDATE" or review.kind.kind != "Rollout" or new is None or old is None:
        return False
    if new.workload_ref is None:
        return False
    return _named(new.workload_ref) == _named(old.workload_ref) and not scaled_up(old, new)


def scaled_up(old: WorkloadSpec, new: WorkloadSpec | None) -> bool:
    """Tells whether an update starts the first pods of a workload.

    Args:
        old: The `spec` before it.
        new: The `spec` after it.

    Returns:
        True if there were to be none, and now there are; a number that is left out means one.
    """
    return old.replicas == 0 and (new is None or new.replicas != 0)


def _named(reference: Any) -> Any:
    """Leaves out of a `workloadRef` how far the object's own pods are to be scaled down."""
    if not isinstance(reference, dict):
        return reference
    return [reference.get(member) for member in ("apiVersion", "kind", "name")]


def _starts_the_first_pods(review: Review) -> bool:
    """Tells whether a Scale goes from none to some; of a Scale, a number that is left out means none."""
    if review.object is None:
        raise WorkloadNotReadableError("the Scale has no readable number of replicas")
    old = review.old_object
    ran = old is not None and old.spec is not None and bool(old.spec.replicas)
    return not ran and review.object.spec is not None and bool(review.object.spec.replicas)


def _path(kind: str, namespace: str, name: str) -> str:
    known = KINDS[kind]
    base = f"/apis/{known.group}/{known.version}" if known.group else f"/api/{known.version}"
    return f"{base}/namespaces/{namespace}/{known.plural}/{name}"


def _parse(content: bytes, origin: str) -> Workload:
    if sum(map(content.count, _SEPARATORS)) > LIMITS.review_values:
        raise WorkloadNotReadableError(f"{origin} holds too many values")
    try:
        return Workload.model_validate_json(content)
    except ValidationError:
        raise WorkloadNotReadableError(f"{origin} cannot be read as a {origin.partition('/')[0]}") from None
