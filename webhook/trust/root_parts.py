"""What a trusted root names, one by one: whether it can be used, for which times, and what it has signed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509

if TYPE_CHECKING:
    from sigstore_models.common.v1 import TimeRange
    from sigstore_models.trustroot.v1 import CertificateAuthority, TransparencyLogInstance


def has_key(log: "TransparencyLogInstance") -> bool:
    """Tells whether a log's key can be used.

    Args:
        log: A transparency log or a certificate log.

    Returns:
        False for a key that is none, or of a kind that the library does not know.
    """
    from sigstore._internal.trust import Key  # noqa: PLC0415 - as `load_sigstore`; nothing public tells it

    try:
        Key(log.public_key)
    except Exception:  # noqa: BLE001 - the library names no kinds of errors
        return False
    return True


def has_chain(authority: "CertificateAuthority") -> bool:
    """Tells whether a timestamp authority can be used.

    Args:
        authority: The authority.

    Returns:
        False if a certificate cannot be read, or there is none but one.
    """
    try:
        chain = [x509.load_der_x509_certificate(entry.raw_bytes) for entry in authority.cert_chain.certificates]
    except (ValueError, x509.InvalidVersion):
        return False
    # The library takes the first for who signs, and the last for the root.
    return len(chain) > 1


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tells whether one certificate's key has signed another certificate.

    Args:
        certificate: Any, believed in nothing.
        issuer: One of the root's.

    Returns:
        True if name and signature are right; nothing is said of times and rights.
    """
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - whatever a hostile certificate sets off
        return False
    return True


def timeless(authorities: "list[CertificateAuthority]", chosen: Iterable[int]) -> "list[CertificateAuthority]":
    """Chooses authorities, without their times.

    Args:
        authorities: All.
        chosen: Indexes.

    Returns:
        The chosen ones, valid at any time of which anybody would ask.
    """
    from sigstore_models.common.v1 import TimeRange  # noqa: PLC0415 - as `load_sigstore`

    always = TimeRange(start=datetime.fromtimestamp(0, UTC))
    return [authorities[index].model_copy(update={"valid_for": always}) for index in chosen]


def timeless_logs(logs: "list[TransparencyLogInstance]", chosen: Iterable[int]) -> "list[TransparencyLogInstance]":
    """Chooses logs, without their times.

    Args:
        logs: All.
        chosen: Indexes.

    Returns:
        The chosen ones, valid at any time.
    """
    return [
        logs[index].model_copy(update={"public_key": logs[index].public_key.model_copy(update={"valid_for": None})})
        for index in chosen
    ]


def covers(window: "TimeRange | None", times: Iterable[datetime]) -> bool:
    """Tells whether all times lie in a window, which includes both its ends (sigstore_common.proto, TimeRange).

    Args:
        window: None for always.
        times: With a zone.

    Returns:
        True also if there are none.
    """
    if window is None:
        return True
    return all(window.start <= time and (window.end is None or time <= window.end) for time in times)
