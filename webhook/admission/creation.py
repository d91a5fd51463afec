"""The review that the API server would send for an object's creation."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from webhook.model.canonical import sha256_digest


class Created(NamedTuple):
    """An object to be created.

    Attributes:
        content: The object.
        kind: Its kind.
        namespace: Where it is created.
        name: Its name or generateName.
    """

    content: Mapping[str, Any]
    kind: str
    namespace: str
    name: str


def creation_review(created: Created) -> bytes:
    """Writes the AdmissionReview that the API server would send for a CREATE.

    Args:
        created: The object.

    Returns:
        UTF-8 JSON. The uid is made from the object, so that the same object gives the same record.
    """
    group, _, version = str(created.content.get("apiVersion", "")).rpartition("/")
    text = json.dumps(created.content, sort_keys=True)
    request = {
        "uid": sha256_digest(text.encode("utf-8")),
        "kind": {"group": group, "version": version, "kind": created.kind},
        "namespace": created.namespace,
        "name": created.name,
        "operation": "CREATE",
        "userInfo": {"username": "preflight"},
        "object": created.content,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return json.dumps(review).encode("utf-8")
