"""Reading an AdmissionReview: only what the gate looks at, straight from the bytes.

Narrow models, because full Kubernetes objects cost ten times as much and keep the garbage collector busy. The
bytes come from the API server's encoder, in which a member name stands once and numbers are finite. Of a
hand-made body with a name twice the last one counts, as everywhere in Kubernetes, and what stands in members that
the gate does not read changes nothing: whoever sends such a body deceives nobody but himself.
Source: admission.k8s.io/v1 (k8s.io/api/admission/v1/types.go).
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from webhook.errors import ReviewError
from webhook.limits import LIMITS

_LIST_LENGTH = 8 * LIMITS.containers


class _Narrow(BaseModel):
    """Base: camelCase, strict types, whatever else the object holds stays unread."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


class Container(_Narrow):
    """A container of any list."""

    name: str = ""
    image: str | None = None


_T = TypeVar("_T")
_Bounded = Annotated[list[_T], Field(max_length=_LIST_LENGTH)] | None
"""A list that may be null or left out. Longer than this, it makes the object unreadable, and nothing is admitted."""


class ImageVolume(_Narrow):
    """The `image` source of a volume (KEP-4639)."""

    reference: str | None = None


class Volume(_Narrow):
    """A volume; only image volumes matter."""

    name: str = ""
    image: ImageVolume | None = None


class PullSecret(_Narrow):
    """An entry of `imagePullSecrets`."""

    name: str = ""


class PodSpec(_Narrow):
    """Everything in a pod that names an image, or whose credentials pull it."""

    containers: _Bounded[Container] = None
    init_containers: _Bounded[Container] = None
    ephemeral_containers: _Bounded[Container] = None
    volumes: _Bounded[Volume] = None
    service_account_name: str | None = None
    service_account: str | None = None
    image_pull_secrets: _Bounded[PullSecret] = None


class PodTemplate(_Narrow):
    """A pod template."""

    spec: PodSpec | None = None


class _JobSpec(_Narrow):
    template: PodTemplate | None = None


class _JobTemplate(_Narrow):
    spec: _JobSpec | None = None


class WorkloadSpec(PodSpec):
    """The `spec` of any workload kind; a Pod's own spec is a pod spec."""

    replicas: int | None = None
    template: PodTemplate | None = None
    job_template: _JobTemplate | None = None
    workload_ref: Any = None


class Metadata(_Narrow):
    """Identity of an object."""

    name: str = ""
    generate_name: str = ""
    uid: str = ""


class Workload(_Narrow):
    """An object that may hold images."""

    api_version: str = ""
    metadata: Metadata = Field(default_factory=Metadata)
    spec: WorkloadSpec | None = None
    template: PodTemplate | None = None
    """Of a PodTemplate, which has no `spec`."""


class Kind(_Narrow):
    """A group, version and kind."""

    group: str = ""
    version: str = ""
    kind: str = ""


class Resource(_Narrow):
    """A resource as URLs name it."""

    group: str = ""
    version: str = ""
    resource: str = ""


class UserInfo(_Narrow):
    """Who made the request."""

    username: str = ""


class _Head(_Narrow):
    """What an AdmissionRequest says apart from its objects."""

    uid: Annotated[str, Field(min_length=1, max_length=128)]
    kind: Kind
    resource: Resource = Field(default_factory=Resource)
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    user_info: UserInfo = Field(default_factory=UserInfo)
    dry_run: bool | None = None


class Review(_Head):
    """An AdmissionRequest whose objects could be read, or are None where they could not.

    A None is never a reason to admit: without a new object nothing is known, without an old one everything is new.
    """

    object: Workload | None = None
    old_object: Workload | None = None

    @property
    def object_name(self) -> str:
        """The object's name, or what its name will be made from; empty if neither is known."""
        metadata = self.object.metadata if self.object is not None else None
        return self.name or ((metadata.name or metadata.generate_name) if metadata is not None else "")


class _AdmissionReview(_Narrow):
    api_version: Literal["admission.k8s.io/v1"]
    kind: Literal["AdmissionReview"]
    request: Review


class _UnreadObjects(_Head):
    object: Any = None
    old_object: Any = None


class _UnreadReview(_AdmissionReview):
    request: _UnreadObjects  # type: ignore[assignment]  # the same request with its objects left unread


def decode_review(body: bytes) -> Review:
    """Reads a request body.

    Args:
        body: UTF-8 JSON, at most `LIMITS.review_bytes`.

    Returns:
        The request.

    Raises:
        ReviewError: The body is no AdmissionReview of admission.k8s.io/v1. The text is ours.
    """
    if len(body) > LIMITS.review_bytes:
        raise ReviewError("the body is too large")
    if len(body) > LIMITS.review_values and sum(map(body.count, (b",", b"[", b"{"))) > LIMITS.review_values:
        # 8 MiB of `{},` are three million objects; a small body cannot hold enough of them to matter.
        raise ReviewError("the body holds too many values")
    try:
        return _AdmissionReview.model_validate_json(body).request
    except ValidationError:
        return _decode_part_by_part(body)


def pod_template_changed(body: bytes) -> bool:
    """Tells whether an update touches the pod template at all.

    Asked only for images named by tag: a changed template makes new pods, and those pull the tag again. A second
    reading of the body, so that the common case need not build the templates.

    Args:
        body: The request's body, which `decode_review` has read.

    Returns:
        True if old and new template differ, or if either cannot be found.
    """
    request = from_json(body)["request"]
    new, old = (_template(request.get(name)) for name in ("object", "oldObject"))
    return new is None or new != old


def _template(item: Any) -> Any:
    if not isinstance(item, dict):
        return None
    spec = item.get("spec")
    if not isinstance(spec, dict):
        # A PodTemplate has no `spec`.
        return item.get("template")
    # A Pod has no template: its whole spec is what runs.
    return spec.get("template") or spec.get("jobTemplate") or spec


def _decode_part_by_part(body: bytes) -> Review:
    """Keeps what is readable when an object is not: a strange object must still be judged, not just refused."""
    try:
        unread = _UnreadReview.model_validate_json(body).request
    except ValidationError:
        raise ReviewError("the body is no AdmissionReview of admission.k8s.io/v1") from None
    head = {name: getattr(unread, name) for name in _Head.model_fields}
    return Review.model_construct(
        **head, object=_workload_or_none(unread.object), old_object=_workload_or_none(unread.old_object)
    )


def _workload_or_none(item: Any) -> Workload | None:
    try:
        return Workload.model_validate(item)
    except ValidationError:
        return None
