"""Keeping an entry in a list at a tag that others write too.

Registries know no compare-and-swap: whoever writes a tag writes over what another has written since it was read. So
an entry is not written, it is kept: read, merge, write, and look again until the list has stood still for a while
with the entry in it. Whatever was seen in the list meanwhile and is gone is put back as well, if what it points at is
still there. What that guarantees, and what not, is in docs/adr/0029-entries-are-kept-not-written.md.
"""

import asyncio
import json
import time
from collections.abc import Mapping

from webhook.errors import MalformedError
from webhook.model.canonical import sha256_digest
from webhook.model.image import is_digest
from webhook.publish.access import Access, Pace, jitter
from webhook.publish.documents import LAYERS, Document, config_of, list_types, new_list, with_config
from webhook.publish.merge import Listed, encoded, entry
from webhook.publish.writer import ConflictError, Tagged
from webhook.stores.registry.transport.failure import RegistryError

_CONFLICT_SECONDS = 0.2
_UNCONDITIONAL_REFUSALS = 3
_SLOW_WRITES = 2
"""How many of our slowest changes, from reading to having written, a list must stand still: others may be as slow."""
_STALE_READS = 3
"""How often what is no longer fresh is read again; then somebody is slow, and our wait will be so too."""


class Keeper:
    """Keeps one entry in one list."""

    def __init__(self, access: Access, tag: str, member: str, pace: Pace) -> None:
        """Asks nothing yet.

        Args:
            access: The repository.
            tag: Where the list lies.
            member: `MANIFESTS` for a list of referrers, `LAYERS` for an attestation manifest.
            pace: How long to look.
        """
        self._access = access
        self._tag = tag
        self._member = member
        self._pace = pace
        self._quiet = pace.quiet
        self._stands: bytes | None = None
        self._since = 0.0
        self._read_at = 0.0
        self._seen: frozenset[str] = frozenset()
        self._alive: set[str] = set()
        self._configs: set[str] = set()
        self._conditional = True
        self._refused: bytes | None = None
        self._refusals = 0
        self._failures = 0
        self._stale = 0

    async def keep(self, descriptor: dict[str, object]) -> int:
        """Sees to it that an entry is in the list.

        Args:
            descriptor: The entry. If one with its digest is there, whatever else it says, there is nothing to do.

        Returns:
            How many entries the list has.

        Raises:
            RegistryError: The list cannot be read or written, or is something else.
        """
        digest, own = str(descriptor["digest"]), entry(descriptor)
        tagged, listed = await self._read()
        if listed.names(digest):
            return len(listed.entries)
        while True:
            wanted = set() if listed.names(digest) else {own}
            wanted |= await self._vanished(listed)
            if not wanted and time.monotonic() - self._since >= self._quiet:
                return len(listed.entries)
            pause = await self._write(tagged, listed.merge(wanted)) if wanted else jitter(self._quiet / 2)
            await asyncio.sleep(pause)
            tagged, listed = await self._read()

    async def _read(self) -> tuple[Tagged | None, Listed]:
        tagged = await self._access.tagged(self._tag)
        self._read_at = time.monotonic()
        raw = None if tagged is None else tagged.raw
        if raw != self._stands:
            self._stands, self._since = raw, self._read_at
        if tagged is None:
            # Somebody has deleted the whole list, which nobody does by mistake.
            self._seen = frozenset()
            return None, new_list(self._member)
        listed = self._parsed(tagged)
        return tagged, listed

    def _parsed(self, tagged: Tagged) -> Listed:
        where = f"the tag {self._tag} in {self._access.repository.name}"
        try:
            listed = Listed.parse(tagged.raw, self._member)
        except MalformedError as error:
            raise RegistryError(f"{where} was left as it is: {error.detail}") from None
        kind = tagged.media_type or json.loads(listed.others).get("mediaType")
        if kind not in list_types(self._member):
            raise RegistryError(f"{where} was left as it is: it is no list of attestations")
        return listed

    async def _vanished(self, listed: Listed) -> set[str]:
        """Finds what was listed before, is not now, and was not deleted."""
        gone = self._seen - listed.entries
        self._seen |= listed.entries
        # Once found, not asked for again until it is written: that takes time, and what was read must be fresh.
        self._alive |= {text for text in gone - self._alive if await self._is_there(text)}
        dead = gone - self._alive
        self._seen -= dead
        return set(gone - dead)

    async def _is_there(self, text: str) -> bool:
        digest = json.loads(text).get("digest")
        if self._member == LAYERS:
            return True
        return isinstance(digest, str) and is_digest(digest) and await self._access.has_manifest(digest)

    async def _write(self, tagged: Tagged | None, merged: Listed) -> float:
        """Writes the list, unless what it was made of may be out of date; says when to look again."""
        raw = await self._prepared(merged)
        if raw is None or self._is_stale():
            return 0.0
        condition = self._condition(tagged)
        kind = (tagged.media_type if tagged else "") or list_types(self._member)[0]
        try:
            await self._access.push_tag(self._tag, Document(raw, kind, condition))
        except ConflictError:
            self._note_refusal(tagged, condition)
            return jitter(_CONFLICT_SECONDS)
        except RegistryError as error:
            # It may have been written or not; whoever looks again will know.
            self._failures += 1
            return self._access.wait_after(error, self._failures - 1)
        self._stands, self._since = raw, time.monotonic()
        self._alive.clear()
        self._quiet = max(self._quiet, _SLOW_WRITES * (self._since - self._read_at))
        return jitter(self._quiet / 2)

    def _is_stale(self) -> bool:
        if self._stale == _STALE_READS or time.monotonic() - self._read_at <= self._pace.fresh:
            self._stale = 0
            return False
        self._stale += 1
        return True

    async def _prepared(self, merged: Listed) -> bytes | None:
        """Makes the document; None if its config had to be pushed first, which took time."""
        document = merged.document()
        fresh = True
        if self._member == LAYERS:
            config = config_of(merged)
            document = with_config(document, config)
            fresh = sha256_digest(config) in self._configs
            if not fresh:
                await self._access.push_blob(config)
                self._configs.add(sha256_digest(config))
        try:
            raw = encoded(document)
        except MalformedError as error:
            raise RegistryError(f"{self._access.repository.name}: {error.detail}", content=True) from None
        return raw if fresh else None

    def _condition(self, tagged: Tagged | None) -> Mapping[str, str]:
        if not self._conditional:
            return {}
        if tagged is None:
            return {"If-None-Match": "*"}
        return {} if tagged.etag is None else {"If-Match": tagged.etag}

    def _note_refusal(self, tagged: Tagged | None, condition: Mapping[str, str]) -> None:
        """Counts refusals that no other writer explains."""
        raw = None if tagged is None else tagged.raw
        if condition and self._refused == (raw or b""):
            # Nothing has changed since, so it is the condition that is not understood.
            self._conditional = False
        self._refused = raw or b""
        self._refusals += not condition
        if self._refusals >= _UNCONDITIONAL_REFUSALS:
            name = self._access.repository.name
            raise RegistryError(f"{name} does not let the tag {self._tag} be written (409, 412): it may be immutable")
