"""Which images a review brings, and which of them are new.

Only what the old object did not already run is evaluated, so that scaling, labels and rollbacks of unrelated
parts never meet the gate; and everything is evaluated wherever that cannot be known.
"""

from functools import lru_cache
from typing import NamedTuple

from webhook.admission.pod_finder import scaled_up
from webhook.admission.pods import ContainerUse, PodSource, WorkloadNotReadableError
from webhook.admission.review import Review, pod_template_changed
from webhook.errors import ImageReferenceError
from webhook.limits import LIMITS
from webhook.model.evidence import PullIdentity
from webhook.model.image import ImageReference


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


def new_images(review: Review, body: bytes, source: PodSource) -> list[WorkloadImage]:
    """Finds the images that have to be evaluated.

    Args:
        review: The request.
        body: The bytes that it was decoded from.
        source: The object that the pods are made from.

    Returns:
        Images in the order in which that object names them; empty if the change brings none.

    Raises:
        WorkloadNotReadableError: The object has no readable images.
    """
    images = _images(source)
    if review.operation != "UPDATE":
        return images
    old = _running(review)
    if not old:
        return images
    # Another object's template is new to this workload, even if a tag in it is not.
    template_changed: bool | None = True if source.origin else None
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


def pull_identity(source: PodSource, namespace: str) -> PullIdentity | None:
    """Tells whose pull secrets the node will use.

    Args:
        source: The object that the pods are made from.
        namespace: Where the pods will be.

    Returns:
        The identity of the workload's pods; None if the object has no readable pod template.
    """
    spec = source.spec
    if spec is None:
        return None
    # `serviceAccount` is the deprecated name; the API server takes it where the other is missing.
    account = spec.service_account_name or spec.service_account or "default"
    names = tuple(entry.name for entry in spec.image_pull_secrets or () if entry.name)
    return PullIdentity(namespace, account, names)


def _running(review: Review) -> set[str]:
    """Gives what the old object already runs; nothing if that cannot be read or it ran no pod.

    Nor if it took its pods from another object: what that one says now is not what it said then.
    """
    old = review.old_object
    if old is None or review.object is None:
        return set()
    if old.spec is not None and scaled_up(old.spec, review.object.spec):
        return set()
    try:
        images = _images(PodSource(review.kind.kind, old))
    except WorkloadNotReadableError:
        return set()
    return {_identity(image) for image in images}


def _identity(image: WorkloadImage) -> str:
    """Tells images apart as a node does: a digest alone decides, a tag beside it is decoration."""
    reference = image.reference
    if reference is None or reference.digest is None:
        return image.text
    return f"{reference.repository}@{reference.digest}"


def _images(source: PodSource) -> list[WorkloadImage]:
    uses: dict[str, list[ContainerUse]] = {}
    for index, (text, use) in enumerate(source.references()):
        if index >= LIMITS.containers:
            raise WorkloadNotReadableError(f"the {source.kind} has more than {LIMITS.containers} containers")
        uses.setdefault(text, []).append(use)
    if not uses:
        raise WorkloadNotReadableError(f"the {source.kind} has no containers")
    # A text that is too long for a reference is cut, so that it fills no record. Two that are equal up to there
    # count as the same only while the pod template is equal too, and then they are.
    limit = LIMITS.reference_characters
    return [WorkloadImage(text[:limit], *read_reference(text), tuple(places)) for text, places in uses.items()]


def read_reference(text: str) -> tuple[ImageReference | None, str]:
    """Reads an image reference.

    Args:
        text: The reference as it is written.

    Returns:
        The reference, or None and why no runtime would accept it.
    """
    # What is too long to be a reference is also too long to be remembered.
    return _parse(text) if len(text) <= LIMITS.reference_characters else _parse.__wrapped__(text)


@lru_cache(maxsize=2048)
def _parse(text: str) -> tuple[ImageReference | None, str]:
    try:
        return ImageReference.parse(text), ""
    except ImageReferenceError as error:
        return None, str(error)
