"""Which object a workload's pods are made from, and where its images stand in there.

Most workloads hold their pods themselves. A Rollout may name another object (`workloadRef`), and a request to scale
shows none at all; what must be read for those is in `pod_finder.py`.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from webhook.admission.review import Kind, PodSpec, Review, Workload

SCALE = "scale"
"""The sub-resource by which `kubectl scale`, HPA and KEDA set the number of pods."""


class WorkloadKind(NamedTuple):
    """What the gate knows of a kind.

    Attributes:
        group: Its API group; empty for the core API.
        version: The version in which it is read.
        plural: Its name in URLs.
        pods: The path of the pod spec in the object.
        scales: Whether it has the sub-resource `scale`.
    """

    group: str
    version: str
    plural: str
    pods: str = "spec.template.spec"
    scales: bool = False


KINDS: Mapping[str, WorkloadKind] = {
    "Deployment": WorkloadKind("apps", "v1", "deployments", scales=True),
    "StatefulSet": WorkloadKind("apps", "v1", "statefulsets", scales=True),
    "DaemonSet": WorkloadKind("apps", "v1", "daemonsets"),
    "ReplicaSet": WorkloadKind("apps", "v1", "replicasets", scales=True),
    "Rollout": WorkloadKind("argoproj.io", "v1alpha1", "rollouts", scales=True),
    "Job": WorkloadKind("batch", "v1", "jobs"),
    "CronJob": WorkloadKind("batch", "v1", "cronjobs", "spec.jobTemplate.spec.template.spec"),
    "Pod": WorkloadKind("", "v1", "pods", "spec"),
    "PodTemplate": WorkloadKind("", "v1", "podtemplates", "template.spec"),
}
_SCALED = {(known.group, known.plural): kind for kind, known in KINDS.items() if known.scales}


class WorkloadNotReadableError(Exception):
    """The object holds no list of images that the gate can read; the text says why."""


class ContainerUse(NamedTuple):
    """Where an image stands.

    Attributes:
        name: The container's or volume's name.
        field: The path of the reference, for example `spec.template.spec.containers[0].image`.
    """

    name: str
    field: str


class PodSource(NamedTuple):
    """The object that a workload's pods are made from.

    Attributes:
        kind: Its kind, a key of `KINDS`.
        workload: The object; None if it cannot be read.
        origin: `Deployment/cart` if it was read from the API server; empty if the review brought it.
    """

    kind: str
    workload: Workload | None
    origin: str = ""

    @property
    def spec(self) -> PodSpec | None:
        """The pod spec; None if there is none that can be read, or if the object takes its pods from another."""
        if self.workload is None:
            return None
        if self.kind == "PodTemplate":
            return self.workload.template.spec if self.workload.template is not None else None
        spec = self.workload.spec
        if spec is None or self.kind == "Pod":
            return spec
        if spec.workload_ref is not None:
            # The pods come from the object that it names, whatever stands in a template beside it.
            return None
        if self.kind == "CronJob":
            job = spec.job_template.spec if spec.job_template is not None else None
            template = job.template if job is not None else None
        else:
            template = spec.template
        return template.spec if template is not None else None

    def references(self) -> Iterator[tuple[str, ContainerUse]]:
        """Finds every image reference.

        Yields:
            The text, empty where there is none, and where it stands. Places in another object than the review's
            begin with its name.

        Raises:
            WorkloadNotReadableError: There is no readable pod template.
        """
        spec = self.spec
        if spec is None:
            raise WorkloadNotReadableError(f"the {self.kind} has no readable pod template")
        for text, name, place in _images(spec):
            field = f"{KINDS[self.kind].pods}.{place}"
            if self.origin:
                yield text, ContainerUse(f"{name} of {self.origin}", f"{self.origin}: {field}")
            else:
                yield text, ContainerUse(name, field)


def require_workload(kind: Kind, kinds: tuple[str, ...]) -> None:
    """Checks that a kind is one that the gate evaluates.

    Args:
        kind: The kind.
        kinds: Workload kinds that are switched on.

    Raises:
        WorkloadNotReadableError: It is unknown, or switched off.
    """
    known = KINDS.get(kind.kind)
    if known is None or known.group != kind.group:
        raise WorkloadNotReadableError(
            f"{kind.kind or 'an object without kind'} is no workload that the gate can read"
        )
    if kind.kind not in kinds:
        raise WorkloadNotReadableError(f"{kind.kind} is not in the gate's configured workloads")


def workload_kind(review: Review) -> Kind:
    """Tells which kind of workload a request is about.

    Args:
        review: The request.

    Returns:
        The object's kind; of a request to scale, the kind of what is scaled, if the gate knows it.
    """
    if review.sub_resource != SCALE:
        return review.kind
    kind = _SCALED.get((review.resource.group, review.resource.resource))
    if kind is None:
        return review.kind
    return Kind(group=review.resource.group, version=review.resource.version, kind=kind)


def _images(spec: PodSpec) -> Iterator[tuple[str, str, str]]:
    lists = (
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
        ("ephemeralContainers", spec.ephemeral_containers),
    )
    for field, containers in lists:
        for index, container in enumerate(containers or ()):
            yield container.image or "", container.name, f"{field}[{index}].image"
    for index, volume in enumerate(spec.volumes or ()):
        if volume.image is not None:
            yield volume.image.reference or "", volume.name, f"volumes[{index}].image.reference"
