"""Evidence as an ExecutionEvidence resource, from which the gate's cluster store reads it.

The name is made of the image's digest and of the evidence, so the same evidence is the same object, and nothing is
ever replaced. Whoever does this needs the right to create these objects, and to get them where one is there already;
not to change or delete any.
"""

import json
from dataclasses import dataclass
from typing import Any

from webhook.attest.signing.signed import SignedEvidence
from webhook.errors import UnavailableError
from webhook.kube.api_errors import ApiError, ApiStatusError
from webhook.kube.client import KubeClient
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.stores.cluster import COLLECTION

EVIDENCE_CHARACTERS = 1024 * 1024
"""Of the payload in base64, or of a bundle, that the resource's schema takes; etcd holds 1.5 MiB."""

_IMAGE_CHARACTERS, _EVIDENCE_CHARACTERS = 12, 40
_CLAUSES = {
    401: "does not accept who asks (401)",
    403: "does not let this user {} ExecutionEvidence resources (403)",
    404: "knows no ExecutionEvidence resources (404): install the chart, or manifests/crds",
    413: "finds the evidence too large (413)",
    422: "does not take the evidence as an ExecutionEvidence (422): its definition may be of another version",
    429: "limits the rate of requests (429)",
}
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it.

    Attributes:
        name: The object's name.
        created: False if it was there already.
    """

    name: str
    created: bool


async def apply_evidence(client: KubeClient, evidence: SignedEvidence) -> Applied:
    """Puts evidence into the cluster. The resource belongs to no namespace.

    Args:
        client: The cluster.
        evidence: The evidence.

    Returns:
        The object's name, and whether it is new.

    Raises:
        UnavailableError: The cluster does not take it; the detail says why.
    """
    name, spec = resource_name(evidence), _spec(evidence)
    body = {
        "apiVersion": "stella.ops/v1alpha1",
        "kind": "ExecutionEvidence",
        "metadata": {"name": name},
        "spec": spec,
    }
    try:
        await client.send("POST", COLLECTION, body)
    except ApiStatusError as error:
        if error.status != _CONFLICT:
            raise UnavailableError(_detail(error, "create")) from None
    except ApiError as error:
        raise UnavailableError(error.detail) from None
    else:
        return Applied(name, created=True)
    if await _existing(client, name) != spec:
        raise UnavailableError(f"the cluster has another ExecutionEvidence called {name}, which was left as it is")
    return Applied(name, created=False)


def resource_name(evidence: SignedEvidence) -> str:
    """Names the object for evidence.

    Args:
        evidence: The evidence.

    Returns:
        The same for the same bytes: a piece of the first image's digest, and 160 bits of the evidence's.
    """
    image = evidence.digests[0].removeprefix("sha256:")[:_IMAGE_CHARACTERS]
    own = sha256_digest(evidence.envelope or evidence.bundle).removeprefix("sha256:")[:_EVIDENCE_CHARACTERS]
    return f"sha256-{image}-{own}"


def _spec(evidence: SignedEvidence) -> dict[str, Any]:
    if evidence.envelope is None:
        spec: dict[str, Any] = {"bundle": evidence.bundle.decode("utf-8")}
        size = len(spec["bundle"])
    else:
        spec = {"envelope": json.loads(evidence.envelope)}
        size = len(spec["envelope"]["payload"])
    if size > EVIDENCE_CHARACTERS:
        raise UnavailableError(
            f"the evidence is larger than the {EVIDENCE_CHARACTERS} bytes that a resource may hold"
        )
    return spec


async def _existing(client: KubeClient, name: str) -> Any:
    try:
        return (await client.get(f"{COLLECTION}/{name}", (), LIMITS.object_bytes)).get("spec")
    except ApiStatusError as error:
        there = f"an ExecutionEvidence called {name} is there already, but whether it is this one is unknown: "
        raise UnavailableError(there + _detail(error, "get")) from None
    except ApiError as error:
        raise UnavailableError(error.detail) from None


def _detail(error: ApiStatusError, verb: str) -> str:
    clause = _CLAUSES.get(error.status)
    return error.detail if clause is None else f"the API server {clause.format(verb)}"
