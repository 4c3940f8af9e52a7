"""A multipart/form-data request, part by part and piece by piece as it comes in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Self, TypeAlias
from urllib.parse import unquote

# The library carries annotations, but no py.typed.
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)
from starlette.requests import Request

from api.bodies import check_length, too_large
from runtime.errors import InvalidInput

# RFC 7578 has no filename*, but clients send it for names beyond ASCII.
_EXTENDED_FILENAME = re.compile(r"; *filename\* *= *utf-8''([^; ]+)", re.IGNORECASE)

Events: TypeAlias = AsyncGenerator["MultipartSegment | bytes | None"]
"""What the parser sees, in order: a part's head, the pieces of its body, None for its end."""


class Part:
    """One part: a field's name, the name of a file if it is one, and what it holds, to be iterated once."""

    def __init__(self, head: MultipartSegment, events: Events) -> None:
        self.name = str(head.name)
        self.filename = _filename(head)
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if event is None:
                break
            yield event


class Parts:
    """A request's parts, to be iterated once. What is left unread of a part is passed over with the next one.

    The iteration raises when the request breaks off or is malformed: only one that ended by itself has seen it whole.
    """

    def __init__(self, events: Events) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        async for event in self._events:
            if isinstance(event, MultipartSegment):
                return Part(event, self._events)
        raise StopAsyncIteration


@asynccontextmanager
async def read_parts(request: Request, max_bytes: int, param: str) -> AsyncIterator[Parts]:
    """The parts of a request that has at most `max_bytes` in all; `param` is what a malformed one is blamed on."""
    check_length(request, max_bytes)
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary")
    if not boundary:
        raise _malformed("the Content-Type header names no boundary", param)
    async with aclosing(_parse(request, boundary, max_bytes, param)) as events:
        yield Parts(events)


async def _parse(request: Request, boundary: str, max_bytes: int, param: str) -> Events:
    """The parser's events for the whole request, which must end with its last boundary."""
    received = 0
    try:
        with PushMultipartParser(boundary) as parser:
            async for chunk in request.stream():
                received += len(chunk)
                if received > max_bytes:
                    raise too_large("request body", max_bytes)
                if chunk:
                    for event in parser.parse(chunk):
                        yield event
    except MultipartError as error:
        raise _malformed(error.args[0], param) from None


def _filename(head: MultipartSegment) -> str | None:
    """The name the client gave the part's file; None if it isn't one."""
    extended = _EXTENDED_FILENAME.search(head.header("Content-Disposition"))
    name = unquote(extended[1]) if extended else head.filename
    return None if name is None else str(name)


def _malformed(why: str, param: str) -> InvalidInput:
    return InvalidInput(f"Invalid multipart body: {why}.", param=param, code="invalid_multipart")
