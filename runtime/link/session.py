"""The host's end of a link."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from contextvars import Context
from functools import partial
from time import monotonic

from runtime.errors import AgentMisbehaved, NotFound, SandboxLost
from runtime.link.channel import Channel, Failure
from runtime.link.connection import LinkConnection
from runtime.link.frames import (
    AGENT_CHANNELS,
    END,
    GREETING,
    HEADER,
    HELLO,
    MAX_PAYLOAD,
    NONCE_SIZE,
    OPEN,
    PREAMBLE,
    RESET,
    VERSION,
    WINDOW,
    Decoder,
    Frame,
    Json,
    ProtocolError,
    decode_json,
    encode,
    encode_json,
)
from runtime.streams import ByteStream
from runtime.turns import LARGE, in_turn, share_turns

log = logging.getLogger(__name__)

TURN_SECONDS = 0.0005  # of frames that have come at once; the others wait for the link's next turn
RETRY_SECONDS = 2.0  # HELLO is said again after that, then after twice that, and so on: see _Greeting
SMALL = 4096  # bytes of a frame that is worth a copy to be sent along with others
SLACK = 4 * MAX_PAYLOAD  # what a given-up channel may still send beside its data
MAX_GIVEN_UP = 10_000  # channels whose end the agent still has to confirm; mostly it does at once

OnOpen = Callable[[Json, LinkConnection], None]
"""Takes a connection that a program in the sandbox makes, and closes it sooner or later. Its header isn't trusted."""


