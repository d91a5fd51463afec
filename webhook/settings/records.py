"""The section `records`: where decision records go."""

from webhook.settings.section import Section


class RecordSettings(Section):
    """Where decision records go beside the log."""
