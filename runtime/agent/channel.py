"""What the host asks for on a channel of the link, and the way back to it."""

from __future__ import annotations

from runtime.link.frames import (
    AMOUNT,
    COUNT,
    CREDIT,
    END,
    REPLY,
    TYPE_CHECKING,
    WINDOW,
    Json,
    encode,
    encode_json,
)

if TYPE_CHECKING:
    from runtime.agent.mux import Mux


class RequestFailed(Exception):
    """A request can't be done. The code and the message go to the host."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Request:
    """What answers one channel. Any of its methods may raise RequestFailed, which ends it."""

    finished = False
    """Whether the body of the answer ends where `produce` next has nothing."""

    @property
    def held(self) -> int:
        """How many bytes it has received that take room until it calls `acknowledge`."""
        return 0

    def receive(self, data: bytes) -> None:
        """Take a piece of the request's body."""

    def end(self) -> None:
        """The request's body is whole. The answer may begin."""

    def produce(self, limit: int) -> bytes:
        """Up to `limit` bytes of the answer's body; nothing when there is none at the moment."""
        return b""

    def abort(self) -> None:
        """Let go of what the request holds; called when it failed or the host has given up."""


class Channel:
    """One request's way back to the host, or a connection's."""

    def __init__(self, mux: Mux, number: int, window: int = WINDOW) -> None:
        self.number = number
        self.window = window
        self.request = Request()  # until it is known which
        self.received = 0
        self.unacknowledged = 0
        self.sent = 0
        self.credit = window
        self._mux = mux

    def reply(self, header: Json) -> None:
        """Send the header of the answer; the body follows."""
        self._mux.send(encode_json(REPLY, self.number, header))

    def wake(self) -> None:
        """The request has something to produce, or is finished."""
        self._mux.wake(self)

    def acknowledge(self) -> None:
        """Let the host send more, when what was taken is worth a frame."""
        taken = self.unacknowledged - self.request.held
        if taken >= self.window // 4:
            self._mux.send(encode(CREDIT, self.number, AMOUNT.pack(taken)))
            self.unacknowledged -= taken

    def end(self) -> None:
        """What was produced is all of the body."""
        self._mux.send(encode(END, self.number, COUNT.pack(self.sent)))

    def close(self) -> None:
        """End a channel that the agent opened."""
        self._mux.close(self, {})
