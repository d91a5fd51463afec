"""The cluster store: ExecutionEvidence resources, followed by one reflector and indexed in memory.

A look-up is a dictionary access; no request is made while an admission waits.

What is not known is not absent. Until the first list has been read, there is nothing but a gap. When the API server
has not been heard for `STALE_SECONDS`, candidates that are known are still given, for evidence that was signed stays
signed; but there is a gap, since a better one may have been created in the meantime. A candidate that was deleted in
the meantime is given too: whoever wants a statement to stop counting removes its key from the trust policy or lets
`MaxEvidenceAge` pass, neither of which needs the API server.
"""

import bisect
import logging
import weakref
from dataclasses import dataclass
from typing import Any

from webhook.errors import EvidenceError, MalformedError, UnavailableError
from webhook.kube.client import KubeClient
from webhook.kube.reflector import DEFAULT_PACE, Reflector, ReflectorPace
from webhook.limits import LIMITS
from webhook.model.canonical import canonical_json, sha256_digest
from webhook.stores.protocol import Candidate, Found, ImageSubject
from webhook.trust.verify import subject_digests

COLLECTION = "/apis/stella.ops/v1alpha1/executionevidences"

STALE_SECONDS = 60.0
"""How old the last proof of being in step may be when absence is claimed. The reflector's watches end every 45 s
and are cut after 55 s, so a quiet cluster stays below this and a silent connection does not."""

INDEX_BYTES = 128 * 1024 * 1024
"""What the index may hold, as `_Entry.weight` counts it: 40,000 usual statements. Whoever may create objects could
otherwise fill the webhook's memory through etcd's 8 GiB."""

