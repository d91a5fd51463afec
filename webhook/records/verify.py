"""Whether a record log is whole: nothing removed, changed, moved or put in, chain by chain."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from webhook.limits import LIMITS
from webhook.records.chain import signed_bytes
from webhook.records.reading import ChangedError, ReadEntry, read_entry
from webhook.trust.keys import PublicKey


class _Seen:
    """Entries of all chains that were in their place, the newest; by digest, which covers chain and number."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._digests: set[str] = set()

    def __contains__(self, digest: str) -> bool:
        return digest in self._digests

    def add(self, digest: str) -> None:
        self._order.append(digest)
        self._digests.add(digest)
        if len(self._order) > LIMITS.record_duplicates:
            self._digests.remove(self._order.popleft())


@dataclass(slots=True)
class ChainReport:
    """What is known of one chain.

    Attributes:
        instance: Its name.
        first: Sequence of the first entry that was read.
        entries: Entries that are in their place.
        lost: Entries that the process itself says it could not write.
        repeated: Entries that came again as they were, as at-least-once delivery allows.
        closed: Whether its closing entry was read.
        problem: The first thing that is wrong; None for nothing.
    """

    instance: str
    first: int
    entries: int = 0
    lost: int = 0
    repeated: int = 0
    closed: bool = False
    problem: str | None = None
    _next: int = 0
    _previous: str | None = None

    @property
    def last(self) -> int:
        """Sequence of the last entry that is in its place."""
        return self._next - 1

    def take(self, entry: ReadEntry, where: str) -> bool:
        """Holds the next entry against those before it.

        Args:
            entry: Agrees with itself, its signature is checked, and it is no repetition.
            where: File and line, for the problem.

        Returns:
            Whether it is in its place.
        """
        if self.problem is None:
            self.problem = self._misplaced(entry, where)
        if self.problem is None:
            self._append(entry)
        return self.problem is None

    def _misplaced(self, entry: ReadEntry, where: str) -> str | None:
        number = entry.sequence
        if self.closed:
            return f"{where}: entry {number} stands behind the closing entry"
        if self.entries == 0:
            consistent = (entry.previous is None) == (number == entry.lost)
            return None if consistent else f"{where}: entry {number} is no beginning"
        if number < self._next:
            return f"{where}: entry {number} is moved or put in: entry {self._next} is due"
        begins = number - entry.lost
        if begins > self._next:
            return f"{where}: {_entries(self._next, begins - 1)} removed or moved: entry {number} follows"
        if begins < self._next or entry.previous != self._previous:
            return f"{where}: entry {number} does not follow the one before it: one of them was changed or put in"
        return None

    def _append(self, entry: ReadEntry) -> None:
        self.entries += 1
        self.lost += entry.lost
        self.closed = entry.closing
        self._next, self._previous = entry.sequence + 1, entry.digest

    def missing(self) -> str | None:
        """Tells which end is not there.

        Returns:
            A sentence, or None if it begins with its first entry and ends with its closing one.
        """
        if self.first > 0:
            return f"{_entries(0, self.first - 1)} not here"
        return None if self.closed else "no closing entry: it is still written, was killed, or its end was removed"


class LogVerifier:
    """Verifies a log line by line.

    Attributes:
        chains: By instance, in the order in which they appeared.
        others: Lines that are no entries.
        problem: The first thing that is wrong with no chain in particular.
    """

    def __init__(self, keys: Sequence[PublicKey] = ()) -> None:
        """Begins.

        Args:
            keys: Any one of them must have signed each entry; empty checks no signatures.
        """
        self.chains: dict[str, ChainReport] = {}
        self.others = 0
        self.problem: str | None = None
        self._keys = tuple(keys)
        self._seen = _Seen()

    def take(self, line: bytes, where: str) -> None:
        """Reads the next line.

        Args:
            line: One line; empty, without even an end, for one that was too long to be read.
            where: File and line, for messages.
        """
        try:
            entry = read_entry(line)
            if entry is not None:
                self._check_signature(entry)
        except ChangedError as error:
            self.problem = self.problem or f"{where}: {error}"
            return
        if entry is None:
            self.others += 1
            return
        chain = self.chains.get(entry.instance)
        if chain is None:
            if len(self.chains) >= LIMITS.record_instances:
                self.problem = self.problem or f"{where}: more than {LIMITS.record_instances} chains"
                return
            chain = self.chains[entry.instance] = ChainReport(entry.instance, entry.sequence - entry.lost)
        if entry.digest in self._seen:
            chain.repeated += 1
        elif chain.take(entry, where):
            self._seen.add(entry.digest)

    def _check_signature(self, entry: ReadEntry) -> None:
        if not self._keys:
            return
        if entry.signature is None:
            raise ChangedError("it is not signed")
        message = signed_bytes(entry.head)
        if not any(key.verifies(entry.signature, message) for key in self._keys):
            raise ChangedError("it is signed by none of the keys")

    def whole(self, *, partial: bool) -> bool:
        """Says whether the log is whole.

        Args:
            partial: Whether a chain may lack its beginning or its end.

        Returns:
            False also for a log without any entry: nothing is no proof.
        """
        if self.problem is not None or not self.chains:
            return False
        chains = self.chains.values()
        return all(chain.problem is None and (partial or chain.missing() is None) for chain in chains)


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
