"""A chain of entries: each names the digest of the one before, so none can go, change or move unseen.

The digest of an entry is that of its head. The head has the digest of what the line carries, so it speaks for the
whole line, and a record's own digest depends on no chain: a replay elsewhere comes to the same one.
"""

import base64
from typing import NamedTuple

from webhook.attest.signing.key import SigningKey
from webhook.model.canonical import sha256_digest
from webhook.records.entry import Entry
from webhook.trust.dsse import pre_authentication_encoding

ENTRY_TYPE = "application/vnd.stella.ops.log-entry+json"
"""What a signature is bound to (DSSE's PAE): no signature over an entry can serve as one over an attestation."""


class Place(NamedTuple):
    """Where a chain has got to.

    Attributes:
        sequence: Of the next entry if nothing is lost before it.
        previous: The digest of the last entry; None before the first.
    """

    sequence: int = 0
    previous: str | None = None


class Chain:
    """Gives entries their place.

    Attributes:
        instance: Names the chain: random, and the same for all entries of one process in one sink.
    """

    def __init__(self, instance: str, key: SigningKey | None = None) -> None:
        """Begins a chain.

        Args:
            instance: ASCII letters, digits, `-`.
            key: Signs each entry; None for no signatures.
        """
        self.instance = instance
        self._key = key

    def link(self, entry: Entry, place: Place, lost: int) -> tuple[bytes, Place]:
        """Writes the line of an entry.

        Args:
            entry: What it says.
            place: Where the chain has got to; the caller goes on from the new place once the line is taken.
            lost: Entries before this one that are in no line.

        Returns:
            The line, one JSON object without line break, and the place after it.
        """
        sequence = place.sequence + lost
        previous = "null" if place.previous is None else f'"{place.previous}"'
        chain = f'{{"instance":"{self.instance}","lost":{lost},"previous":{previous},"sequence":{sequence}}}'
        head = b'{"chain":%b,%b}' % (chain.encode("ascii"), entry.head)
        digest = sha256_digest(head)
        signature = b"" if self._key is None else b',"signature":' + _signature(head, self._key)
        content = b"" if entry.name is None else b',"%b":%b' % (entry.name.encode("ascii"), entry.content)
        line = b'%b,"entry":"%b"%b%b}' % (head[:-1], digest.encode("ascii"), signature, content)
        return line, Place(sequence + 1, digest)


def signed_bytes(head: bytes) -> bytes:
    """Gives what a signature over an entry covers.

    Args:
        head: The entry's head, canonical JSON.

    Returns:
        The pre-authentication encoding.
    """
    return pre_authentication_encoding(ENTRY_TYPE, head)


def _signature(head: bytes, key: SigningKey) -> bytes:
    value = base64.b64encode(key.sign(signed_bytes(head)))
    return b'{"keyid":"%b","sig":"%b"}' % (key.public.key_id.encode("ascii"), value)
