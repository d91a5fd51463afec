"""AdmissionReviews as the API server writes them, from admission.k8s.io/v1 and each kind's own API."""

import json
from typing import Any

from tests.harness.evidence import REPOSITORY, digest_of, image_of
from tests.harness.workloads import API_VERSIONS
from tests.support.statements import changed

SEEN = image_of("seen")
"""42 hot symbols and 17 call paths, signed by the trusted key."""
ALSO_SEEN = image_of("also seen")
"""The same for another image."""
THIN = image_of("thin")
"""1 hot symbol and 0 call paths, signed by the trusted key."""
STRANGER = image_of("stranger")
"""Sufficient, signed by a key that is not trusted."""
OLD = image_of("old")
"""Sufficient, observed until 1 January 2026."""
ELSEWHERE = image_of("elsewhere")
"""Sufficient, observed in `development`."""
UNREADABLE = image_of("unreadable")
"""Signed by the trusted key, with a predicate that breaks its contract."""
UNSEEN = image_of("unseen")
"""Without evidence."""
ALSO_UNSEEN = image_of("also unseen")
"""Another one without evidence."""
TAGGED = f"{REPOSITORY}:1.0"
"""Named by a tag."""


def elsewhere(name: str, repository: str) -> str:
    """The digest of an image of the tests, in another repository."""
    return f"{repository}@{digest_of(name)}"


def containers(*images: Any) -> list[dict[str, Any]]:
    """Containers `c0`, `c1`, … ; an image that is `ABSENT` is left out."""
    return [changed({"name": f"c{index}"}, {"image": image}) for index, image in enumerate(images)]


def pod(*images: Any, **lists: Any) -> dict[str, Any]:
    """A pod spec with one container an image, and further lists."""
    return changed({"containers": containers(*images)}, lists)


def workload(kind: str, pod_spec: Any, **spec: Any) -> dict[str, Any]:
    """An object of any kind around a pod spec; `metadata` replaces its metadata, all else goes into `spec`."""
    metadata = spec.pop("metadata", {"name": "cart", "uid": "object-uid"})
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": pod_spec}
    match kind:
        case "Pod":
            content: Any = pod_spec
        case "CronJob":
            content = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}
        case "PodTemplate":
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "template": template}
        case _:
            content = {"template": template}
    if isinstance(content, dict):
        content = changed(content, spec)
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, "spec": content}


def deployment(*images: Any, **spec: Any) -> dict[str, Any]:
    """A Deployment with one container an image."""
    return workload("Deployment", pod(*images), **spec)


def kind_of(item: dict[str, Any]) -> dict[str, str]:
    """An object's group, version and kind."""
    group, _, version = item["apiVersion"].rpartition("/")
    return {"group": group, "version": version, "kind": item["kind"]}


def asking(new: Any, old: Any = None, **changes: Any) -> dict[str, Any]:
    """A request about an object: CREATE, or UPDATE if there is an old one."""
    good = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind_of(new or old),
        "name": "cart",
        "namespace": "shop",
        "operation": "CREATE" if old is None else "UPDATE",
        "userInfo": {"username": "ada@example.com", "groups": ["system:authenticated"]},
        "object": new,
        "oldObject": old,
        "dryRun": False,
    }
    return changed(good, changes)


def review(new: Any, old: Any = None, **changes: Any) -> bytes:
    """The body of an AdmissionReview."""
    return body_of(asking(new, old, **changes))


def body_of(content: Any, **changes: Any) -> bytes:
    """The body around a request."""
    good = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": content}
    return json.dumps(changed(good, changes)).encode()
