"""Shell events as a stream of server-sent events, in the Responses API's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Protocol

from pydantic_core import to_json

from api.errors import told
from api.schemas.shell_calls import OutputObject, ShellCallObject
from api.streams import Closable, ClosingResponse
from runtime.errors import SandlotError
from runtime.values import CallDone, CommandDone, OutputDelta, ShellEvent

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
    try:
        async for event in with_pauses(events, PING_SECONDS):
            if event is None:
                yield PING
            else:
                last = event.sequence_number
                yield encode(payload(event, call_id))
    except SandlotError as error:
        yield encode(
            {
                "type": "error",
                "code": error.code,
                "message": told(error),
                "param": error.param,
                "sequence_number": last + 1,
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


def payload(event: ShellEvent, call_id: str) -> dict[str, Any]:
    """An event's data. A call is one output item, with one content part a command."""
    match event:
        case CallDone():
            return {
                "type": "container.shell_call.completed",
                "sequence_number": event.sequence_number,
                "shell_call": ShellCallObject.of(event.call),
            }
        case OutputDelta():
            return _content("delta", event, call_id) | {"delta": {event.stream: event.text}}
        case CommandDone():
            return _content("done", event, call_id) | {"output": [OutputObject.of(event.output)]}


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
