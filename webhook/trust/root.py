"""A Sigstore's trusted root: whose certificates, logs and timestamps are believed, and in which time.

sigstore-python believes a key or an authority after the time for which the root names it, and takes in what the root
names for later when the clock says so. Here a bundle is verified by what the root names for the time of the bundle: a
key can be given up by ending its time, and the same bytes have the same verdict at any time.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509

from webhook.errors import UntrustedError
from webhook.model.canonical import sha256_digest
from webhook.model.strict_json import parse_json
from webhook.trust.extra import load_sigstore
from webhook.trust.root_parts import covers, has_chain, has_key, issued, timeless, timeless_logs

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
        promised: When it was signed, by the transparency log; one or none.
        stamped: The same by timestamp authorities.
        certificate: When the certificate log took up the certificate.
    """

    promised: tuple[datetime, ...]
    stamped: tuple[datetime, ...]
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

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Tells whether an authority of the root has signed a certificate, whenever that was: what costs least.

        Args:
            certificate: Any.

        Returns:
            False if no verifier of this root would believe it.
        """
        return _opened(self.content).has_issued(certificate)

    def verifier(self, times: SignedTimes) -> "Verifier":
        """Gives a verifier that believes what the root names for some times, and asks nobody.

        Args:
            times: When the bundle claims to have been made.

        Returns:
            sigstore's verifier; no clock decides what it believes.

        Raises:
            UntrustedError: The root names nobody for one of the times.
        """
        return _opened(self.content).verifier(times)


class _Opened:
    """A root that has been read, with the verifiers that were made of it."""

    def __init__(self, document: "Document") -> None:
        # What cannot be used is left out here, once: the library would say so in the log for each bundle.
        self._document = document.model_copy(
            update={
                "tlogs": [log for log in document.tlogs if has_key(log)],
                "ctlogs": [log for log in document.ctlogs if has_key(log)],
                "timestamp_authorities": [entry for entry in document.timestamp_authorities if has_chain(entry)],
            }
        )
        self._windows: tuple[list[TimeRange | None], ...] = (
            [entry.valid_for for entry in self._document.certificate_authorities],
            [entry.public_key.valid_for for entry in self._document.tlogs],
            [entry.public_key.valid_for for entry in self._document.ctlogs],
            [entry.valid_for for entry in self._document.timestamp_authorities],
        )
        self._verifiers: dict[_Chosen, Verifier] = {}
        if not all(self._windows[:_NEEDED]):
            raise TrustedRootError(
                "it names no certificate authority, or no log of a kind with a key that can be used"
            )
        windows = [window for part in self._windows for window in part if window is not None]
        if any(time is not None and time.tzinfo is None for window in windows for time in (window.start, window.end)):
            raise TrustedRootError("it holds a time without a zone")
        self._issuers = [
            x509.load_der_x509_certificate(certificate.raw_bytes)
            for authority in self._document.certificate_authorities
            for certificate in authority.cert_chain.certificates
        ]
        # What the library does not take is found now, and not with the first bundle.
        self._make(tuple([tuple(range(len(part))) for part in self._windows]))

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """As `TrustedRoot.has_issued`."""
        return any(issued(certificate, issuer) for issuer in self._issuers)

    def verifier(self, times: SignedTimes) -> "Verifier":
        """As `TrustedRoot.verifier`."""
        signed = times.promised + times.stamped
        moments: tuple[tuple[datetime, ...], ...] = (signed, signed, (times.certificate,), times.stamped)
        chosen = tuple(
            [
                tuple([index for index, window in enumerate(part) if covers(window, asked)])
                for part, asked in zip(self._windows, moments, strict=True)
            ]
        )
        if not all(chosen[:_NEEDED]):
            raise UntrustedError("signed at a time for which the trusted root names no authority or no log")
        known = self._verifiers.get(chosen)
        if known is None:
            if len(self._verifiers) >= _VERIFIERS:
                self._verifiers.clear()
            known = self._verifiers[chosen] = self._make(chosen)
        return known

    def _make(self, chosen: "_Chosen") -> "Verifier":
        """Makes a verifier of what was chosen, without its times: the library would compare them with the clock."""
        from sigstore.models import TrustedRoot as Root  # noqa: PLC0415 - as `load_sigstore`

        authorities, logs, certificate_logs, timestamp_authorities = chosen
        document = self._document
        update = {
            "certificate_authorities": timeless(document.certificate_authorities, authorities),
            "tlogs": timeless_logs(document.tlogs, logs),
            "ctlogs": timeless_logs(document.ctlogs, certificate_logs),
            "timestamp_authorities": timeless(document.timestamp_authorities, timestamp_authorities),
        }
        verifier: Verifier = load_sigstore().Verifier(trusted_root=Root(document.model_copy(update=update)))
        return verifier


_NEEDED = 3
"""The first so many parts; a root may name no timestamp authority."""

_Chosen = tuple[tuple[int, ...], ...]
"""Indexes into authorities, transparency logs, certificate logs and timestamp authorities."""


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
