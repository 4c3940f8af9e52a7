"""A server that asks for a second ClientHello, as it may once: that has to name the same host as the first.

From RFC 8446: 4.1.3 and 4.1.4 (HelloRetryRequest), 5.1 (records), D.4 (records that mean nothing).
"""

from __future__ import annotations

import asyncio
import hashlib

from runtime.egress.bytes import ByteChannel
from runtime.egress.client_hello import ClientHelloReader
from runtime.egress.denial import Denied
from runtime.egress.layer import Layer
from runtime.network_values import Reason

_HANDSHAKE = b"\x16"
_OTHER_RECORDS = b"\x14\x15\x17"  # a change of ciphers, which means nothing here; alerts; early data
_RECORD_HEADER = 5
_MAX_RECORD = 2**14 + 256
_RANDOM = slice(11, 43)
"""Of an answer: after the headers of its record and of its message, and its version."""
_ASKS_AGAIN = hashlib.sha256(b"HelloRetryRequest").digest()


class HelloRetry(Layer):
    """The server below, which was sent a ClientHello for `host`, a canonical name; then the program said `rest`.

    What the program says waits until the server begins to answer. If that asks for a second ClientHello, it is read
    before it goes on; from then on, or else at once, bytes pass untouched. Raises Denied as ClientHelloReader does, and
    if another host is named.
    """

    def __init__(self, below: ByteChannel, host: str, rest: bytes) -> None:
        super().__init__(below)
        self._above = asyncio.Protocol()  # is told nothing, until there is a receiver
        self._host = host
        self._answer = b""  # as far as it takes to know
        self._is_answered = False
        self._second: ClientHelloReader | None = None  # while there is to be one
        self._kept = bytearray(rest)
        self._size = 0  # of what the reader has had of that
        self._has_room = True
        self._has_ended = False

    def hand_over(self, receiver: asyncio.Protocol) -> None:
        """See ByteChannel."""
        super().hand_over(receiver)
        if self._kept:
            receiver.pause_writing()

    def write(self, data: bytes) -> None:
        """See ByteChannel."""
        if self._second is not None:
            self._kept += data
            self._read_second(self._second)
        elif self._is_answered:
            self._below.write(data)
        else:
            if not self._kept:
                self._above.pause_writing()
            self._kept += data

    def end(self) -> None:
        """See ByteChannel."""
        if self._is_answered or not self._kept:
            self._below.end()
        else:
            self._has_ended = True

    def data_received(self, data: bytes) -> None:
        """Some of the answer."""
        if not self._is_answered:
            self._answer += data[: _RANDOM.stop]
            if not self._answer.startswith(_HANDSHAKE) or len(self._answer) >= _RANDOM.stop:
                self._go_on()
        self._above.data_received(data)

    def eof_received(self) -> None:
        """That was all."""
        if not self._is_answered:
            self._go_on()
        self._above.eof_received()

    def pause_writing(self) -> None:
        """There is no room."""
        self._has_room = False
        self._above.pause_writing()

    def resume_writing(self) -> None:
        """There is room again."""
        self._has_room = True
        if self._is_answered or not self._kept:
            self._above.resume_writing()

    def _go_on(self) -> None:
        """By now it is known what the server asks for, if anything."""
        self._is_answered = True
        if self._kept and self._has_room:
            self._above.resume_writing()
        if self._answer[_RANDOM] == _ASKS_AGAIN:
            self._second = ClientHelloReader()
            self._read_second(self._second)
        else:
            self._pass_on(len(self._kept))
        if self._has_ended:
            self._below.end()

    def _read_second(self, second: ClientHelloReader) -> None:
        """As far as it has come; once it is whole, it goes on."""
        while not self._size and self._kept[:1] and self._kept[0] in _OTHER_RECORDS:
            size = _RECORD_HEADER + int.from_bytes(self._kept[3:_RECORD_HEADER])
            if size > _RECORD_HEADER + _MAX_RECORD:
                raise Denied(Reason.NOT_TLS)
            if len(self._kept) < max(size, _RECORD_HEADER):
                return
            self._pass_on(size)
        name = second.feed(bytes(self._kept[self._size :]))
        self._size = len(self._kept)
        if name is not None:
            if name != self._host:
                raise Denied(Reason.SNI_MISMATCH)
            self._second = None
            self._pass_on(self._size)

    def _pass_on(self, size: int) -> None:
        if size:
            self._below.write(bytes(self._kept[:size]))
            del self._kept[:size]
