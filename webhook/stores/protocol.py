"""What every store can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from webhook.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Candidate:
    """Bytes that claim to be evidence about an image.

    Attributes:
        raw: A DSSE envelope or a Sigstore bundle, UTF-8 JSON.
        digest: `sha256:` and 64 hexadecimal digits over `raw`, computed by the store from the bytes.
        uri: Where they lie, for people (`directory:cart.json`, `cluster:executionevidences/cart-staging`).
    """

    raw: bytes
    digest: str
    uri: str


class EvidenceStore(Protocol):
    """A place where envelopes lie.

    Attributes:
        name: The store's name in messages and metrics, for example `cluster`.
    """

    name: str

    async def start(self) -> None:
        """Begins to follow the place; returns once the first full reading is done or has failed.

        A failure is not raised: it shows in `find` as `UnavailableError` until the store recovers by itself.
        """

    async def stop(self) -> None:
        """Stops following, and frees what was held."""

    async def find(self, image_digest: str, repository: str | None) -> Sequence[Candidate]:
        """Finds what claims to be evidence about an image.

        Args:
            image_digest: `sha256:` and 64 hexadecimal digits.
            repository: The image's host and path, or None.

        Returns:
            At most `LIMITS.candidates` candidates in a stable order; empty means that there is none.

        Raises:
            UnavailableError: Nothing was found, and the place could not be read completely, so absence is not known.
        """

    def gap(self) -> UnavailableError | None:
        """Says what the store cannot see at present.

        Returns:
            The trouble, or None if what `find` gives is all that there is. With a gap, what was found still counts,
            but what it lacks may lie in the gap.
        """
