"""What is written in one go is sent together."""

from __future__ import annotations

import asyncio

from api.gathering_transport import SMALL, GatheringTransport


class RecordingTransport(asyncio.Transport):
    """Sends nothing, and keeps what it should have sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.sent.append(bytes(data))

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether nothing more is taken."""
        return self.closed


async def test_small_pieces_go_together() -> None:
    """Head and body of a response are one write; what is written in a later turn is another."""
    recording = RecordingTransport()
    transport = GatheringTransport(recording)
    transport.write(b"head ")
    transport.write(b"body")
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert recording.sent == [b"head body", b"next"]


async def test_a_large_piece_does_not_wait() -> None:
    """It goes at once, after what came before it: the sender is to notice when the client is slow."""
    recording = RecordingTransport()
    transport = GatheringTransport(recording)
    large = bytes(SMALL + 1)
    transport.write(b"head ")
    transport.write(large)
    assert recording.sent == [b"head " + large]
    await asyncio.sleep(0)
    assert len(recording.sent) == 1


async def test_nothing_is_lost_by_hanging_up() -> None:
    """What was written before is sent before."""
    recording = RecordingTransport()
    transport = GatheringTransport(recording)
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)
    assert recording.sent == [b"last words"]
    assert recording.closed


async def test_nothing_is_sent_to_who_has_left() -> None:
    """What was written just before the client left is dropped: a closed transport takes it for a mistake."""
    recording = RecordingTransport()
    transport = GatheringTransport(recording)
    transport.write(b"too late")
    recording.close()
    await asyncio.sleep(0)
    assert recording.sent == []
