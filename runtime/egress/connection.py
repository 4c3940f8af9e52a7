"""A connection out of a sandbox, as the link provides it and the gate uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Connection(Protocol):
    """Both directions of a TCP connection that a program in a sandbox has made. Used by one reader and one writer.

    Reading and writing raise SandboxLost once the link has ended, or the program has cut the connection off.
    """

    async def receive(self) -> bytes:
        """The next bytes that the program sent, all that wait (up to 1 MiB); none when it will send no more."""

    async def send(self, data: bytes) -> None:
        """Send bytes to the program, waiting until it has room for them."""

    def end(self) -> None:
        """No more will be sent: the program reads the end. Idempotent."""

    def close(self) -> None:
        """Let go of it; idempotent. Unless both sides had ended, the program sees its connection reset."""

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after the connection is lost: by the link's end, or because the program cut it off."""
