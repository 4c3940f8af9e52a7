"""What a link runs on, the agent's side: standard input and output, or a socket."""

from __future__ import annotations

import os

from runtime.agent.loop import Callback, Loop
from runtime.link.frames import Decoder

READ_SIZE = 256 * 1024
REFILL_SECONDS = 0.0005  # a full pipe is left alone for that long: every turn costs, and at once there is little room


class Carrier:
    """Where frames come from and where they go. `on_readable` is called when there is something to `read`.

    `source` and `sink` are two descriptors; they are the carrier's, and may be of the same thing.
    """

    def __init__(self, loop: Loop, source: int, sink: int) -> None:
        self.decoder = Decoder()
        self.full = False
        """Whether it takes no more at the moment."""
        self._loop = loop
        self._source = source
        self._sink = sink
        self._closed = False
        self._watching = False  # for the sink to take more
        os.set_blocking(source, False)
        os.set_blocking(sink, False)

    def on_readable(self, callback: Callback) -> None:
        """Begin to watch."""
        self._loop.on_readable(self._source, callback)

    def read(self) -> bytes | None:
        """What has come; None when nothing has, no bytes when nothing more will."""
        try:
            return os.read(self._source, READ_SIZE)
        except ConnectionError:
            return b""
        except OSError:  # mostly, that there is nothing
            return None

    def write(self, output: bytearray) -> None:
        """Write what it takes, and take that away. What nobody will read any more goes too."""
        try:
            with memoryview(output) as view:
                written = os.write(self._sink, view)
        except ConnectionError:  # its end is to be read, too
            output.clear()
        except OSError:  # it is full, or the kernel has no memory for it at the moment
            self.full = True
            self._loop.call_later(REFILL_SECONDS, self._watch)
        else:
            del output[:written]

    def close(self) -> None:
        """Let go of it; idempotent."""
        if not self._closed:
            self._closed = True
            self._loop.forget(self._source)
            self._stop_watching()
            os.close(self._source)
            os.close(self._sink)

    def _watch(self) -> None:
        if not self._closed:
            self._loop.on_writable(self._sink, self._writable)
            self._watching = True

    def _writable(self) -> None:
        self._stop_watching()
        self.full = False

    def _stop_watching(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.forget(self._sink)
