"""A connection out of a sandbox, as the gate uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from runtime.egress.bytes import ByteChannel


class Connection(ByteChannel, Protocol):
    """Both directions of a TCP connection that a program in a sandbox has made; the other side is that program.

    It can be read from before it has a receiver.
    """

    async def receive(self) -> bytes:
        """The next bytes, all that wait; none when no more will come. Raises ChannelBroken or SandboxLost."""

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after the connection is lost: by the link's end, or because the program cut it off."""