class LinkSession:
    """A link on which agent and host have agreed to start over. Closed for good at the first breach or loss."""

    def __init__(self, stream: ByteStream, on_open: OnOpen) -> None:
        self._stream = stream
        self._on_open = on_open
        self._decoder = Decoder()
        self._channels: dict[int, Channel | LinkConnection] = {}
        self._given_up: dict[int, int] = {}  # channels whose end isn't confirmed yet: bytes they may still send
        self._numbers = itertools.count(1)
        self._last_opened = AGENT_CHANNELS - 1  # by the agent
        self._lost: Failure | None = None
        self._on_lost: list[Callable[[], None]] = []
        self._turns = Context()  # the sandbox's own
        self._turns.run(share_turns)
        self._room = asyncio.Lock()
        self._unsent: list[bytes] = []

    @classmethod
    async def establish(cls, stream: ByteStream, deadline: float, on_open: OnOpen | None = None) -> LinkSession:
        """Start over with whatever the agent is doing; SandboxLost after `deadline` seconds without an answer.

        NotFound when the agent speaks another version of the protocol: to this service there is no such sandbox.
        `on_open` gets each connection out of the sandbox; without it they are all reset. The stream is the session's
        from here on: it is closed when this fails.
        """
        session = cls(stream, on_open or _refuse)
        greeting = _Greeting(stream)
        stream.start(greeting.receive, greeting.closed)
        try:
            async with asyncio.timeout(deadline):
                rest = await greeting.exchange()
        except TimeoutError:
            stream.close()
            raise SandboxLost("The sandbox's agent doesn't answer.") from None
        except BaseException:
            stream.close()
            raise
        stream.start(session._receive, session._closed)
        session._receive(rest)
        return session

    async def meet(self, address: str) -> None:
        """Let the agent connect to an abstract Unix address. RequestRefused if it can't, or knows nothing of that.

        The host may establish a session there, with which this one is over.
        """
        with self.open({"op": "meet", "address": address}) as channel:
            channel.end()
            await channel.header()

    @property
    def lost(self) -> bool:
        """Whether the link has ended."""
        return self._lost is not None

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back once, when the link ends; at once if it has."""
        if self.lost:
            callback()
        else:
            self._on_lost.append(callback)

    def open(self, header: Json) -> Channel:
        """Begin a request; SandboxLost when the link has ended, ValueError when the header is over 64 KiB."""
        if self._lost is not None:
            raise self._lost()
        channel = Channel(self, next(self._numbers))
        frame = encode_json(OPEN, channel.number, header)
        self._channels[channel.number] = channel  # before it is sent: the link may end right there
        self.send(frame)
        return channel

    def send(self, frame: bytes) -> None:
        """Queue a frame. Small ones wait for what else is sent in the same turn: every write may wake the agent."""
        self._unsent.append(frame)
        if len(frame) > SMALL:
            self.flush()
        elif len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    async def room(self) -> None:
        """Wait until a frame can be queued, which is to be done at once then.

        In turn: if all who wait went on at the same moment, each would queue one more.
        """
        async with self._room:
            await self._stream.drain()

    def give_up(self, channel: Channel | LinkConnection) -> None:
        """Tell the agent that nobody waits for an answer any more."""
        if channel.number in self._channels:
            self.send(encode_json(RESET, channel.number, {}))
            self._await_end(channel.number)

    def finish(self, connection: LinkConnection) -> None:
        """A connection has ended on both sides; the agent still confirms it."""
        self._await_end(connection.number)

    def forget(self, channel: Channel | LinkConnection) -> None:
        """A channel has ended on both sides."""
        self._channels.pop(channel.number, None)

    def close(self) -> None:
        """End the link; idempotent. The sandbox goes on."""
        self._fail(partial(SandboxLost, "The container is gone, or the service is ending."))
        self._stream.close()

    def flush(self) -> None:
        """Send what is queued."""
        if self._unsent:
            frames = b"".join(self._unsent)
            self._unsent.clear()  # before they are written: the link may end right there
            self._stream.write(frames)

    def _receive(self, data: bytes) -> None:
        """Some bytes. Where they are many, or take long, no more are read until the link has its turn."""
        if not self._handle(data) or len(data) >= LARGE:
            self._stream.pause()
            self._turns.run(in_turn, self._go_on)

    def _go_on(self) -> None:
        if self._handle(b""):
            self._stream.resume()
        else:
            in_turn(self._go_on)

    def _handle(self, data: bytes) -> bool:
        """Handle the frames that have come, for as long as a turn may take; whether none is left."""
        until = monotonic() + TURN_SECONDS
        try:
            for frame in self._decoder.feed(data):
                if self.lost:
                    return True
                channel = self._channels.get(frame.channel)
                if channel is not None:
                    channel.handle(frame)
                elif frame.kind == OPEN:
                    self._accept(frame)
                else:
                    self._handle_late(frame)
                if monotonic() > until:
                    return False
        except ProtocolError as error:
            self._end(str(error))
        return True

    def _end(self, breach: str) -> None:
        log.warning("a sandbox broke the link's protocol: %s", breach)
        self._fail(partial(AgentMisbehaved, "The sandbox broke the link's protocol."))
        self._stream.close()

    def _accept(self, frame: Frame) -> None:
        """The agent opens a channel."""
        if frame.channel <= self._last_opened:
            raise ProtocolError(f"an OPEN of channel {frame.channel}, whose turn it isn't")
        self._last_opened = frame.channel
        connection = LinkConnection(self, frame.channel)
        header = decode_json(frame.payload)
        self._channels[frame.channel] = connection
        self._on_open(header, connection)

    def _await_end(self, number: int) -> None:
        """Nothing that comes on a channel matters any more, but how much, and that it ends."""
        del self._channels[number]
        self._given_up[number] = WINDOW + SLACK
        if len(self._given_up) > MAX_GIVEN_UP:
            self._end("channels that were given up never end")

    def _handle_late(self, frame: Frame) -> None:
        """A frame of a channel that was given up; how many there can be is bounded."""
        left = self._given_up.get(frame.channel)
        if left is None:
            raise ProtocolError(f"a frame on channel {frame.channel}, which isn't open")
        left -= HEADER.size + len(frame.payload)
        if left < 0:
            raise ProtocolError("more data than was asked for")
        if frame.kind == RESET or (frame.kind == END and frame.channel < AGENT_CHANNELS):
            del self._given_up[frame.channel]
        else:
            self._given_up[frame.channel] = left

    def _closed(self) -> None:
        self._fail(partial(SandboxLost, "The sandbox's link ended."))

    def _fail(self, error: Failure) -> None:
        if self._lost is None:
            self._lost = error
        for channel in list(self._channels.values()):
            channel.fail(error)
        self._channels.clear()
        callbacks, self._on_lost = self._on_lost, []
        for callback in callbacks:
            callback()


def _refuse(_: Json, connection: LinkConnection) -> None:
    connection.close()


class _Greeting:
    """Says HELLO and looks for the answer to it in whatever comes.

    Bytes of an older connection may mix with it, so after a while it is said again. Ever more patiently, so that an
    agent that is slow is not always late. No more is read than was looked at: it may be endless.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._received = bytearray()
        self._changed = asyncio.Event()
        self._over = False

    def receive(self, data: bytes) -> None:
        self._received += data
        self._stream.pause()
        self._changed.set()

    def closed(self) -> None:
        self._over = True
        self._changed.set()

    async def exchange(self) -> bytes:
        """Bytes that came after the agent's answer."""
        patience = RETRY_SECONDS
        while True:
            # A fresh nonce each time: an answer to an earlier one that comes late is passed over with the rest.
            nonce = os.urandom(NONCE_SIZE)
            self._stream.write(PREAMBLE + encode(HELLO, 0, GREETING.pack(nonce, VERSION)))
            try:
                async with asyncio.timeout(patience):
                    return await self._find(HEADER.pack(HELLO, 0, GREETING.size) + nonce)
            except TimeoutError:
                patience *= 2

    async def _find(self, answer: bytes) -> bytes:
        while True:
            start = self._received.find(answer)
            end = start + len(answer)
            if start >= 0 and len(self._received) > end:
                if self._received[end] != VERSION:
                    raise NotFound("The sandbox speaks another version of the link's protocol.")
                return bytes(self._received[end + 1 :])
            if start < 0:
                del self._received[: -len(answer)]
            if self._over:
                raise SandboxLost("The sandbox's link ended.")
            self._changed.clear()
            self._stream.resume()
            await self._changed.wait()
