from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.server_sent_events import PING, event_stream, with_pauses
from api.shell_output import CHUNK
from runtime.errors import SandboxLost
from runtime.values import (
    CallDone,
    CallStatus,
    CommandDone,
    ExitOutcome,
    OutputDelta,
    OutputEnd,
    OutputPiece,
    ShellCall,
    ShellEvent,
)

DELTA = OutputDelta(0, 1, "stderr", "é\n\u2028")
CALL = ShellCall("sh_12", "cntr_1", 1, CallStatus.COMPLETED, ["a", "b"], 5, 6, [ExitOutcome(1), ExitOutcome(0)])


async def stream(*events: ShellEvent | Exception) -> AsyncGenerator[ShellEvent]:
    """These events, as the runtime would give them."""
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event


async def sent(*events: ShellEvent | Exception, after: int = -1) -> list[tuple[str, dict[str, Any]]]:
    """What a client sees of these events: their names and data."""
    response = event_stream("cntr_1", "sh_12", stream(*events), after)
    body = b"".join([bytes(chunk) async for chunk in response.body_iterator])  # type: ignore[arg-type]  # bytes here
    seen = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        seen.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return seen


async def test_shapes() -> None:
    """Events have the Responses API's shapes, and one item id that follows from the call's."""
    place = {"item_id": "sho_12", "output_index": 0, "command_index": 1}
    output = {"stdout": "", "stderr": "é\n", "outcome": {"type": "exit", "exit_code": 0}}
    events = await sent(
        DELTA,
        CommandDone(1, 1, ExitOutcome(0)),
        OutputPiece(1, 1, "stderr", "é\n"),
        OutputEnd(1),
        CallDone(2, CALL),
        OutputPiece(2, 0, "stdout", "a"),
        OutputPiece(2, 0, "stdout", "b"),
        OutputPiece(2, 1, "stderr", "é\n"),
        OutputEnd(2),
    )
    assert [name for name, _ in events] == [data["type"] for _, data in events]
    delta, done, completed = (data for _, data in events)
    assert delta == {
        "type": "response.shell_call_output_content.delta",
        "sequence_number": 0,
        "delta": {"stderr": "é\n\u2028"},
        **place,
    }
    assert done == {
        "type": "response.shell_call_output_content.done",
        "sequence_number": 1,
        "output": [output],
        **place,
    }
    assert (completed["type"], completed["sequence_number"]) == ("container.shell_call.completed", 2)
    other = {"stdout": "ab", "stderr": "", "outcome": {"type": "exit", "exit_code": 1}}
    assert completed["shell_call"]["output"] == [other, output]
    assert completed["shell_call"]["object"] == "container.shell_call"


async def test_headers() -> None:
    """A stream is not cached or buffered on its way, and says where its call is before the first event."""
    response = event_stream("cntr_1", "sh_12", stream())
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-location"] == "/v1/containers/cntr_1/shell_calls/sh_12"


async def test_error_midway() -> None:
    """What goes wrong after the first event is an event of its own, the last."""
    events = await sent(DELTA, SandboxLost("The sandbox is gone."))
    assert events[1] == (
        "error",
        {
            "type": "error",
            "message": "The sandbox is gone.",
            "param": None,
            "code": "sandbox_lost",
            "sequence_number": 1,
        },
    )


async def test_error_within_an_event() -> None:
    """Of an event with an output nothing is sent before there is some of it; then the response can but be cut off."""
    done, lost = CommandDone(1, 0, ExitOutcome(0)), SandboxLost("The sandbox is gone.")
    assert [name for name, _ in await sent(DELTA, done, OutputPiece(1, 0, "stdout", "x"), lost)][1:] == ["error"]
    with pytest.raises(SandboxLost):
        await sent(DELTA, done, OutputPiece(1, 0, "stdout", "x" * CHUNK), lost)


async def test_error_before_any_event() -> None:
    """It has the number that the first event would have had: 0, or on a rejoined stream the one after the last seen."""
    lost = SandboxLost("The sandbox is gone.")
    (begun,), (rejoined,) = await sent(lost), await sent(lost, after=50)
    assert (begun[1]["sequence_number"], rejoined[1]["sequence_number"]) == (0, 51)


async def test_pauses() -> None:
    """Where nothing comes for a while there is a pause to fill, and no event is lost by it."""
    gate = asyncio.Event()

    async def slow() -> AsyncGenerator[ShellEvent]:
        await gate.wait()
        yield DELTA

    seen: list[ShellEvent | None] = []
    async for event in with_pauses(slow(), 0.01):
        seen.append(event)
        if len(seen) == 3:
            gate.set()
    assert seen[:3] == [None, None, None]
    assert [event for event in seen if event] == [DELTA]
    assert PING.startswith(b":")


async def test_left_alone() -> None:
    """A client that leaves while nothing comes has the call's stream closed behind it."""
    begun, closed = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[ShellEvent]:
        begun.set()
        try:
            await asyncio.Event().wait()
            yield DELTA
        finally:
            closed.set()

    async def receive() -> dict[str, str]:
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)

    response = event_stream("cntr_1", "sh_12", endless())
    await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    await asyncio.wait_for(closed.wait(), 5)
