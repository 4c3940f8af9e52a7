"""Shell events as a stream of server-sent events, in the Responses API's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Protocol

from pydantic_core import to_json

from api.errors import told
from api.schemas.shell_calls import ShellCallObject
from api.shell_output import CHUNK, OutputWriter
from api.streams import Closable, ClosingResponse
from runtime.errors import SandlotError
from runtime.values import CallDone, CommandDone, Outcome, OutputDelta, OutputEnd, OutputPiece, ShellEvent

PING = b": ping\n\n"
PING_SECONDS = 15.0
"""Proxies cut connections that stay silent, most of them after a minute; a comment is not silence."""


class Events(Closable, Protocol):
    """A call's events, to be iterated once and closed."""

    def __aiter__(self) -> AsyncIterator[ShellEvent]: ...


def event_stream(container_id: str, call_id: str, events: Events, after: int = -1) -> ClosingResponse:
    """A response with a call's events after number `after` as they come, and a ping wherever none comes for a while.

    Its Content-Location tells where the call is, to cancel or rejoin it, before the first event has come.
    """
    headers = {
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "content-location": f"/v1/containers/{container_id}/shell_calls/{call_id}",
    }
    return ClosingResponse(_encoded(call_id, aiter(events), after), events, "text/event-stream", headers)


async def _encoded(call_id: str, events: AsyncIterator[ShellEvent], last: int) -> AsyncIterator[bytes]:
    writing = EventWriter(call_id, last)
    try:
        async for event in with_pauses(events, PING_SECONDS):
            if event is None:
                if not writing.inside:
                    yield PING
            elif chunk := writing.write(event):
                yield chunk
    except SandlotError as error:
        if writing.inside:  # an event that has begun can't become another: the response is cut off
            raise
        yield encode(
            {
                "type": "error",
                "code": error.code,
                "message": told(error),
                "param": error.param,
                "sequence_number": writing.last + 1,
            }
        )


async def with_pauses(events: AsyncIterator[ShellEvent], seconds: float) -> AsyncGenerator[ShellEvent | None]:
    """The same events, and None whenever none has come for `seconds`. Waiting for one is never interrupted."""
    while True:
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while not (await asyncio.wait({coming}, timeout=seconds))[0]:
                yield None
            event = coming.result()
        finally:
            await _cancelled(coming)
        if event is None:
            return
        yield event


async def _cancelled(coming: asyncio.Future[Any]) -> None:
    """End a wait that nobody is interested in any more, so that its generator can be closed."""
    if not coming.done():
        coming.cancel()
        await asyncio.wait({coming})


class EventWriter:
    """Writes events as they are sent. Those with an output are written in chunks, as that comes."""

    def __init__(self, call_id: str, last: int) -> None:
        self.inside = False
        """Whether part of an event is sent, and not yet all of it."""
        self.last = last
        """The number of the last event."""
        self._call_id = call_id
        self._output = OutputWriter({}, ())
        self._chunk = bytearray()

    def write(self, event: ShellEvent) -> bytes:
        """What is to be sent now, if anything."""
        self.last = event.sequence_number
        match event:
            case OutputDelta():
                return encode(_content("delta", event, self._call_id) | {"delta": {event.stream: event.text}})
            case CommandDone():
                self._begin(_content("done", event, self._call_id), [event.outcome], event.command_index)
            case CallDone():
                call = {"shell_call": ShellCallObject.of(event.call)}
                kind = "container.shell_call.completed"
                self._begin({"type": kind, "sequence_number": event.sequence_number} | call, event.call.outcomes)
            case OutputPiece():
                self._chunk += self._output.piece(event)
                if len(self._chunk) >= CHUNK:
                    self.inside = True
                    return self._take()
            case OutputEnd():
                self._chunk += self._output.end() + b"\n\n"
                self.inside = False
                return self._take()
        return b""

    def _begin(self, data: dict[str, Any], outcomes: Sequence[Outcome | None], first: int = 0) -> None:
        self._output = OutputWriter(data, outcomes, first)
        self._chunk += b"event: %b\ndata: %b" % (data["type"].encode(), self._output.begin())

    def _take(self) -> bytes:
        chunk = bytes(self._chunk)
        self._chunk.clear()
        return chunk


def _content(kind: str, event: OutputDelta | CommandDone, call_id: str) -> dict[str, Any]:
    return {
        "type": f"response.shell_call_output_content.{kind}",
        "sequence_number": event.sequence_number,
        "item_id": output_item_id(call_id),
        "output_index": 0,
        "command_index": event.command_index,
    }


def output_item_id(call_id: str) -> str:
    """The id of a call's output item. It follows from the call's, so every stream of a call has the same."""
    return f"sho_{call_id.removeprefix('sh_')}"


def encode(data: dict[str, Any]) -> bytes:
    """One event as it is sent. JSON has no line breaks of its own, so one `data` line holds it."""
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), to_json(data))
