"""Bodies of HTTP/1.1 messages, as they are written."""

from __future__ import annotations

from runtime.egress.scrubber import Scrubber


class Body:
    """One body: scrubbed if there is a scrubber, and in chunks if it is to be."""

    def __init__(self, scrubber: Scrubber | None, *, chunked: bool) -> None:
        self._scrubber = scrubber
        self._chunked = chunked

    def piece(self, data: bytes, *, is_last: bool) -> bytes:
        """What is written when `data` follows, and nothing after that if it is the last; it may be nothing."""
        if self._scrubber is not None:
            data = self._scrubber.feed(data)
            if is_last:
                data += self._scrubber.finish()
        if not self._chunked:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk + b"0\r\n\r\n" if is_last else chunk
