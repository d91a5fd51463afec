"""Lists in which many people keep what is theirs: read, merged, written. Pure.

An index of referrers keeps them in `manifests`, an attestation manifest in `layers`. Merging is the union of the
entries, each compared as a whole: it keeps everything of both sides, in whatever order and how often it is done. So
writers who know nothing of each other come to the same bytes once each has seen what the others have written.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from webhook.errors import MalformedError
from webhook.limits import LIMITS
from webhook.model.strict_json import parse_json
from webhook.stores.registry.descriptor import check_spelling


@dataclass(frozen=True, slots=True)
class Listed:
    """A list.

    Attributes:
        member: The name of the member that holds it, `manifests` or `layers`.
        others: The document's other members, as JSON text.
        entries: Each entry as JSON text; an entry means nothing here but what its `digest` names.
    """

    member: str
    others: str
    entries: frozenset[str]

    @classmethod
    def parse(cls, raw: bytes, member: str) -> "Listed":
        """Reads a document.

        Args:
            raw: Its bytes; the caller has capped them.
            member: As the attribute.

        Returns:
            The list.

        Raises:
            MalformedError: It holds no such list, or has more than one meaning; so it cannot be written again without
                a loss.
        """
        document = parse_json(raw, "list")
        if not isinstance(document, dict):
            raise MalformedError("the list is no JSON object")
        check_spelling(document)
        # Programs in Go write an empty list as null.
        entries = document.pop(member, None)
        entries = [] if entries is None else entries
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise MalformedError(f"the list's `{member}` is no list of objects")
        return cls(member, _text(document), frozenset(map(_text, entries)))

    @classmethod
    def new(cls, member: str, others: dict[str, Any]) -> "Listed":
        """Begins an empty list.

        Args:
            member: As the attribute.
            others: The document's other members.

        Returns:
            The list.
        """
        return cls(member, _text(others), frozenset())

    def merge(self, entries: Iterable[str]) -> "Listed":
        """Adds entries; those that are there stay.

        Args:
            entries: As the attribute.

        Returns:
            The list with all of them.
        """
        return replace(self, entries=self.entries | frozenset(entries))

    def names(self, digest: str) -> bool:
        """Tells whether an entry is about a digest.

        Args:
            digest: `sha256:` and 64 hexadecimal digits.

        Returns:
            True if there is one.
        """
        return digest in self.digests()

    def digests(self) -> list[str]:
        """Gives what the entries are about.

        Returns:
            Their digests in the order in which they are written; empty for an entry without.
        """
        return [digest for digest, _ in sorted(map(_keyed, self.entries))]

    def document(self) -> dict[str, Any]:
        """Gives the whole.

        Returns:
            The document; its entries in the order of their digests.
        """
        entries = [json.loads(text) for _, text in sorted(map(_keyed, self.entries))]
        return {**json.loads(self.others), self.member: entries}


def entry(descriptor: dict[str, Any]) -> str:
    """Makes an entry.

    Args:
        descriptor: A descriptor as a JSON object.

    Returns:
        Its text, the same for the same object.
    """
    return _text(descriptor)


def encoded(document: dict[str, Any]) -> bytes:
    """Writes a document, the same bytes for the same content.

    Args:
        document: The document.

    Returns:
        UTF-8 JSON.

    Raises:
        MalformedError: It is larger than registries take.
    """
    raw = _text(document).encode("ascii")
    if len(raw) > LIMITS.manifest_bytes:
        raise MalformedError(f"the list would be larger than {LIMITS.manifest_bytes} bytes")
    return raw


def _keyed(text: str) -> tuple[str, str]:
    digest = json.loads(text).get("digest")
    return digest if isinstance(digest, str) else "", text


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