_ENTRY_WEIGHT = 768  # Measured: 700 bytes for names, times and the dictionary's slot.
_SUBJECT_WEIGHT = 320  # Measured: 290 bytes for a digest's text, its key and its list.
_ROOM_AGAIN = 0.9

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object: what it says it is about, or nothing if it cannot be read."""

    uid: str
    generation: int
    created: str
    candidate: Candidate | None
    digests: frozenset[str]

    @property
    def weight(self) -> int:
        raw = len(self.candidate.raw) if self.candidate else 0
        return raw + _ENTRY_WEIGHT + _SUBJECT_WEIGHT * len(self.digests)


def _age(entry: _Entry) -> tuple[str, str]:
    # Both are the API server's: RFC 3339 in UTC sorts as text, and a uid breaks ties within a second by chance.
    return entry.created, entry.uid


class EvidenceIndex:
    """Candidates by image digest; the state that the reflector keeps.

    Args:
        previous: The index that this one will replace; its readings of unchanged objects are used again.
        capacity: Bytes that it may hold.

    Attributes:
        unreadable: Objects that hold no evidence in a form that the gate reads.
    """

    def __init__(self, previous: "EvidenceIndex | None" = None, capacity: int = INDEX_BYTES) -> None:
        # Weak: once this index has replaced the other, nothing may keep what was deleted.
        self._previous = None if previous is None else weakref.ref(previous)
        self._capacity = capacity
        self._entries: dict[str, _Entry] = {}
        self._by_digest: dict[str, list[_Entry]] = {}
        self._weight = 0
        self._overflowed = False
        self.unreadable = 0

    @property
    def objects(self) -> int:
        """Objects that are known, readable or not."""
        return len(self._entries)

    @property
    def complete(self) -> bool:
        """False if objects were left out because the index is full."""
        return not self._overflowed

    @property
    def wants_list(self) -> bool:
        """True if objects were left out and there is room again."""
        return self._overflowed and self._weight < self._capacity * _ROOM_AGAIN

    def put(self, obj: dict[str, Any]) -> None:
        """Takes an ExecutionEvidence; one of the same name is replaced.

        Args:
            obj: The object as JSON.
        """
        metadata = obj["metadata"]
        name, uid, generation = metadata["name"], metadata["uid"], metadata.get("generation", 0)
        entry = self.reading(name)
        # The generation moves with the spec alone, so what writes the status costs no new reading.
        if entry is None or (entry.uid, entry.generation) != (uid, generation):
            entry = _read(name, obj)
        self._drop(name)
        if self._weight + entry.weight > self._capacity:
            self._overflow()
            return
        self._keep(name, entry)

    def remove(self, obj: dict[str, Any]) -> None:
        """Drops an ExecutionEvidence.

        Args:
            obj: The object as JSON.
        """
        self._drop(obj["metadata"]["name"])

    def find(self, image_digest: str) -> list[Candidate]:
        """Finds what claims to be about an image.

        Args:
            image_digest: `sha256:` and 64 hexadecimal digits.

        Returns:
            Oldest first. Of more than `LIMITS.candidates`, the older half of that many and the newer half.
        """
        entries = self._by_digest.get(image_digest, [])
        if len(entries) > LIMITS.candidates:
            half = LIMITS.candidates // 2
            entries = entries[:half] + entries[-half:]
        return [entry.candidate for entry in entries if entry.candidate is not None]

    def reading(self, name: str) -> "_Entry | None":
        """Gives what is known of an object, from this index or the one that it replaces.

        Args:
            name: The object's name.

        Returns:
            The reading, or None.
        """
        previous = self._previous() if self._previous else None
        return self._entries.get(name) or (previous.reading(name) if previous else None)

    def _keep(self, name: str, entry: _Entry) -> None:
        self._entries[name] = entry
        self._weight += entry.weight
        self.unreadable += entry.candidate is None
        for digest in entry.digests:
            bisect.insort(self._by_digest.setdefault(digest, []), entry, key=_age)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        self._weight -= entry.weight
        self.unreadable -= entry.candidate is None
        for digest in entry.digests:
            entries = self._by_digest[digest]
            del entries[bisect.bisect_left(entries, _age(entry), key=_age)]
            if not entries:
                del self._by_digest[digest]

    def _overflow(self) -> None:
        if not self._overflowed:
            _LOG.error("cluster store is full; absence of evidence is unknown", extra={"capacity": self._capacity})
        self._overflowed = True


class ClusterStore:
    """ExecutionEvidence resources as a store (`stores.protocol.EvidenceStore`).

    The order of candidates is the order of creation, oldest first, by the API server's own clock. When more than
    `LIMITS.candidates` claim the same digest, the older half of that many and the newer half are given. So nobody
    who may create objects can push out evidence that was among the first, however many are added later, and an
    image that is attested anew each day is still found by its newest. What crowds out all others has to be there
    both before and after them; it can cause a denial, never a pass.

    Args:
        client: The Kubernetes client.
        pace: Sizes and times of the reflector.

    Attributes:
        name: `cluster`.
        remote: False: the resources are followed.
    """

    name = "cluster"
    remote = False

    def __init__(self, client: KubeClient, pace: ReflectorPace = DEFAULT_PACE) -> None:
        self._reflector: Reflector[EvidenceIndex] = Reflector(client, COLLECTION, EvidenceIndex, pace)

    @property
    def objects(self) -> int:
        """ExecutionEvidence objects that are known."""
        return self._reflector.state.objects if self._reflector.state else 0

    @property
    def unreadable(self) -> int:
        """Known objects that hold no evidence in a form that the gate reads."""
        return self._reflector.state.unreadable if self._reflector.state else 0

    @property
    def unheard_seconds(self) -> float:
        """Seconds since the last proof of being in step with the API server."""
        return self._reflector.unheard_seconds

    async def start(self) -> None:
        """Begins to follow the resources; returns once the first list has been read or has failed."""
        await self._reflector.start()

    async def stop(self) -> None:
        """Stops following, and frees the index."""
        await self._reflector.stop()

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:  # noqa: ARG002 - the protocol's
        """Finds what claims to be evidence about an image.

        Args:
            subject: The image; a resource names digests, and nothing else of it matters.
            max_age: Not used: the resources are followed.

        Returns:
            At most `LIMITS.candidates`, in the order that the class describes; with a gap if there may be more.
        """
        index = self._reflector.state
        if index is None:
            reason = self._reflector.failure or "the first list has not been read"
            return Found((), UnavailableError(f"the cluster store cannot be read: {reason}"))
        return Found(tuple(index.find(subject.digest)), self.gap())

    def gap(self) -> UnavailableError | None:
        """Says what the store cannot see at present.

        Returns:
            That nothing was read, the API server was not heard, or the index is full; None if the index is all that
            there is.
        """
        if self._reflector.state is None:
            return UnavailableError("the cluster store has not been read")
        if self._reflector.unheard_seconds > STALE_SECONDS:
            # Without the number: a text that changes each second makes a new Event each second.
            return UnavailableError(f"the cluster store has not heard from the API server for {STALE_SECONDS:.0f} s")
        if not self._reflector.state.complete:
            return UnavailableError("the cluster store is full, and what did not fit is unknown")
        return None


def _read(name: str, obj: dict[str, Any]) -> _Entry:
    metadata = obj["metadata"]
    identity = metadata["uid"], metadata.get("generation", 0), metadata.get("creationTimestamp") or ""
    try:
        raw = evidence_bytes(obj.get("spec"))
        digests = subject_digests(raw)
        if not digests:
            raise MalformedError("the statement names no sha256 digest")
    except EvidenceError as error:
        _LOG.warning(
            "ExecutionEvidence cannot be read",
            extra={"object": name, "reason": error.reason.value, "detail": error.detail},
        )
        return _Entry(*identity, None, frozenset())
    return _Entry(*identity, Candidate(raw, sha256_digest(raw), f"cluster:executionevidences/{name}"), digests)


def evidence_bytes(spec: Any) -> bytes:
    """Gives the evidence of an ExecutionEvidence object.

    Args:
        spec: The object's `spec`.

    Returns:
        A bundle as it was written, an envelope as canonical JSON of its members.

    Raises:
        MalformedError: The spec holds neither, or both, or what JSON evidence cannot.
    """
    envelope, bundle = (spec.get("envelope"), spec.get("bundle")) if isinstance(spec, dict) else (None, None)
    if isinstance(envelope, dict) == isinstance(bundle, str):
        raise MalformedError("the spec holds neither an envelope nor a bundle, or both")
    try:
        return bundle.encode() if isinstance(bundle, str) else canonical_json(envelope)
    except (TypeError, ValueError, RecursionError):
        raise MalformedError("the spec holds what JSON evidence cannot") from None
