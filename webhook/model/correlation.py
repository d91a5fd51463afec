"""The correlation id that travels with a request: one token, so that it can stand in a header and a log."""

import re
from typing import Final

CORRELATION_HEADER: Final = "x-correlation-id"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""A token of RFC 7230 §3.2.6; a Kubernetes UID is one."""


def is_correlation_id(text: str) -> bool:
    """Tells whether a text may stand in the header.

    Args:
        text: Anything.

    Returns:
        True if it is one token of 1 to 128 characters.
    """
    return _TOKEN.fullmatch(text) is not None
