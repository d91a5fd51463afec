"""The API server's and kubectl's part: the review that a `kubectl create` causes, and what its author reads.

Sources: k8s.io/api/admission/v1 for the review; k8s.io/apiserver pkg/admission/plugin/webhook/errors/statuserror.go
for the words around a denial; kubectl for the words around those.
"""

import http.client
import json
import ssl
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from demo.manifests import read_manifest

_RESOURCE = {"group": "apps", "version": "v1", "resource": "deployments"}
_KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """What the webhook answered.

    Attributes:
        allowed: Whether the object is admitted.
        reason: The reason codes, as the audit log gets them.
        record: The digest of the decision's record.
        warnings: What kubectl prints before its result.
        message: Why it was denied; empty if it was admitted.
        status: The status' reason, for example `Forbidden`; empty if it was admitted.
    """

    allowed: bool
    reason: str
    record: str
    warnings: tuple[str, ...]
    message: str
    status: str

    @property
    def outcome(self) -> str:
        """`admitted`, `admitted with a warning` or `denied`."""
        if not self.allowed:
            return "denied"
        return "admitted with a warning" if self.warnings else "admitted"


def ask(url: str, environment: str, manifest: str, ca_file: Path) -> Answer:
    """Sends the review of a Deployment's creation, as the API server does.

    Args:
        url: Where the webhook listens.
        environment: The environment of the namespace.
        manifest: The example's file name.
        ca_file: Who must have signed the webhook's certificate.

    Returns:
        The answer.

    Raises:
        OSError: No connection, or a certificate that does not verify.
        http.client.HTTPException: No answer to this review.
    """
    review = admission_review(read_manifest(manifest), environment)
    address = urlsplit(url)
    tls = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection(
        str(address.hostname), address.port, timeout=_TIMEOUT_SECONDS, context=tls
    )
    try:
        path = f"/admit/{environment}?timeout={_TIMEOUT_SECONDS}s"
        headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
        connection.request("POST", path, json.dumps(review), headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"HTTP {answer.status}")
    return _read(json.loads(body), review["request"]["uid"])


def admission_review(item: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Writes the AdmissionReview of a Deployment's creation.

    Args:
        item: The Deployment.
        namespace: Where it is created.

    Returns:
        The AdmissionReview.
    """
    item = item | {"metadata": {**item["metadata"], "namespace": namespace, "uid": str(uuid.uuid4())}}
    request = {
        "uid": str(uuid.uuid4()),
        "kind": _KIND,
        "resource": _RESOURCE,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "name": item["metadata"]["name"],
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "ada@example.com", "groups": ["shop", "system:authenticated"]},
        "object": item,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-create"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def kubectl_lines(answer: Answer, environment: str, manifest: str) -> list[str]:
    """Writes what `kubectl create -f MANIFEST` prints.

    Args:
        answer: The webhook's answer.
        environment: The environment, which names the webhook.
        manifest: The file's name.

    Returns:
        The lines.
    """
    if answer.allowed:
        name = read_manifest(manifest)["metadata"]["name"]
        return [*(f"Warning: {text}" for text in answer.warnings), f"deployment.apps/{name} created"]
    webhook = f"{environment}.execution-evidence.stella.ops"
    text = (
        f'Error from server ({answer.status}): error when creating "{manifest}": '
        f'admission webhook "{webhook}" denied the request: {answer.message}'
    )
    return [line.rstrip() for line in text.split("\n")]


def _read(review: dict[str, Any], uid: str) -> Answer:
    response = review["response"]
    if response["uid"] != uid:
        raise http.client.HTTPException("the answer is to another review")
    status = response.get("status", {})
    return Answer(
        allowed=response["allowed"],
        reason=response["auditAnnotations"]["reasons"],
        record=response["auditAnnotations"]["decision"],
        warnings=tuple(response.get("warnings", ())),
        message=status.get("message", ""),
        status=status.get("reason", ""),
    )
