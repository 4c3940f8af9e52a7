"""How much may be on its way on a channel, in either direction. What the agent says of it is checked here."""

from __future__ import annotations

from runtime.link.frames import AMOUNT, COUNT, MAX_PAYLOAD, ProtocolError, decode_number
from runtime.link.unread import Unread


class Outgoing:
    """The direction to the agent, which lets `window` bytes be on their way. `sent` is how many were sent in all."""

    def __init__(self, window: int) -> None:
        self.sent = 0
        self._window = window
        self._credit = window

    @property
    def is_open(self) -> bool:
        """Whether anything may be sent."""
        return self._credit > 0

    def take(self, data: memoryview) -> memoryview:
        """As much of `data` as may go in one frame now; it counts as sent."""
        piece = data[: min(MAX_PAYLOAD, self._credit)]
        self._credit -= len(piece)
        self.sent += len(piece)
        return piece

    def add_credit(self, payload: bytes) -> None:
        """A CREDIT has come."""
        amount = decode_number(AMOUNT, payload)
        if amount == 0 or self._credit + amount > self._window:
            raise ProtocolError("credit for more than was sent")
        self._credit += amount


class Incoming:
    """The direction from the agent, which may have `window` bytes on their way or waiting to be read."""

    def __init__(self, window: int, worth: int) -> None:
        self.unread = Unread()
        self._room = window
        self._worth = worth
        self._received = 0
        self._owed = 0

    def add(self, payload: bytes) -> None:
        """A DATA has come."""
        self._room -= len(payload)
        if self._room < 0 or not payload:
            raise ProtocolError("data that wasn't asked for")
        self._received += len(payload)
        self.unread.add(payload)

    def check_end(self, payload: bytes) -> None:
        """An END has come."""
        if decode_number(COUNT, payload) != self._received:
            raise ProtocolError("an END with another count than was received")

    def take(self) -> bytes:
        """All that waits to be read; there is credit due for it."""
        data = self.unread.take()
        self._owed += len(data)
        return data

    def credit(self) -> bytes | None:
        """The payload of the CREDIT that is to be sent, when what was read is worth one: `worth` bytes."""
        if self._owed < self._worth:
            return None
        amount, self._owed = self._owed, 0
        self._room += amount
        return AMOUNT.pack(amount)
