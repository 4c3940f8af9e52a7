"""The link's frames: what both ends write and read. Sent to the sandbox with the agent, so: stdlib, Python 3.9.

A frame is a header of 9 bytes, `<BII`: kind, channel, length of the payload (at most 64 KiB), then the payload.

A stream can be cut anywhere, when the service is killed or the engine drops a connection. The next one to attach
first sends PREAMBLE, more 0xFF bytes than any frame is long, then HELLO. Whatever half frame the reader was in is
filled up by 0xFF bytes, and the layout sees to it that none passes for a whole one: a header cut short gets a
length over the maximum (it ends in the length's highest byte), END a count that is never right, OPEN and RESET
broken JSON, CREDIT more than was ever sent. Only DATA can pass, and data counts for nothing before its END; and
HELLO, which does no more than the one that follows, and whose answer nobody waits for.

A connection that a program in the sandbox makes is a channel that the agent opens, with a number from AGENT_CHANNELS
on, each higher than the one before in its session. There is no REPLY: both ends send DATA at once, within
CONNECTION_WINDOW, each way until its END. CREDIT for what goes to the program is given when the program has taken it.
The agent's last frame on such a channel is always one RESET: it confirms the host's, or says that all is over. Here
DATA counts at once, so what ends in a byte of padding counts when another frame of the channel has come, if need be
an empty DATA.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator

TYPE_CHECKING = False  # instead of typing's: to import that takes every sandbox half a megabyte, and 4 ms
if TYPE_CHECKING:
    from typing import Any

VERSION = 2  # of all that is said over a link: raised when any of it changes, as agents outlive the service
MAX_PAYLOAD = 64 * 1024
WINDOW = 1024 * 1024  # bytes a sender may have on their way, unread, per channel and direction
AGENT_CHANNELS = 2**31  # from this number on, channels are opened by the agent
CONNECTION_WINDOW = 256 * 1024  # the same on these: there may be many at once whose other end is slow
NONCE_SIZE = 16

HEADER = struct.Struct("<BII")
COUNT = struct.Struct("<Q")  # END: how many bytes of DATA the channel carried in this direction
AMOUNT = struct.Struct("<I")  # CREDIT: how many more bytes may be sent
GREETING = struct.Struct(f"<{NONCE_SIZE}sB")  # HELLO: the nonce, the protocol version

PAD = 0xFF
PREAMBLE = bytes([PAD]) * (HEADER.size + MAX_PAYLOAD)
_PADDING = re.compile(b"\xff*")

HELLO = 1  # both ways: start over
OPEN = 2  # both ways: JSON header of a request
REPLY = 3  # agent to host: JSON header of the answer
DATA = 4  # both ways: bytes of the body
END = 5  # both ways: the body is whole
RESET = 6  # both ways: give up the channel; JSON {"code", "message"}
CREDIT = 7  # both ways: the receiver has read that much

_JSON = json.JSONEncoder(separators=(",", ":"))

KINDS = frozenset({HELLO, OPEN, REPLY, DATA, END, RESET, CREDIT})

Json = dict[str, "Any"]


class ProtocolError(Exception):
    """The other end sent what the protocol does not allow."""


class Frame:
    """One frame as it was read."""

    __slots__ = ("channel", "kind", "payload")

    def __init__(self, kind: int, channel: int, payload: bytes) -> None:
        self.kind = kind
        self.channel = channel
        self.payload = payload

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)


def encode(kind: int, channel: int, payload: bytes | memoryview = b"") -> bytes:
    """The bytes of one frame. The payload is at most MAX_PAYLOAD long."""
    return HEADER.pack(kind, channel, len(payload)) + payload


def json_bytes(value: object) -> bytes:
    """A value as JSON, without blanks."""
    return _JSON.encode(value).encode("ascii")


def encode_json(kind: int, channel: int, value: Json) -> bytes:
    """A frame whose payload is a JSON object; ValueError when it doesn't fit into one."""
    payload = json_bytes(value)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a header of {len(payload)} bytes doesn't fit into a frame")
    return encode(kind, channel, payload)


def decode_json(payload: bytes) -> Json:
    """The JSON object in a payload."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a payload isn't JSON") from error
    if not isinstance(value, dict):
        raise ProtocolError("a payload isn't a JSON object")
    return value


def decode_number(layout: struct.Struct, payload: bytes) -> int:
    """The number of a CREDIT's (AMOUNT) or END's (COUNT) payload."""
    if len(payload) != layout.size:
        raise ProtocolError(f"a number of {len(payload)} bytes instead of {layout.size}")
    number: int = layout.unpack(payload)[0]
    return number


class Decoder:
    """Cuts a stream of bytes into frames, skipping padding between them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take some more bytes and give the frames that are now whole; ProtocolError when they can't be any.

        Who stops half-way gets the others the next time, for which no more bytes are needed.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while True:
                if start < len(buffer) and buffer[start] == PAD:
                    start = _end_of_padding(buffer, start)
                if len(buffer) - start < HEADER.size:
                    return
                kind, channel, length = HEADER.unpack_from(buffer, start)
                if kind not in KINDS or length > MAX_PAYLOAD:
                    raise ProtocolError(f"no such frame: kind {kind}, {length} bytes")
                end = start + HEADER.size + length
                if len(buffer) < end:
                    return
                payload = bytes(memoryview(buffer)[start + HEADER.size : end])
                start = end
                yield Frame(kind, channel, payload)
        finally:
            del buffer[:start]

    def resynchronise(self) -> None:
        """After a ProtocolError: skip to the next padding, which only a PREAMBLE has where it isn't expected."""
        start = self._buffer.find(PAD)
        del self._buffer[: start if start >= 0 else len(self._buffer)]


def _end_of_padding(buffer: bytearray, start: int) -> int:
    """The index of the first byte from `start` on that isn't padding. Nothing is copied: there may be much after it."""
    found = _PADDING.match(buffer, start)
    return found.end() if found else start
