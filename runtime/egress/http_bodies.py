"""Bodies of HTTP/1.1 messages, as they are written."""

from __future__ import annotations

from runtime.egress.scrubber import Scrubber


class Body:
    """One body: scrubbed if there is a scrubber, and in chunks if it is to be."""

    def __init__(self, scrubber: Scrubber | None, *, chunked: bool) -> None:
        self._scrubber = scrubber
        self._chunked = chunked

    def piece(self, data: bytes) -> bytes:
        """What is written when `data` follows; it may be nothing."""
        return self._framed(data if self._scrubber is None else self._scrubber.feed(data))

    def end(self) -> bytes:
        """What is written when nothing follows."""
        rest = b"" if self._scrubber is None else self._framed(self._scrubber.finish())
        return rest + b"0\r\n\r\n" if self._chunked else rest

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data
