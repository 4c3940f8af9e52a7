"""Files on their way into a sandbox and out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from runtime.agent_answers import path_of, size_of
from runtime.answering import answering, header_of
from runtime.errors import AgentMisbehaved
from runtime.link.channel import Channel


class WritingFile:
    """A file whose bytes are with the agent, but which has no name yet."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def end(self) -> None:
        """Give the file its name, or one like it where that one is taken. Files get theirs in the order of this."""
        self._channel.end()

    async def ended(self) -> tuple[bytes, int]:
        """What became of that: the path below ROOT, and the size."""
        with self._channel:
            header = await header_of(self._channel)
        return path_of(header.get("path")), size_of(header.get("size"))

    async def finish(self) -> tuple[bytes, int]:
        """Both at once."""
        self.end()
        return await self.ended()

    def close(self) -> None:
        """Drop the file, unless it is finished; idempotent."""
        self._channel.close()


class ReadingFile:
    """A file's bytes, `size` of them."""

    def __init__(self, channel: Channel, size: int) -> None:
        self.size = size
        self._channel = channel

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes, exactly `size`, or an error: the file may have changed meanwhile."""
        left = self.size
        body = self._channel.body()
        while True:
            async with answering():
                piece = await anext(body, b"")
            if not piece:
                break
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left != 0:
            raise AgentMisbehaved("The sandbox sent a file of another size than it said.")

    def close(self) -> None:
        """Read no more; idempotent."""
        self._channel.close()
