"""Which images a review brings, and which of them are new.

Only what the old object did not already run is evaluated, so that scaling, labels and rollbacks of unrelated
parts never meet the gate; and everything is evaluated wherever that cannot be known.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from webhook.admission.review import Kind, PodSpec, Review, Workload, WorkloadSpec, pod_template_changed
from webhook.errors import ImageReferenceError
from webhook.limits import LIMITS
from webhook.model.evidence import PullIdentity
from webhook.model.image import ImageReference

_GROUPS = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "Rollout": "argoproj.io",
    "Job": "batch",
    "CronJob": "batch",
    "Pod": "",
}
_TEMPLATE_PATHS = {"CronJob": "spec.jobTemplate.spec.template.spec", "Pod": "spec"}
_TEMPLATE_PATH = "spec.template.spec"


class ContainerUse(NamedTuple):
    """Where an image stands in the object.

    Attributes:
        name: The container's or volume's name.
        field: The path of the reference, for example `spec.template.spec.containers[0].image`.
    """

    name: str
    field: str


class WorkloadImage(NamedTuple):
    """One image reference of a workload.

    Attributes:
        text: The reference as it is written; empty if there is none.
        reference: The parsed reference, or None if no runtime would accept it.
        problem: Why it could not be parsed; empty if it could.
        uses: Every place where it stands.
    """

    text: str
    reference: ImageReference | None
    problem: str
    uses: tuple[ContainerUse, ...]


class WorkloadNotReadableError(Exception):
    """The object holds no list of images that the gate can read; the text says why."""


def new_images(review: Review, body: bytes, kinds: tuple[str, ...]) -> list[WorkloadImage]:
    """Finds the images that have to be evaluated.

    Args:
        review: The request.
        body: The bytes that it was decoded from.
        kinds: Workload kinds that are switched on.

    Returns:
        Images in the order in which the object names them; empty if the change brings none.

    Raises:
        WorkloadNotReadableError: The kind is unknown or switched off, or the object has no readable images.
    """
    if review.operation == "DELETE" or review.sub_resource == "status":
        return []
    _require_known_kind(review.kind, kinds)
    if _keeps_its_reference(review):
        return []
    images = _images(review.object, review.kind.kind)
    if review.operation != "UPDATE":
        return images
    old = _running(review)
    if not old:
        return images
    template_changed: bool | None = None
    new = []
    for image in images:
        if image.reference is not None and image.reference.digest is not None:
            unchanged = _identity(image) in old
        else:
            if template_changed is None:
                template_changed = pod_template_changed(body)
            unchanged = not template_changed and image.text in old
        if not unchanged:
            new.append(image)
    return new


def pull_identity(review: Review) -> PullIdentity | None:
    """Tells whose pull secrets the node will use.

    Args:
        review: The request.

    Returns:
        The identity of the workload's pods; None if the object has no readable pod template.
    """
    spec = _pod_spec(review.object, review.kind.kind)
    if spec is None:
        return None
    # `serviceAccount` is the deprecated name; the API server takes it where the other is missing.
    account = spec.service_account_name or spec.service_account or "default"
    names = tuple(entry.name for entry in spec.image_pull_secrets or () if entry.name)
    return PullIdentity(review.namespace, account, names)


def _require_known_kind(kind: Kind, kinds: tuple[str, ...]) -> None:
    if _GROUPS.get(kind.kind) != kind.group:
        raise WorkloadNotReadableError(
            f"{kind.kind or 'an object without kind'} is no workload that the gate can read"
        )
    if kind.kind not in kinds:
        raise WorkloadNotReadableError(f"{kind.kind} is not in the gate's configured workloads")


def _keeps_its_reference(review: Review) -> bool:
    """True for an update of a workload that goes on taking its pods from the same other object.

    Such a workload holds no images to read; but whoever removes its finalizer, or its controller that notes
    something, must not be held up by that.
    """
    new = review.object.spec if review.object is not None else None
    old = review.old_object.spec if review.old_object is not None else None
    if review.operation != "UPDATE" or new is None or old is None or new.workload_ref is None:
        return False
    same = new.workload_ref == old.workload_ref and new.template == old.template
    return same and not _scaled_up(old, new)


def _scaled_up(old: WorkloadSpec, new: WorkloadSpec | None) -> bool:
    return old.replicas == 0 and (new is None or new.replicas != 0)


def _running(review: Review) -> set[str]:
    """Gives what the old object already runs; nothing if that cannot be read or it ran no pod."""
    old = review.old_object
    if old is None or review.object is None or old.spec is None:
        return set()
    if _scaled_up(old.spec, review.object.spec):
        return set()
    try:
        images = _images(old, review.kind.kind)
    except WorkloadNotReadableError:
        return set()
    return {_identity(image) for image in images}


def _identity(image: WorkloadImage) -> str:
    """Tells images apart as a node does: a digest alone decides, a tag beside it is decoration."""
    reference = image.reference
    if reference is None or reference.digest is None:
        return image.text
    return f"{reference.repository}@{reference.digest}"


def _images(workload: Workload | None, kind: str) -> list[WorkloadImage]:
    spec = _pod_spec(workload, kind)
    if spec is None:
        raise WorkloadNotReadableError(f"the {kind} has no readable pod template")
    uses: dict[str, list[ContainerUse]] = {}
    for index, (text, use) in enumerate(_references(spec, _TEMPLATE_PATHS.get(kind, _TEMPLATE_PATH))):
        if index >= LIMITS.containers:
            raise WorkloadNotReadableError(f"the {kind} has more than {LIMITS.containers} containers")
        uses.setdefault(text, []).append(use)
    if not uses:
        raise WorkloadNotReadableError(f"the {kind} has no containers")
    # A text that is too long for a reference is cut, so that it fills no record. Two that are equal up to there
    # count as the same only while the pod template is equal too, and then they are.
    limit = LIMITS.reference_characters
    return [WorkloadImage(text[:limit], *_reference(text), tuple(places)) for text, places in uses.items()]


def _pod_spec(workload: Workload | None, kind: str) -> PodSpec | None:
    spec = workload.spec if workload is not None else None
    if spec is None or kind == "Pod":
        return spec
    if spec.workload_ref is not None:
        # The pods come from the object that it names, whatever stands in a template beside it.
        return None
    if kind == "CronJob":
        job = spec.job_template.spec if spec.job_template is not None else None
        template = job.template if job is not None else None
    else:
        template = spec.template
    return template.spec if template is not None else None


def _references(spec: PodSpec, path: str) -> Iterator[tuple[str, ContainerUse]]:
    lists = (
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
        ("ephemeralContainers", spec.ephemeral_containers),
    )
    for field, containers in lists:
        for index, container in enumerate(containers or ()):
            yield container.image or "", ContainerUse(container.name, f"{path}.{field}[{index}].image")
    for index, volume in enumerate(spec.volumes or ()):
        if volume.image is not None:
            field = f"{path}.volumes[{index}].image.reference"
            yield volume.image.reference or "", ContainerUse(volume.name, field)


def _reference(text: str) -> tuple[ImageReference | None, str]:
    # What is too long to be a reference is also too long to be remembered.
    return _parse(text) if len(text) <= LIMITS.reference_characters else _parse.__wrapped__(text)


@lru_cache(maxsize=2048)
def _parse(text: str) -> tuple[ImageReference | None, str]:
    try:
        return ImageReference.parse(text), ""
    except ImageReferenceError as error:
        return None, str(error)
