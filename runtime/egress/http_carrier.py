"""A conversation in HTTP, between the channels of those who hold it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runtime.egress.bytes import ByteChannel, ChannelBroken
from runtime.egress.http_answers import MAX_SEARCHED, own_answer
from runtime.egress.http_conversation import Conversation
from runtime.egress.pace import Pace
from runtime.network_values import Reason
from runtime.turns import LARGE, in_turn

PIECE = 32 * 1024
"""Bytes of one side that are looked at in one go, at most.

The worst ones take 30 ms, as long as the side isn't known for that. Half as many would take a quarter off what passes.
"""

SMALL = 32
"""What is smaller than this part of a piece is looked at as soon as it comes. All else waits for its turn: of hundreds
of connections that get something at the same time, each may take the 30 ms."""


class HttpCarrier:
    """Carries a conversation of the program at `client`: first `is_asked`, then `carry`, if there is a server to be.

    Both raise what the conversation fails by. `deny` is called when it ends by a refusal, of which the program is told.
    """

    def __init__(self, conversation: Conversation, client: ByteChannel, deny: Callable[[Reason], None]) -> None:
        self._conversation = conversation
        self._program = _Side(client, conversation.from_program, _fail, self, PIECE)
        self._server: _Side | None = None
        self._deny = deny
        self._asked = asyncio.Event()
        self._over = asyncio.Event()
        self._failure: Exception | None = None

    async def is_asked(self) -> bool:
        """Wait for a first request that is in order; False when it is over without one."""
        self._program.channel.hand_over(self._program)
        await self._asked.wait()
        self._raise_failure()
        return not self._over.is_set()

    async def carry(self, server: ByteChannel) -> None:
        """Carry it with this server, until it is over."""
        most = min(PIECE, MAX_SEARCHED // max(self._conversation.most_sought, 1))
        self._server = _Side(server, self._conversation.from_server, self._lose_server, self, most)
        server.hand_over(self._server)
        self.take(_say_nothing)  # what the program has asked meanwhile is handed out
        await self._over.wait()
        self._raise_failure()

    def take(self, step: Callable[..., None], *given: object) -> None:
        """A step of the conversation, as long as it isn't over: what comes of it is handed out."""
        if self._over.is_set():
            return
        try:
            step(*given)
            self._hand_out()
        except Exception as error:  # noqa: BLE001 - it is raised where the end is waited for
            self._failure = error
        if self._conversation.over or self._failure is not None:
            self._over.set()
            self._asked.set()
        else:
            self.make_wait()

    def make_wait(self) -> None:
        """Let each side wait with what it says next, if it has to."""
        program, server = self._program, self._server
        if server is None:
            has_room = len(self._conversation.to_server) < LARGE
        else:
            has_room = server.has_room
            server.wait(not program.has_room)
        program.wait(not has_room or self._conversation.is_early)

    def _hand_out(self) -> None:
        conversation = self._conversation
        if conversation.to_server:
            self._asked.set()
            if self._server is not None:
                with suppress(ChannelBroken):  # what it has said before still counts
                    self._server.channel.write(_emptied(conversation.to_server))
        if conversation.to_program:
            self._program.channel.write(_emptied(conversation.to_program))
        if (refusal := conversation.refusal) is not None:
            self._deny(refusal.reason)
            self._program.channel.write(own_answer(refusal.status, refusal.text))

    def _lose_server(self, error: Exception) -> None:
        if not isinstance(error, ChannelBroken):
            raise error
        self._conversation.server_lost()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class _Side(asyncio.Protocol):
    """What one side says, taken piece by piece so that others have their turn, and then its end or its loss."""

    def __init__(
        self,
        channel: ByteChannel,
        take: Callable[[bytes | memoryview], None],
        lose: Callable[[Exception], None],
        carrier: HttpCarrier,
        most: int,
    ) -> None:
        self.channel = channel
        self.has_room = True
        self._rest: bytes | memoryview = b""  # that wasn't taken yet
        self._take = take
        self._lose = lose
        self._carrier = carrier
        self._pace = Pace(most)
        self._small = most // SMALL
        self._endings: list[Callable[[], None]] = []
        self._waits = False
        self._is_paused = False
        self._awaits_turn = False

    def wait(self, yes: bool) -> None:
        """Whether it has to wait with what it says, also with what has come already: that may become much more."""
        self._waits = yes
        if (paused := yes or bool(self._rest)) is not self._is_paused:
            self._is_paused = paused
            if paused:
                self.channel.pause()
            else:
                self.channel.resume()
        self._await_turn()

    def data_received(self, data: bytes) -> None:
        """Some bytes."""
        is_more = bool(self._rest)
        self._rest = memoryview(bytes(self._rest) + data) if is_more else data
        if is_more or len(data) >= PIECE:
            self.wait(self._waits)
        elif len(data) >= self._small:
            self._await_turn()
        else:
            self._go_on()

    def eof_received(self) -> None:
        """No more bytes."""
        self._end(partial(self._take, b""))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone. What it has said counts, but nobody waits for that."""
        if self._waits:
            self._rest = b""
        self._end(partial(self._lose, exc or ChannelBroken()))

    def pause_writing(self) -> None:
        """There is no room."""
        self.has_room = False
        self._carrier.make_wait()

    def resume_writing(self) -> None:
        """There is room again."""
        self.has_room = True
        self._carrier.make_wait()

    def _end(self, ending: Callable[[], None]) -> None:
        self._endings.append(ending)
        if not self._rest:
            self._go_on()

    def _await_turn(self) -> None:
        """For the rest, if there is any."""
        if self._rest and not (self._waits or self._awaits_turn):
            self._awaits_turn = True
            in_turn(self._go_on)

    def _go_on(self) -> None:
        self._awaits_turn = False
        if self._rest and not self._waits:
            self._take_piece()
        self._await_turn()
        while self._endings and not self._rest:
            self._carrier.take(self._endings.pop(0))

    def _take_piece(self) -> None:
        """Of what is waiting, as much as may be taken at once."""
        rest, size = self._rest, self._pace.size
        if len(rest) <= size:
            piece, self._rest = rest, b""
        else:
            piece, self._rest = memoryview(rest)[:size], memoryview(rest)[size:]
        began = time.perf_counter()
        self._carrier.take(self._take, piece)
        self._pace.took(time.perf_counter() - began)


def _say_nothing() -> None:
    """A step in which nobody says anything."""


def _fail(error: Exception) -> None:
    raise error


def _emptied(buffer: bytearray) -> bytes:
    """What was in there."""
    data = bytes(buffer)
    buffer.clear()
    return data
