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

# One option of a Content-Disposition. What is quoted is taken as a whole, whatever it looks like.
_OPTION = re.compile(r'; *([a-z0-9_-]+\*?) *= *("(?:\\.|[^\\"])*"|[^;" ]*)', re.IGNORECASE)

# RFC 7578 has no filename*, but clients send it for names beyond ASCII: in one of RFC 5987's two character sets.
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\])')

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
    """The name the client gave the part's file; an empty one if it can't be read, None if it isn't a file."""
    options = {name.lower(): value for name, value in _OPTION.findall(head.header("Content-Disposition"))}
    if extended := _EXTENDED.fullmatch(options.get("filename*", "")):
        return unquote(extended[2], encoding=extended[1])
    if "filename" in options:
        return _unquoted(options["filename"])
    return "" if "filename*" in options else None


def _unquoted(name: str) -> str:
    """A name as browsers mean it, or older clients: these escape quotes and backslashes, instead of quotes and lines.

    Of a whole path with a drive or a server, as old Windows clients send it, the last part counts.
    """
    if name.startswith('"'):
        name = name[1:-1]
    if name[1:3] == ":\\" or name.startswith("\\\\"):
        name = name.rpartition("\\")[-1]
    if _ESCAPED.search(name):
        return _ESCAPED.sub(r"\1", name)
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')


def _malformed(why: str, param: str) -> InvalidInput:
    return InvalidInput(f"Invalid multipart body: {why}.", param=param, code="invalid_multipart")
