"""From the section `records` to sinks that are open."""

import secrets
from pathlib import Path

from webhook.attest.signing.key import SigningKey
from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.records.chain import Chain
from webhook.records.collector import Collector
from webhook.records.destination import Destination
from webhook.records.file import RotatingFile
from webhook.records.lines import LogLines, LogOutput
from webhook.records.log import RecordLog
from webhook.records.spool import Spool
from webhook.records.summary import SummaryWriter
from webhook.records.writer import Output, RecordWriter
from webhook.settings.records import CollectorSettings, RecordFileSettings, RecordSettings, RecordSigningSettings
from webhook.trust.keys import KeyNotSupportedError


def open_records(section: RecordSettings, folder: Path, lines: LogLines) -> RecordLog:
    """Opens all sinks.

    Args:
        section: The section.
        folder: What its relative paths are relative to.
        lines: The log's writer, for `stdout`.

    Returns:
        The sinks; `start` delivers, `close` ends them.

    Raises:
        ConfigurationError: A file, folder or key cannot be used.
    """
    key = None if section.signing is None else _key(section.signing, folder)
    outputs: dict[str, Output] = {}
    collector: Collector | None = None
    if section.stdout:
        outputs["stdout"] = LogOutput(lines)
    if section.file is not None:
        outputs["file"] = _file(section.file, folder)
    if section.collector is not None:
        outputs["collector"], collector = _collector(section.collector, folder)
    summaries = None
    if section.summaries is not None and key is not None:
        summaries = SummaryWriter(section.summaries.verifier_id, key)
    # Random: names of pods come again, and a chain must not seem to go on in another process.
    process = secrets.token_hex(8)
    writers = [
        RecordWriter(name, output, Chain(f"{process}-{name}", key), summaries) for name, output in outputs.items()
    ]
    return RecordLog(writers, collector)


def _file(section: RecordFileSettings, folder: Path) -> RotatingFile:
    try:
        return RotatingFile(folder / section.path, section.max_bytes, section.keep)
    except OSError:
        raise ConfigurationError(f"records.file.path {str(section.path)!r}: cannot be written") from None


def _collector(section: CollectorSettings, folder: Path) -> tuple[Spool, Collector]:
    path = section.spool.path
    try:
        spool = Spool(folder / path, section.spool.max_bytes)
    except OSError:
        raise ConfigurationError(f"records.collector.spool.path {str(path)!r}: cannot be used") from None
    destination = Destination(
        section.url,
        None if section.ca_file is None else folder / section.ca_file,
        None if section.token_file is None else folder / section.token_file,
        section.timeout_seconds,
    )
    # Both are read again later; a mistake should show at the start.
    destination.context()
    destination.headers()
    return spool, Collector(spool, destination)


def _key(section: RecordSigningSettings, folder: Path) -> SigningKey:
    passphrase = None
    if section.passphrase_file is not None:
        passphrase = _secret(folder, section.passphrase_file, "passphraseFile").rstrip(b"\r\n")
    pem = _secret(folder, section.key_file, "keyFile")
    try:
        return SigningKey.from_pem(pem, passphrase)
    except KeyNotSupportedError as error:
        raise ConfigurationError(f"records.signing.keyFile {str(section.key_file)!r}: {error}") from None


def _secret(folder: Path, file: Path, name: str) -> bytes:
    try:
        return read_capped(folder / file, LIMITS.key_bytes)
    except (OSError, ValueError):
        raise ConfigurationError(f"records.signing.{name} {str(file)!r}: cannot be read") from None
