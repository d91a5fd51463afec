"""Which image ran in which container of a pod, and when (docs/adr/0030). Pure: a pod as JSON in, runs out.

What ran is said by the kubelet, in the pod's status (k8s.io/api/core/v1, `ContainerStatus.imageID`), never by the
pod's spec, which its author wrote.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from typing import Any, NamedTuple

from webhook.errors import ImageReferenceError
from webhook.model.image import ImageReference, is_digest
from webhook.model.timestamp import parse_rfc3339

SETTLING = timedelta(seconds=30)
"""After a start: until then the name may still get what the container before it has sent late."""
SHORTEST = timedelta(seconds=10)
"""A run that is watched for less says nothing."""

_DOCKER = "docker-pullable://"


class Place(NamedTuple):
    """A namespace that is watched.

    Attributes:
        namespace: Its name.
        environment: The value of its label.
    """

    namespace: str
    environment: str


class Window(NamedTuple):
    """A span of time.

    Attributes:
        start: With a zone.
        end: Later than that.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A container that ran one image all the time.

    Attributes:
        place: Where.
        pod: The pod's name.
        container: The container's name.
        alone: Whether the pod has no other container, so that whatever the pod did was this one's doing.
        window: When it ran, as far as it is looked at.
        image: Repository as the pod names it, and the digest that the kubelet says it runs.
        named: The digest that the pod's author wrote, or None; proves nothing by itself.
    """

    place: Place
    pod: str
    container: str
    alone: bool
    window: Window
    image: ImageReference
    named: str | None


@dataclass(frozen=True, slots=True)
class Unattributed:
    """A container whose profiles belong to no image that anybody could name.

    Attributes:
        place: Where.
        pod: The pod's name.
        container: The container's name.
        detail: Why, in one clause.
    """

    place: Place
    pod: str
    container: str
    detail: str


def runs_of(pod: Mapping[str, Any], place: Place, window: Window) -> Iterator[Run | Unattributed]:
    """Reads what a pod ran.

    Containers, and the init containers that stay beside them. A container that has ended counts until its end; what
    ran before its last start does not, since that may have been another image.

    Args:
        pod: The object, as the API server gives it.
        place: Its namespace.
        window: What is looked at.

    Yields:
        Each container that ran in the window for long enough, by its place in the status.
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    images = _images(spec)
    alone = len(images) + len(spec.get("ephemeralContainers") or ()) == 1
    found = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for container in found:
        name = container["name"]
        if name not in images:
            continue
        ran = _ran(container.get("state") or {}, window)
        if ran is None:
            continue
        who = (place, pod["metadata"]["name"], name)
        digest = running_digest(container.get("imageID") or "")
        if digest is None:
            yield Unattributed(*who, "its imageID names no manifest, so nobody knows which image of a registry it is")
            continue
        named = _parse(images[name])
        image = named or _parse((container.get("imageID") or "").removeprefix(_DOCKER))
        if image is None:
            yield Unattributed(*who, "its image has no name")
            continue
        running = ImageReference(image.host, image.path, None, digest)
        yield Run(*who, alone, ran, running, named.digest if named is not None else None)


def running_digest(image_id: str) -> str | None:
    """Reads which manifest a container runs.

    Args:
        image_id: `REPOSITORY@DIGEST` of containerd and CRI-O, the same after `docker-pullable://` of cri-dockerd; or
            an id alone, which is that of the image's configuration.

    Returns:
        `sha256:` and 64 hexadecimal digits; None if there is only the id, which no registry knows.
    """
    _, at, digest = image_id.rpartition("@")
    return digest if at and is_digest(digest) else None


def _images(spec: Mapping[str, Any]) -> dict[str, str]:
    """Gives the containers that stay, with their images; an init container that ends was there before the work."""
    staying = [entry for entry in spec.get("initContainers") or () if entry.get("restartPolicy") == "Always"]
    return {entry["name"]: entry.get("image") or "" for entry in [*staying, *(spec.get("containers") or ())]}


def _ran(state: Mapping[str, Any], window: Window) -> Window | None:
    """Cuts the window to the time in which a container surely ran what its status says."""
    found = state.get("running") or state.get("terminated") or {}
    began, ended = _instant(found.get("startedAt")), _instant(found.get("finishedAt"))
    if began is None or ("terminated" in state and ended is None):
        return None
    start = max(window.start, began + SETTLING)
    end = window.end if ended is None else min(window.end, ended)
    return Window(start, end) if end - start >= SHORTEST else None


def _instant(text: Any) -> datetime | None:
    try:
        instant = parse_rfc3339(text) if isinstance(text, str) else None
    except ValueError:
        return None
    # Nothing can be added to the last year.
    return None if instant is None or instant.year == MAXYEAR else instant


def _parse(text: str) -> ImageReference | None:
    try:
        return ImageReference.parse(text)
    except ImageReferenceError:
        return None
