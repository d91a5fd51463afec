"""From a section of the configuration to what it stands for."""

from pathlib import Path

from webhook.attest.formats.measures import choose
from webhook.attest.profile import ProfileError
from webhook.errors import ConfigurationError
from webhook.observer.sources.parca import PARCA
from webhook.observer.sources.protocol import ProfileSource
from webhook.observer.sources.pyroscope import PYROSCOPE
from webhook.observer.sources.server import ProfileServer
from webhook.observer.sources.settings import ServerKind, SourceSettings

_DIALECTS = {ServerKind.PYROSCOPE: PYROSCOPE, ServerKind.PARCA: PARCA}


def open_source(section: SourceSettings, folder: Path) -> ProfileSource:
    """Prepares to ask a profile server; nothing is connected to yet.

    Args:
        section: The section.
        folder: What relative paths are relative to.

    Returns:
        The source.

    Raises:
        ConfigurationError: A file cannot be used, or the profile type is one of which no evidence can be made.
    """
    _, kind, unit, *_ = section.counted.split(":")
    try:
        choose([(kind, unit)])
    except ProfileError:
        raise ConfigurationError(
            f"source.profileType {section.counted!r}: it measures neither a count nor a time; take CPU time"
        ) from None
    return ProfileServer(section, folder, _DIALECTS[section.kind])
