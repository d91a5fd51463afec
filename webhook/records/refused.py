"""What a collector will never take, beside the spool: the newest of it, in two files that keep to a size."""

from pathlib import Path

from webhook.records.appending import AppendFile, sync_folder
from webhook.records.segments import ends_whole, size


class RefusedEntries:
    """`refused.jsonl`, and what it held before in `refused.jsonl.1`.

    Attributes:
        size: Bytes in both.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Measures what is there.

        Args:
            folder: The spool's.
            max_bytes: What both may hold, unless the newest entry alone is larger.
        """
        self._path = folder / "refused.jsonl"
        self._before = folder / "refused.jsonl.1"
        self._max_bytes = max_bytes
        self.size = size(self._path) + size(self._before)

    def keep(self, data: bytes) -> None:
        """Keeps entries, and forgets the oldest if there is no room for both.

        Args:
            data: Whole lines with their ends.

        Raises:
            OSError: They cannot be kept.
        """
        held = size(self._path)
        if held and held + len(data) > self._max_bytes // 2:
            self._path.replace(self._before)
        if size(self._before) + len(data) > self._max_bytes:
            self._before.unlink(missing_ok=True)
        file = AppendFile(self._path)
        try:
            half = file.size and not ends_whole(self._path)
            file.append(b"\n" + data if half else data)
        finally:
            file.close()
        sync_folder(self._path.parent)
        self.size = size(self._path) + size(self._before)
