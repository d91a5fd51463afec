"""The section `records`: where decision records go."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from webhook.settings.section import Section

_MEBIBYTE = 1024 * 1024
_GIBIBYTE = 1024 * _MEBIBYTE

Bytes = Annotated[int, Field(strict=True, ge=_MEBIBYTE, le=1024 * _GIBIBYTE)]


def _url(text: str) -> str:
    """Refuses what would fail only when the first batch is posted, and a password where nobody looks for one."""
    form = "write `https://host[:port][/path][?query]`"
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(form) from None
    if not usable:
        raise ValueError(form)
    if "@" in parts.netloc or "#" in text:
        raise ValueError("write no user and no fragment in the URL; a token belongs into `tokenFile`")
    return text


class RecordFileSettings(Section):
    """A file of records that rotates."""

    path: Path
    """The file, on a volume that can be written; relative to the configuration file."""
    max_bytes: Bytes = 100 * _MEBIBYTE
    """Size after which it is renamed and a new one begun."""
    keep: Annotated[int, Field(strict=True, ge=1, le=999)] = 5
    """Renamed files that are kept; what is older is deleted."""


class SpoolSettings(Section):
    """Where records wait until the collector has them."""

    path: Path
    """A folder of its own, on a volume that outlives the container; relative to the configuration file."""
    max_bytes: Bytes = _GIBIBYTE
    """What it may hold; when it is full, new records are not taken."""


class CollectorSettings(Section):
    """An HTTPS endpoint that takes records."""

    url: Annotated[str, Field(pattern=r"^https://[!-~]{1,500}$"), AfterValidator(_url)]
    """Where batches are posted, JSON lines."""
    ca_file: Path | None = None
    """PEM certificates that are trusted instead of the system's; relative to the configuration file."""
    token_file: Path | None = None
    """The bearer token, read anew for each batch; relative to the configuration file."""
    spool: SpoolSettings
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, le=300)] = 10.0
    """What one batch gets."""


class RecordSigningSettings(Section):
    """The key that signs entries."""

    key_file: Path
    """PEM private key, of the kinds that evidence is signed with; relative to the configuration file."""
    passphrase_file: Path | None = None
    """What it is encrypted with; relative to the configuration file."""


class SummarySettings(Section):
    """A SLSA Verification Summary Attestation for each image that was verified."""

    verifier_id: Annotated[str, Field(pattern=r"^https://[!$->@-~]{1,500}$")]
    """Who vouches: a URI of yours, without `#` and `?`; it need not resolve."""


class RecordSettings(Section):
    """Where decision records go, and what is done to them; read at the start."""

    stdout: Annotated[bool, Field(strict=True)] = True
    """Whether each decision has a line in the log."""
    file: RecordFileSettings | None = None
    collector: CollectorSettings | None = None
    signing: RecordSigningSettings | None = None
    summaries: SummarySettings | None = None

    @model_validator(mode="after")
    def _summaries_are_signed(self) -> Self:
        if self.summaries is not None and self.signing is None:
            raise ValueError("`summaries` are attestations, which somebody must sign; set `signing`")
        return self

    def remarks(self) -> list[str]:
        """Finds what is valid and yet hardly meant.

        Returns:
            One sentence each.
        """
        if self.stdout or self.file is not None or self.collector is not None:
            return []
        return ["records has no sink: decisions cannot be replayed."]
