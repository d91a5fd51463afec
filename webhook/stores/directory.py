"""A folder of envelopes: the store for trying out, for tests, and for small sites that mount a volume."""

import asyncio
import logging
import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from webhook.errors import EvidenceError, UnavailableError
from webhook.files import Fingerprint, Watch, fingerprint, read_capped
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.stores.protocol import Candidate, Found, ImageSubject
from webhook.trust.verify import subject_digests

_LOG = logging.getLogger(__name__)


class _Reading(NamedTuple):
    """One reading of the folder, replaced as a whole."""

    by_digest: Mapping[str, Sequence[Candidate]]
    problem: str | None
    no_envelopes: Sequence[str] = ()


class DirectoryStore:
    """Every regular file of a folder, filed under the images that it claims to be about.

    Files whose names begin with a dot are left out, which is also how a mounted ConfigMap hides its bookkeeping.
    Sub-folders are not entered. A file that is no envelope is logged and passed over. A file that cannot be read
    makes absence unknown: `find` then tells of a gap.

    Attributes:
        name: `directory`.
        remote: False: the folder has been read.
    """

    name = "directory"
    remote = False

    def __init__(self, folder: Path) -> None:
        """Prepares the store.

        Args:
            folder: The folder; it may appear later.
        """
        self._folder = folder
        self._reading = _Reading({}, "the folder has not been read yet")
        self._watch = Watch(self._fingerprint, self.refresh)

    @property
    def no_envelopes(self) -> Sequence[str]:
        """Names of files that hold no envelope, so that nobody knows which image they are about."""
        return self._reading.no_envelopes

    async def start(self) -> None:
        """Reads the folder and begins to follow it."""
        await self._watch.start()

    async def stop(self) -> None:
        """Stops following."""
        await self._watch.stop()

    async def refresh(self) -> bool:
        """Reads the folder anew, in a thread.

        Returns:
            False if a part could not be read, so that it is tried again.
        """
        self._reading = await asyncio.to_thread(_read, self._folder)
        return self._reading.problem is None

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:  # noqa: ARG002 - the protocol's
        """Finds what claims to be evidence about an image.

        Args:
            subject: The image; the folder is filed by its digest alone.
            max_age: Not used: the folder is followed.

        Returns:
            At most `LIMITS.candidates`, ordered by file name; with a gap if the folder could not be read completely.
        """
        found = self._reading.by_digest.get(subject.digest, ())
        return Found(tuple(found[: LIMITS.candidates]), self.gap())

    def gap(self) -> UnavailableError | None:
        """Says what could not be read.

        Returns:
            The trouble with the folder or one of its files, or None if all was read.
        """
        problem = self._reading.problem
        return None if problem is None else UnavailableError(f"store directory: {problem}")

    def _fingerprint(self) -> Fingerprint:
        try:
            return fingerprint(_files(self._folder))
        except (OSError, ValueError):
            return fingerprint([self._folder])


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _read(folder: Path) -> _Reading:
    try:
        files = _files(folder)
    except (OSError, ValueError):
        return _Reading({}, "the folder cannot be read")
    if len(files) > LIMITS.directory_files:
        return _Reading({}, f"the folder holds more than {LIMITS.directory_files} files")
    by_digest: dict[str, list[Candidate]] = defaultdict(list)
    problem = None
    no_envelopes: list[str] = []
    room = LIMITS.directory_bytes
    for path in files:
        try:
            found = _candidates(path)
        except OSError:
            problem = "a file cannot be read"
        except (ValueError, EvidenceError):
            no_envelopes.append(_shown(path))
            _LOG.warning("evidence file is no envelope", extra={"file": no_envelopes[-1]})
        else:
            room -= sum(len(candidate.raw) for _, candidate in found[:1])
            if room < 0:
                return _Reading(by_digest, f"the folder holds more than {LIMITS.directory_bytes} bytes", no_envelopes)
            for digest, candidate in found:
                by_digest[digest].append(candidate)
    return _Reading(by_digest, problem, no_envelopes)


def _shown(path: Path) -> str:
    """Gives the file's name as text that can be sent: a name is bytes, and need not be UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _candidates(path: Path) -> list[tuple[str, Candidate]]:
    """Reads a regular file; folders, pipes and devices are left out, a link that leads nowhere is an error."""
    if not stat.S_ISREG(path.stat().st_mode):
        return []
    raw = read_capped(path, LIMITS.envelope_bytes)
    candidate = Candidate(raw, sha256_digest(raw), f"directory:{_shown(path)}")
    return [(digest, candidate) for digest in subject_digests(raw)]
