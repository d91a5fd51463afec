"""What comes over the wire besides the body, which a cap on the body does not see.

Informational responses (`HTTP/1.1 103`) without end, or a body in chunks of one byte, are a few bytes each for who
sends them and much work for the event loop, on which all reviews wait.
"""

import aiohttp
from aiohttp.client_proto import ResponseHandler

_PIECE_BYTES = 16 * 1024
"""Read from the wire at once it may be 256 KiB, which is too much to look only afterwards."""
_OVERHEAD_BYTES = 64 * 1024
_OVERHEAD_SHARE = 8
"""Chunks of 48 bytes or more are fine: six bytes are around each. Registries send chunks of some kilobytes."""


class WireError(aiohttp.ClientError):
    """More came around the body than any registry sends."""


class CountingHandler(ResponseHandler):
    """A connection that counts, for each exchange, what is not body: headers, informational responses, chunk sizes.

    It is allowed 64 KiB and an eighth of the body; above that the connection is cut.
    """

    _wire = 0
    _refused = False

    def set_response_params(self, **parameters: object) -> None:
        """Begins an exchange.

        Args:
            parameters: As aiohttp has them.
        """
        self._wire = 0
        super().set_response_params(**parameters)  # type: ignore[arg-type] # passed on as they are

    def data_received(self, data: bytes) -> None:
        """Counts and reads what came.

        Args:
            data: The bytes; none when reading goes on after a pause.
        """
        for begin in range(0, len(data) or 1, _PIECE_BYTES):
            if self._refused:
                return
            piece = data[begin : begin + _PIECE_BYTES]
            self._wire += len(piece)
            super().data_received(piece)
            # While reading pauses, what came may not be taken apart yet.
            if not self._reading_paused and self._is_too_much():
                self._refuse()

    def _is_too_much(self) -> bool:
        payload = self._payload
        body = 0 if payload is None else payload.total_bytes
        return self._wire - body > _OVERHEAD_BYTES + body // _OVERHEAD_SHARE

    def _refuse(self) -> None:
        self._refused = True
        error = WireError()
        if self._payload is not None:
            self._payload.set_exception(error)
            # The end of the connection would put its own error in this one's place.
            self._payload = None
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()
