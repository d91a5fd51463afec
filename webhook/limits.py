"""Every size, count and time limit, in one frozen object.

A limit is checked before the work that it bounds. CVE-2023-46737, CVE-2023-33957, CVE-2023-42816 and
CVE-2024-45395 are what happens without.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits; times in seconds, sizes in bytes."""

    review_bytes: int = 8 * 1024 * 1024
    """One AdmissionReview. An UPDATE carries two objects of up to 1.5 MiB each, escaped."""
    envelope_bytes: int = 4 * 1024 * 1024
    """One DSSE envelope or Sigstore bundle."""
    json_depth: int = 64
    """Nesting of any evidence document."""
    json_values: int = 200_000
    """Values in one evidence document, counted by separators before it is parsed."""
    verification_work: int = 256 * 1024 * 1024
    """Bytes of an envelope times its signatures times trusted keys: what checking it may have to hash."""
    verification_pairs: int = 64
    """Signatures of an envelope times trusted keys: each pair costs up to a millisecond."""
    signatures: int = 32
    """Signatures in one envelope."""
    subjects: int = 1024
    """Subjects in one statement."""
    candidates: int = 64
    """Envelopes that are looked at for one image digest."""
    hot_symbols: int = 100
    """Entries in a predicate's `hotSymbols` list; the count itself may be higher."""
    symbol_characters: int = 1024
    """One symbol's name."""
    trusted_keys: int = 64
    """Keys in the trust policy; each costs a signature check per envelope."""
    reference_characters: int = 1024
    """One image reference, before it is parsed."""
    containers: int = 512
    """Containers and image volumes in one workload."""
    count_maximum: int = 2**63 - 1
    """The highest count that is believed; what lies above is out of range."""
    clock_skew: float = 300.0
    """How far ahead of our clock an observation may end."""
    deadline_default: float = 10.0
    """A review's time when the request names none, as the API server's own default."""
    deadline_maximum: float = 30.0
    """The longest timeout that the API server allows a webhook."""
    deadline_margin: float = 0.5
    """What is kept back of the API server's timeout to get the answer onto the wire."""
    message_characters: int = 8192
    """The text of a denial."""
    warning_characters: int = 120
    """One warning; the API server's advice."""
    warnings_characters: int = 4096
    """All warnings of one answer; the API server cuts what lies above."""
    verification_thread_bytes: int = 8 * 1024
    """Bytes of an envelope times trusted keys; what lies above is verified in a thread, so that the loop goes on."""
    review_values: int = 400_000
    """Values in one review, counted by separators before it is parsed."""
    verdict_cache_entries: int = 20_000
    """Verified envelopes, and answers about images, that are remembered."""
    profile_bytes: int = 256 * 1024 * 1024
    """One profile given to `attest`."""
    profile_line_bytes: int = 64 * 1024
    """One line of a profile with its end."""
    profile_stacks: int = 500_000
    """Distinct stacks in one profile."""
    profile_symbols: int = 500_000
    """Distinct symbols in one profile."""
    profile_frames: int = 16_000_000
    """Frames of all distinct stacks together: 128 MiB of references."""
    key_bytes: int = 64 * 1024
    """A key or passphrase file; the largest that is of use, RSA with 8192 bits, takes a tenth."""
    settings_bytes: int = 1024 * 1024
    """The configuration file."""
    directory_files: int = 20_000
    """Files that the directory store reads."""
    directory_bytes: int = 256 * 1024 * 1024
    """What they may hold together; it is kept in memory."""


LIMITS = Limits()
