"""Lines of a text format, capped and numbered."""

import io
from collections.abc import Iterator

from webhook.attest.profile import ProfileError
from webhook.attest.tally import WATCH_EVERY, Watch
from webhook.limits import LIMITS


def numbered_lines(content: bytes, watch: Watch) -> Iterator[tuple[int, bytes]]:
    """Cuts text into lines.

    Args:
        content: The text, lines end in LF.
        watch: Is told of the progress, in bytes.

    Yields:
        The number, from 1, and the line with its end.

    Raises:
        ProfileError: A line is too long.
    """
    # The buffer is shared with `content`, not copied.
    stream = io.BytesIO(content)
    for number, line in enumerate(iter(lambda: stream.readline(LIMITS.profile_line_bytes + 1), b""), 1):
        if len(line) > LIMITS.profile_line_bytes:
            raise ProfileError(f"line {number}: it is longer than {LIMITS.profile_line_bytes} bytes")
        if number % WATCH_EVERY == 0:
            watch(stream.tell(), len(content))
        yield number, line
