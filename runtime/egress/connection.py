"""A connection out of a sandbox, as the link provides it and the gate uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from runtime.egress.bytes import ByteChannel


class Connection(ByteChannel, Protocol):
    """Both directions of a TCP connection that a program in a sandbox has made; the other side is that program.

    Reading and writing raise SandboxLost once the link has ended, or the program has cut the connection off.
    """

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after the connection is lost: by the link's end, or because the program cut it off."""
