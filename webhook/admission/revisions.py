"""A workload's own history: the ReplicaSets that it controls, and which image each of them has.

Only the API server sets a ReplicaSet's `creationTimestamp` and its owner's uid. Everything else in it can be written
by whoever may write ReplicaSets in the namespace; docs/adr/0021 says why that opens nothing.
Source: apps/v1 ReplicaSet; Kubernetes API concepts, "Retrieving large results sets in chunks".
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from webhook.admission.decision import Revision
from webhook.admission.images import read_reference
from webhook.admission.pods import PodSource, WorkloadNotReadableError
from webhook.admission.review import Metadata, Workload
from webhook.errors import UnavailableError
from webhook.limits import LIMITS
from webhook.model.timestamp import parse_rfc3339, unix_millis

_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,314}[A-Za-z0-9])?")
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_SELECTOR_CHARACTERS = 2048
_SEPARATORS = (b",", b"[", b"{")

Query = Sequence[tuple[str, str]]


class RevisionReader(Protocol):
    """Lists the ReplicaSets of a namespace."""

    async def replica_sets(self, namespace: str, query: Query) -> bytes:
        """Reads one page.

        Args:
            namespace: The namespace.
            query: The URL's query.

        Returns:
            A ReplicaSetList, at most `LIMITS.object_bytes`.

        Raises:
            UnavailableError: It cannot be read.
        """


class Owner(NamedTuple):
    """The workload whose history is read.

    Attributes:
        namespace: Its namespace.
        uid: Its uid, from the object that the API server holds.
        selector: The labels of its pods as a query; empty to look at the whole namespace.
    """

    namespace: str
    uid: str
    selector: str


class _Reference(Metadata):
    controller: bool | None = None


class _Owned(Metadata):
    creation_timestamp: str = ""
    owner_references: Annotated[list[_Reference], Field(max_length=64)] | None = None


class _ReplicaSet(Workload):
    metadata: _Owned


class _PageMetadata(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    token: str = Field("", alias="continue")


class _Page(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    metadata: _PageMetadata = Field(default_factory=_PageMetadata)
    items: Annotated[list[_ReplicaSet], Field(max_length=LIMITS.revision_page)] | None = None


class History:
    """What the ReplicaSets of a workload had, as read for one review."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._images: dict[Revision, frozenset[tuple[str, str]]] = {}

    def add(self, revision: Revision, images: frozenset[tuple[str, str]]) -> None:
        """Adds a ReplicaSet.

        Args:
            revision: The ReplicaSet.
            images: Repository and digest of each image that it names by digest.
        """
        self._images[revision] = images

    def of(self, repository: str, digest: str) -> list[Revision]:
        """Finds the ReplicaSets that had an image.

        Args:
            repository: Host and path.
            digest: The image's digest.

        Returns:
            The newest first; at most `LIMITS.revisions`.
        """
        had = [revision for revision, images in self._images.items() if (repository, digest) in images]
        return sorted(had, key=lambda revision: (-revision.created, revision.uid))[: LIMITS.revisions]


def owner_of(uid: str, namespace: str, body: bytes) -> Owner | None:
    """Finds out whose history to read.

    Args:
        uid: The workload's, from the old object.
        namespace: Of the request.
        body: The review's bytes, which `decode_review` has read.

    Returns:
        The owner; None if there is none that could have a history.
    """
    if not uid or not _NAMESPACE.fullmatch(namespace):
        return None
    return Owner(namespace, uid, _selector(from_json(body)["request"].get("oldObject")))


async def read_history(reader: RevisionReader, owner: Owner) -> History:
    """Reads the history.

    Args:
        reader: Reads the cluster.
        owner: Whose.

    Returns:
        The history, as far as `LIMITS.revision_pages` go: what lies behind can admit nothing.

    Raises:
        UnavailableError: It cannot be read.
    """
    history = History()
    query = [("limit", str(LIMITS.revision_page))]
    if owner.selector:
        query.append(("labelSelector", owner.selector))
    token: list[tuple[str, str]] = []
    for _ in range(LIMITS.revision_pages):
        page = _parse(await reader.replica_sets(owner.namespace, [*query, *token]))
        for item in page.items or ():
            if _is_controlled(item, owner.uid):
                history.add(_revision(item), frozenset(_images(item)))
        if not page.metadata.token:
            break
        token = [("continue", page.metadata.token)]
    return history


def _is_controlled(item: _ReplicaSet, uid: str) -> bool:
    references = item.metadata.owner_references or ()
    return any(reference.uid == uid and reference.controller is True for reference in references)


def _parse(content: bytes) -> _Page:
    if sum(map(content.count, _SEPARATORS)) > LIMITS.review_values:
        raise UnavailableError("the list holds too many values")
    try:
        return _Page.model_validate_json(content)
    except ValidationError:
        raise UnavailableError("the API server sent no list of ReplicaSets") from None


def _revision(item: _ReplicaSet) -> Revision:
    try:
        created = unix_millis(parse_rfc3339(item.metadata.creation_timestamp))
    except ValueError:
        raise UnavailableError("a ReplicaSet does not say when it was made") from None
    return Revision(item.metadata.name, item.metadata.uid, created)


def _images(item: _ReplicaSet) -> Iterator[tuple[str, str]]:
    """Gives what is named by digest; where a tag pointed then, nobody knows."""
    try:
        for text, _ in PodSource("ReplicaSet", item).references():
            reference, _ = read_reference(text)
            if reference is not None and reference.digest is not None:
                yield reference.repository, reference.digest
    except WorkloadNotReadableError:
        return


def _selector(item: Any) -> str:
    """Writes the query by which a workload finds its pods. It only spares work: the owner's uid decides.

    A Scale brings the query; of a workload's selector the plain labels are taken.
    """
    members = item if isinstance(item, dict) else {}
    spec, status = (part if isinstance(part, dict) else {} for part in (members.get("spec"), members.get("status")))
    selector = spec.get("selector")
    if isinstance(selector, dict):
        labels = selector.get("matchLabels")
        pairs = labels.items() if isinstance(labels, dict) else ()
        query: Any = ",".join([f"{key}={value}" for key, value in pairs if _is_label(key, value)])
    else:
        query = status.get("selector")
    return query if isinstance(query, str) and len(query) <= _SELECTOR_CHARACTERS else ""


def _is_label(key: str, value: Any) -> bool:
    return _LABEL.fullmatch(key) is not None and isinstance(value, str) and _VALUE.fullmatch(value) is not None
