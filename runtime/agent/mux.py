"""The agent's end of the link: requests come in on channels, each is answered on its own."""

from __future__ import annotations

import itertools
import os
import socket
from collections import deque
from collections.abc import Callable
from functools import partial

from runtime.agent.carrier import Carrier
from runtime.agent.channel import Channel, Request, RequestFailed
from runtime.agent.loop import Loop
from runtime.link.frames import (
    AGENT_CHANNELS,
    AMOUNT,
    CONNECTION_WINDOW,
    COUNT,
    CREDIT,
    DATA,
    END,
    GREETING,
    HELLO,
    MAX_PAYLOAD,
    OPEN,
    RESET,
    TYPE_CHECKING,
    VERSION,
    Frame,
    Json,
    ProtocolError,
    decode_json,
    decode_number,
    encode,
    encode_json,
)

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

MAX_NUMBER = 2**32 - 1
SOCKET_SIZE = 1024 * 1024  # wanted; kernels give less, but enough for the host to be seldom waited for
OUTPUT_HIGH = 256 * 1024  # bytes waiting to be written, above which no more body is produced


Answer = Callable[[Json, Channel], Request]
"""Makes the request that answers a channel, from its header.

Raises RequestFailed when the header asks for something that doesn't exist or can't be.
"""


class Mux:
    """Reads frames from a carrier, writes frames to it, and keeps the channels apart.

    That carrier is the one on which the host has last said HELLO: the descriptors `source` and `sink`, or a socket.
    """

    def __init__(self, loop: Loop, source: int, sink: int, answer: Answer) -> None:
        self._loop = loop
        self._answer = answer
        self._standard = self._carrier = Carrier(loop, source, sink)
        self._channels: dict[int, Channel] = {}
        self._ready: deque[Channel] = deque()
        self._output = bytearray()
        self._numbers = itertools.count(AGENT_CHANNELS)
        self._standard.on_readable(partial(self._read, self._standard))
        loop.after_each = self._flush

    @property
    def has_room(self) -> bool:
        """Whether to begin anything new: bodies alone don't fill this much."""
        return len(self._output) < 2 * OUTPUT_HIGH

    def open(self, header: Json) -> Channel:
        """Open a channel to the host. What its frames are for is up to the caller, who sets its request."""
        number = next(self._numbers)
        if number > MAX_NUMBER:
            raise RequestFailed("no_channels", "There are no numbers left until the link starts over.")
        channel = self._channels[number] = Channel(self, number, CONNECTION_WINDOW)
        self.send(encode_json(OPEN, number, header))
        return channel

    def close(self, channel: Channel, reason: Json) -> None:
        """End a channel, giving the host a reason if there is one."""
        self._forget(channel)
        self.send(encode_json(RESET, channel.number, reason))

    def send(self, frame: bytes) -> None:
        """Queue a frame."""
        self._output += frame

    def wake(self, channel: Channel) -> None:
        """Let a channel produce when there is room."""
        if channel not in self._ready:
            self._ready.append(channel)

    def meet(self, address: str) -> None:
        """Be there for the host at a socket as well, whose abstract address this is. OSError where that can't be."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_SIZE)
            sock.connect(f"\0{address}")
            carrier = Carrier(self._loop, os.dup(sock.fileno()), os.dup(sock.fileno()))
        carrier.on_readable(partial(self._read, carrier))

    def _read(self, carrier: Carrier) -> None:
        data = carrier.read()
        if data is None:
            return
        if not data:
            self._end(carrier)
            return
        while True:
            try:
                for frame in carrier.decoder.feed(data):
                    if frame.kind == HELLO:
                        self._start_over(carrier, frame.payload)
                    elif carrier is self._carrier:
                        self._dispatch(frame)
            except ProtocolError:
                carrier.decoder.resynchronise()
                data = b""
            else:
                return

    def _end(self, carrier: Carrier) -> None:
        """Nothing more will come there."""
        if carrier is self._standard:  # then nobody will ever ask anything again
            self._loop.stop()
            return
        carrier.close()
        if carrier is self._carrier:
            self._drop_all()
            self._carrier = self._standard

    def _dispatch(self, frame: Frame) -> None:
        if frame.kind == OPEN:
            self._open(frame)
        else:
            channel = self._channels.get(frame.channel)
            if channel is None:
                return  # it ended here while the host was still sending
            self._attempt(channel, lambda: self._advance(channel, frame))

    def _start_over(self, carrier: Carrier, greeting: bytes) -> None:
        """A host, perhaps a new one, begins: nothing of what was under way on the link is of use any more."""
        try:
            nonce, _ = GREETING.unpack(greeting)
        except Exception as error:
            raise ProtocolError("a HELLO of another length") from error
        self._drop_all()
        if self._carrier not in (carrier, self._standard):
            self._carrier.close()
        self._carrier = carrier
        self.send(encode(HELLO, 0, GREETING.pack(nonce, VERSION)))

    def _drop_all(self) -> None:
        """Let go of whatever was under way."""
        for channel in list(self._channels.values()):
            channel.request.abort()
        self._channels.clear()
        self._numbers = itertools.count(AGENT_CHANNELS)
        self._ready.clear()
        self._output.clear()

    def _open(self, frame: Frame) -> None:
        header = decode_json(frame.payload)
        if frame.channel in self._channels:
            raise ProtocolError("an OPEN of a channel that is open")
        channel = Channel(self, frame.channel)
        self._channels[frame.channel] = channel
        request = self._attempt(channel, lambda: self._answer(header, channel))
        if request is not None:
            channel.request = request

    def _advance(self, channel: Channel, frame: Frame) -> None:
        """One more frame of a channel that is open."""
        if frame.kind == DATA:
            channel.received += len(frame.payload)
            channel.request.receive(frame.payload)
            channel.unacknowledged += len(frame.payload)
            channel.acknowledge()
        elif frame.kind == END:
            if decode_number(COUNT, frame.payload) != channel.received:
                raise ProtocolError("an END with another count than was received")
            channel.request.end()
        elif frame.kind == CREDIT:
            amount = decode_number(AMOUNT, frame.payload)
            if channel.credit + amount > channel.window:
                raise ProtocolError("credit for more than was sent")
            channel.credit += amount
            self.wake(channel)
        elif frame.kind == RESET:
            decode_json(frame.payload)
            channel.request.abort()
            self.close(channel, {})

    def _attempt(self, channel: Channel, step: Callable[[], T]) -> T | None:
        """Take a step of a channel's request. Whatever goes wrong with it ends the request and not the agent."""
        try:
            return step()
        except ProtocolError:
            raise
        except RequestFailed as failure:
            self._fail(channel, failure)
        except Exception as error:  # noqa: BLE001 - the first process must live, or the sandbox ends
            self._fail(channel, RequestFailed("failed", repr(error)))
        return None

    def _fail(self, channel: Channel, failure: RequestFailed) -> None:
        channel.request.abort()
        self.close(channel, {"code": failure.code, "message": failure.message[:1000]})

    def _forget(self, channel: Channel) -> None:
        self._channels.pop(channel.number, None)
        if channel in self._ready:
            self._ready.remove(channel)

    def _produce(self) -> None:
        """Let the channels that are ready produce, a frame each in turn, while there is room for it."""
        while self._ready and len(self._output) < OUTPUT_HIGH:
            channel = self._ready.popleft()
            if channel.credit == 0:
                continue  # CREDIT wakes it again
            body = self._attempt(channel, partial(channel.request.produce, min(MAX_PAYLOAD, channel.credit)))
            if body is None:
                continue  # it failed
            if body:
                channel.credit -= len(body)
                channel.sent += len(body)
                self.send(encode(DATA, channel.number, body))
                self._ready.append(channel)
            elif channel.request.finished:
                channel.end()
                self._forget(channel)

    def _flush(self) -> None:
        """Produce and write as much as the carrier takes."""
        self._produce()
        while self._output and not self._carrier.full:
            self._carrier.write(self._output)
            self._produce()
