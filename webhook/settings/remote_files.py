"""What the files that remotes name hold: read once, with the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webhook.errors import ConfigurationError
from webhook.files import read_capped
from webhook.limits import LIMITS
from webhook.model.canonical import sha256_digest
from webhook.settings.remote import RemoteProviderSettings
from webhook.trust.keys import KeyNotSupportedError, PublicKey


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote with the content of the files that it names.

    Attributes:
        section: As it is configured.
        keys: Key id to key that may have signed its answers; None if nobody need have.
        authorities: PEM, who may sign its certificate; None if none are named or the file cannot be read.
        token: The bearer token's file; None likewise.
    """

    section: RemoteProviderSettings
    keys: Mapping[str, PublicKey] | None
    authorities: bytes | None
    token: bytes | None = field(repr=False)

    @property
    def content(self) -> dict[str, Any]:
        """What a verdict can depend on, as `canonical_value` takes it. The token is not in it."""
        apart = {"ca_file", "token_file", "signature", "allow_raw"}
        content: dict[str, Any] = self.section.model_dump(mode="json", by_alias=True, exclude=apart)
        keys = None if self.keys is None else {name: key.key_id for name, key in self.keys.items()}
        authorities = None if self.authorities is None else sha256_digest(self.authorities)
        return content | {"keys": keys, "authorities": authorities}


def load_remotes(sections: Sequence[RemoteProviderSettings], path: Path) -> tuple[Remote, ...]:
    """Reads what the remotes name.

    Certificates and token are not missed here: the operator reads the same configuration and is given neither.
    Whoever asks the remote misses them.

    Args:
        sections: All remotes.
        path: The configuration file, for relative paths and errors.

    Returns:
        The remotes, in that order.

    Raises:
        ConfigurationError: A key cannot be used.
    """
    return tuple(
        [_load(section, f"{path}: providers.remote[{index}]", path) for index, section in enumerate(sections)]
    )


def _load(section: RemoteProviderSettings, where: str, path: Path) -> Remote:
    keys: dict[str, PublicKey] | None = None
    if section.signature is not None:
        entries = enumerate(section.signature.keys)
        keys = {
            entry.key_id: _key(path.parent / entry.file, f"{where}.signature.keys[{index}].file {str(entry.file)!r}")
            for index, entry in entries
        }
    authorities = _content(path.parent, section.ca_file, LIMITS.registry_file_bytes)
    return Remote(section, keys, authorities, _content(path.parent, section.token_file, LIMITS.bearer_token_bytes))


def _key(file: Path, where: str) -> PublicKey:
    try:
        key = PublicKey.from_pem(read_capped(file, LIMITS.key_bytes))
    except KeyNotSupportedError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    except (OSError, ValueError):
        raise ConfigurationError(f"{where}: cannot be read") from None
    if not key.is_ed25519:
        raise ConfigurationError(f"{where}: it is not an Ed25519 key, and results are signed with no other")
    return key


def _content(folder: Path, file: Path | None, limit: int) -> bytes | None:
    try:
        return None if file is None else read_capped(folder / file, limit)
    except (OSError, ValueError):
        return None
