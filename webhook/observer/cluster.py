"""Reads from the API server what runs in the watched namespaces."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webhook.kube.api_errors import ApiError
from webhook.observer.running import Place, Run, Unattributed, Window, runs_of
from webhook.observer.settings import ObserverFile
from webhook.scan.api import PacedApi

NAMESPACES = "/api/v1/namespaces"

LAG = timedelta(seconds=60)
"""What is not looked at yet: a status is some seconds behind its node, and profiles behind both."""

_CONTAINERS = 50_000


@dataclass(slots=True)
class Seen:
    """What the API server says.

    Attributes:
        runs: Containers whose image is known.
        unattributed: Containers whose image is not.
        troubles: What could not be read, one clause each.
    """

    runs: list[Run] = field(default_factory=list)
    unattributed: list[Unattributed] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def window_until(now: datetime, length: timedelta) -> Window:
    """Says what an observation looks at.

    Args:
        now: Taken before the pods are read.
        length: Of the window.

    Returns:
        The window; its end is far enough behind for the pods' status to hold for all of it.
    """
    return Window(now - LAG - length, now - LAG)


async def read_cluster(api: PacedApi, file: ObserverFile, window: Window) -> Seen:
    """Reads the pods of all watched namespaces.

    Args:
        api: The cluster.
        file: Says which namespaces.
        window: What is looked at.

    Returns:
        What ran, in the order of namespace, pod and container.

    Raises:
        ApiError: The namespaces cannot be listed.
    """
    seen = Seen()
    for place in await _places(api, file, seen):
        try:
            await _read_pods(api, place, window, seen)
        except ApiError as error:
            seen.troubles.append(f"the pods of namespace {place.namespace} cannot be listed: {error.detail}")
        if len(seen.runs) > _CONTAINERS:
            seen.troubles.append(f"more than {_CONTAINERS} containers run there; the rest is not looked at")
            break
    return seen


async def _read_pods(api: PacedApi, place: Place, window: Window, seen: Seen) -> None:
    # A list that began anew names pods twice.
    found: dict[tuple[str, str], Run | Unattributed] = {}
    async for page in api.pages(f"{NAMESPACES}/{place.namespace}/pods"):
        for pod in page:
            for run in runs_of(pod, place, window):
                found.setdefault((run.pod, run.container), run)
    for _, run in sorted(found.items()):
        if isinstance(run, Run):
            seen.runs.append(run)
        else:
            seen.unattributed.append(run)


async def _places(api: PacedApi, file: ObserverFile, seen: Seen) -> list[Place]:
    found = {}
    async for namespace in _namespaces(api, file, seen):
        metadata = namespace["metadata"]
        label = (metadata.get("labels") or {}).get(file.environment_label) or ""
        name = metadata["name"]
        environment = next((one for one in file.environments if one.casefold() == label.casefold()), None)
        if environment is not None and name not in file.excluded_namespaces:
            found[name] = Place(name, environment)
        elif environment is None and file.namespaces is not None:
            seen.troubles.append(f"namespace {name} is not labelled as one of {', '.join(file.environments)}")
    if not found and not seen.troubles:
        wanted = f"{file.environment_label} that is one of {', '.join(file.environments)}"
        seen.troubles.append(f"no namespace that is not excluded has a label {wanted}")
    return [found[name] for name in sorted(found)]


async def _namespaces(api: PacedApi, file: ObserverFile, seen: Seen) -> AsyncIterator[Mapping[str, Any]]:
    if file.namespaces is None:
        async for page in api.pages(NAMESPACES, file.environment_label):
            for namespace in page:
                yield namespace
        return
    for name in sorted(set(file.namespaces)):
        try:
            found = await api.find(f"{NAMESPACES}/{name}")
        except ApiError as error:
            seen.troubles.append(f"namespace {name} cannot be read: {error.detail}")
            continue
        if found is None:
            seen.troubles.append(f"there is no namespace {name}")
        else:
            yield found
