"""The output of shell calls on the wire, written while it comes: there is no place where all of it is at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from api.schemas.shell_calls import ShellCallObject, outcome_object
from api.streams import ClosingResponse
from runtime.shell_calls import ShellAnswer
from runtime.values import Outcome, OutputPiece, ShellCall

CHUNK = 128 * 1024  # bytes that are sent at once; an answer that has no more goes as one


class OutputWriter:
    """Writes an object as JSON whose last field is `output`, a list of what commands wrote and how they ended.

    `rest` is the object without that field, or has it in its last field; `first` is the number of the first command.
    """

    def __init__(self, rest: Any, outcomes: Sequence[Outcome | None], first: int = 0) -> None:
        whole = to_json(rest)
        self._opening = whole.rstrip(b"}")
        self._closing = b"]" + whole[len(self._opening) :]
        self._outcomes = outcomes
        self._first = first
        self._place = -1  # 2 * command, and 1 for stderr

    def begin(self) -> bytes:
        """All up to the output."""
        return self._opening + b',"output":['

    def piece(self, piece: OutputPiece) -> bytes:
        """A piece of output, and what stands before it."""
        place = 2 * (piece.command_index - self._first) + (piece.stream == "stderr")
        return self._up_to(place) + to_json(piece.text)[1:-1]

    def end(self) -> bytes:
        """All that is left."""
        return self._up_to(2 * len(self._outcomes)) + self._closing

    def _up_to(self, place: int) -> bytes:
        between = bytearray()
        while self._place < place:
            self._place += 1
            command, stderr = divmod(self._place, 2)
            if stderr:
                between += b'","stderr":"'
                continue
            if command > 0:
                between += b'","outcome":%b}' % to_json(outcome_object(self._outcomes[command - 1]))
            if command < len(self._outcomes):
                between += b'%b{"stdout":"' % (b"," if command > 0 else b"")
        return bytes(between)


def without_output(call: ShellCall) -> Response:
    """A call that has just begun, as a response."""
    writer = OutputWriter(ShellCallObject.of(call), call.outcomes)
    return Response(writer.begin() + writer.end(), media_type="application/json")


async def answered(answer: ShellAnswer) -> Response:
    """A call as a response: in one where it is small, else as it comes from the sandbox and the client takes it."""
    chunks = _chunks(answer)
    try:
        first = await anext(chunks)
        second = await anext(chunks, None)
    except BaseException:
        await chunks.aclose()
        await answer.aclose()
        raise
    if second is None:
        await answer.aclose()
        return Response(first, media_type="application/json")
    return ClosingResponse(_chained(first, second, chunks), answer, "application/json", {})


async def _chunks(answer: ShellAnswer) -> AsyncGenerator[bytes]:
    writer = OutputWriter(ShellCallObject.of(answer.call), answer.call.outcomes)
    chunk = bytearray(writer.begin())
    async for piece in answer.pieces():
        chunk += writer.piece(piece)
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk + writer.end())


async def _chained(first: bytes, second: bytes, others: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(others):
        yield first
        yield second
        async for chunk in others:
            yield chunk
