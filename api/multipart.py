"""The file in a multipart/form-data request, handed on piece by piece as it comes in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeAlias
from urllib.parse import unquote

from fastapi import Request

# The library carries annotations, but no py.typed.
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # type: ignore[import-untyped]

from api import wording
from api.bodies import check_length, media_type_parameter, too_large
from runtime.errors import InvalidInput

# What boundaries and part headers may add to a file of the largest size.
ENVELOPE_MAX_BYTES = 64 * 1024

# RFC 7578 has no filename*, but clients send it for names beyond ASCII.
_EXTENDED_FILENAME = re.compile(r"; *filename\* *= *utf-8''([^; ]+)", re.IGNORECASE)

Events: TypeAlias = AsyncGenerator["MultipartSegment | bytes | None"]
"""What the parser sees, in order: a part's head, the pieces of its body, None for its end."""


class FilePart:
    """The request's one file. Iterating it reads the request to its end.

    The iteration raises when anything but the file follows, or when the client leaves: only one that ended by itself
    has seen a whole file.
    """

    def __init__(self, filename: str, events: Events) -> None:
        self.filename = filename
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if event is None:
                break
            yield event
        async for event in self._events:
            raise _refuse_part(event)


@asynccontextmanager
async def file_part(request: Request, max_bytes: int) -> AsyncIterator[FilePart]:
    """The file of a request that has been read as far as the file's first byte.

    A request is cut off where it is too large for a file of `max_bytes`; the runtime measures the file itself.
    """
    check_length(request, max_bytes + ENVELOPE_MAX_BYTES)
    boundary = media_type_parameter(request, "boundary")
    if not boundary:
        raise _malformed("the Content-Type header names no boundary")
    async with aclosing(_parse(request, boundary, max_bytes + ENVELOPE_MAX_BYTES)) as events:
        async for head in events:
            yield FilePart(_filename(head), events)
            return
        raise InvalidInput("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")


async def _parse(request: Request, boundary: str, max_bytes: int) -> Events:
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
        raise _malformed(error.args[0]) from None


def _filename(head: MultipartSegment) -> str:
    """The name the client gave the file of a part that must be a file."""
    if head.name != "file":
        raise _refuse_part(head)
    extended = _EXTENDED_FILENAME.search(head.header("Content-Disposition"))
    name = unquote(extended[1]) if extended else head.filename
    if name is None:
        message = "Invalid type for 'file': expected a file, but got a string instead."
        raise InvalidInput(message, param="file", code="invalid_type")
    if not name:
        raise InvalidInput("Invalid 'file': the file has no name.", param="file", code="empty_string")
    return str(name)


def _refuse_part(head: MultipartSegment) -> InvalidInput:
    """Why a part that is not the request's first file is refused."""
    if head.name == "file":
        message = "Invalid 'file': more than one file. Expected one."
        return InvalidInput(message, param="file", code="array_above_max_length")
    if head.name == "file_id":
        return wording.unsupported_parameter("file_id")
    return InvalidInput(f"Unknown parameter: '{head.name}'.", param=head.name, code="unknown_parameter")


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(f"Invalid multipart body: {why}.", param="file", code="invalid_multipart")
