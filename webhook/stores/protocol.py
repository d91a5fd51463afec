"""What every store can do."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from webhook.errors import UnavailableError
from webhook.model.basis import Platform
from webhook.model.evidence import PullIdentity


class ImageSubject(NamedTuple):
    """The image that evidence is sought for.

    Attributes:
        digest: `sha256:` and 64 hexadecimal digits.
        repository: The image's host and path, or None if it is not known.
        pull: Whose pull secrets may be used to look; None for nobody's.
    """

    digest: str
    repository: str | None
    pull: PullIdentity | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Bytes that claim to be evidence about an image.

    Attributes:
        raw: A DSSE envelope or a Sigstore bundle, UTF-8 JSON.
        digest: `sha256:` and 64 hexadecimal digits over `raw`, computed by the store from the bytes.
        uri: Where they lie, for people (`directory:cart.json`, `cluster:executionevidences/cart-staging`).
        platform: Set if it was found on a platform's manifest of the index that was asked for: the statement must
            then be about that manifest. None if it must be about the very digest that was asked for.
    """

    raw: bytes
    digest: str
    uri: str
    platform: Platform | None = None


class Found(NamedTuple):
    """A store's answer.

    Attributes:
        candidates: At most `LIMITS.candidates`, in a stable order.
        gap: What could not be read; None if the candidates are all that there is. With a gap they still count, but
            what they lack may lie in the gap, so absence is not known.
        platforms: Platforms of the index that must all have evidence of their own where the index's does not
            suffice; empty if evidence about any of them does.
        remark: Where there is no candidate: one clause that says why, such as that the repository is not looked at.
        fingerprint: Set instead of candidates where the store holds no more of what it found than this
            (`stores.fingerprint`). Whoever needs the candidates asks again, with a `max_age` of 0.
    """

    candidates: tuple[Candidate, ...]
    gap: UnavailableError | None = None
    platforms: tuple[Platform, ...] = ()
    remark: str | None = None
    fingerprint: bytes | None = None


class EvidenceStore(Protocol):
    """A place where envelopes lie.

    Attributes:
        name: The store's name in messages and metrics, for example `cluster`.
        remote: True if an answer may take a request; such a store is asked when those at hand do not suffice.
    """

    name: str
    remote: bool

    async def start(self) -> None:
        """Begins to follow the place; returns once the first full reading is done or has failed.

        A failure is not raised: it shows as a gap until the store recovers by itself.
        """

    async def stop(self) -> None:
        """Stops following, and frees what was held."""

    async def find(self, subject: ImageSubject, max_age: float | None = None) -> Found:
        """Finds what claims to be evidence about an image.

        Args:
            subject: The image.
            max_age: Seconds; nothing that was fetched longer ago may be used for the answer. A store that follows
                its place has nothing that is old. By default the store decides. With 0 it gives the candidates.

        Returns:
            The candidates. A failure is a gap, never an exception.
        """

    def gap(self) -> UnavailableError | None:
        """Says what the store as a whole cannot see at present, whatever image is asked for.

        Returns:
            The trouble, or None. A store that fetches for each image knows of none.
        """


class TagResolver(Protocol):
    """Tells which image a tag points to."""

    async def resolve(self, repository: str, tag: str, pull: PullIdentity | None) -> str | None:
        """Resolves a tag.

        Args:
            repository: Host and path.
            tag: The tag.
            pull: Whose pull secrets may be used; None for nobody's.

        Returns:
            `sha256:` and 64 hexadecimal digits, computed from the manifest's bytes; None if there is no such tag.

        Raises:
            UnavailableError: The registry cannot be asked.
        """
