"""A Sigstore's trusted root: whose certificates, logs and timestamps are believed, and in which time.

sigstore-python believes a key or an authority before and after the time for which the root names it. Here a bundle is
verified by what the root names for the time of the bundle, so that a key can be given up by ending its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from webhook.errors import UntrustedError
from webhook.model.canonical import sha256_digest
from webhook.model.strict_json import parse_json
from webhook.trust.extra import load_sigstore

if TYPE_CHECKING:
    from sigstore.verify import Verifier
    from sigstore_models.common.v1 import TimeRange
    from sigstore_models.trustroot.v1 import TrustedRoot as Document

ROOT_BYTES = 1024 * 1024
"""The largest trusted root; the public instance's takes 7 KiB."""

_VERIFIERS = 16
"""Verifiers that are kept for one root: its parts end one by one, so there are few."""


class TrustedRootError(ValueError):
    """The bytes are no trusted root that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class SignedTimes:
    """The times that a bundle claims; nothing has proved them yet.

    Attributes:
        signature: When it was signed, by the transparency log or by timestamp authorities.
        certificate: When the certificate log took up the certificate.
    """

    signature: tuple[datetime, ...]
    certificate: datetime


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """A trusted root, as its file holds it.

    Attributes:
        content: `trusted_root.json`.
        digest: `sha256:` and 64 hexadecimal digits over it.
    """

    content: bytes = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Computes the digest."""
        object.__setattr__(self, "digest", sha256_digest(self.content))

    @classmethod
    def load(cls, content: bytes) -> "TrustedRoot":
        """Reads a trusted root, and makes sure that it can be used.

        Args:
            content: `trusted_root.json`, UTF-8.

        Returns:
            The root.

        Raises:
            TrustedRootError: It is none, or it names no certificate authority, certificate log or transparency log.
            KeylessNotInstalledError: The extra `keyless` is not installed.
        """
        _opened(content)
        return cls(content)

    def verifier(self, times: SignedTimes) -> "Verifier":
        """Gives a verifier that believes what the root names for some times, and asks nobody.

        Args:
            times: When the bundle claims to have been made.

        Returns:
            sigstore's verifier; it looks at the times of timestamp authorities itself.

        Raises:
            UntrustedError: The root names nobody for one of the times.
        """
        return _opened(self.content).verifier(times)


class _Opened:
    """A root that has been read, with the verifiers that were made of it."""

    def __init__(self, document: "Document") -> None:
        self._document = document
        self._windows: tuple[list[TimeRange | None], ...] = (
            [entry.valid_for for entry in document.certificate_authorities],
            [entry.public_key.valid_for for entry in document.tlogs],
            [entry.public_key.valid_for for entry in document.ctlogs],
        )
        self._verifiers: dict[_Chosen, Verifier] = {}
        if not all(self._windows):
            raise TrustedRootError("it names no certificate authority, no transparency log or no certificate log")
        if any(window is not None and window.start.tzinfo is None for part in self._windows for window in part):
            raise TrustedRootError("it holds a time without a zone")
        # Reads the certificates too.
        self._make(tuple([tuple(range(len(part))) for part in self._windows]))

    def verifier(self, times: SignedTimes) -> "Verifier":
        """As `TrustedRoot.verifier`."""
        moments: tuple[tuple[datetime, ...], ...] = (times.signature, times.signature, (times.certificate,))
        chosen = tuple(
            [
                tuple([index for index, window in enumerate(part) if _covers(window, asked)])
                for part, asked in zip(self._windows, moments, strict=True)
            ]
        )
        if not all(chosen):
            raise UntrustedError("signed at a time for which the trusted root names no authority or no log")
        known = self._verifiers.get(chosen)
        if known is None:
            if len(self._verifiers) >= _VERIFIERS:
                self._verifiers.clear()
            known = self._verifiers[chosen] = self._make(chosen)
        return known

    def _make(self, chosen: "_Chosen") -> "Verifier":
        from sigstore.models import TrustedRoot as Root  # noqa: PLC0415 - as `load_sigstore`

        authorities, logs, certificate_logs = chosen
        document = self._document.model_copy(
            update={
                "certificate_authorities": [self._document.certificate_authorities[index] for index in authorities],
                "tlogs": [self._document.tlogs[index] for index in logs],
                "ctlogs": [self._document.ctlogs[index] for index in certificate_logs],
            }
        )
        verifier: Verifier = load_sigstore().Verifier(trusted_root=Root(document))
        return verifier


_Chosen = tuple[tuple[int, ...], ...]
"""Indexes into authorities, transparency logs and certificate logs."""


def _covers(window: "TimeRange | None", times: Iterable[datetime]) -> bool:
    """Tells whether all times lie in a window, which includes both its ends (sigstore_common.proto, TimeRange)."""
    if window is None:
        return True
    return all(window.start <= time and (window.end is None or time <= window.end) for time in times)


@lru_cache(4)
def _opened(content: bytes) -> _Opened:
    load_sigstore()
    from sigstore_models.trustroot.v1 import TrustedRoot as Document  # noqa: PLC0415 - as `load_sigstore`

    if len(content) > ROOT_BYTES:
        raise TrustedRootError("it is larger than 1 MiB")
    try:
        parse_json(content, "trusted root")
        return _Opened(Document.from_json(content))
    except TrustedRootError:
        raise
    except Exception:  # noqa: BLE001 - the library names no kinds of errors, and their texts are not ours
        raise TrustedRootError("it is no Sigstore trusted root (`trusted_root.json`)") from None
