"""Contents as responses. A browser saves them, and never takes one for a page of this server's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from api import ranges
from api.disposition import ANY, attachment, media_type
from api.errors import INVALID_REQUEST, Answer, error_response
from api.streams import Closable, ClosingResponse
from runtime.container_files import FileContent
from runtime.file_values import File
from runtime.names import safe_name
from runtime.skill_values import SkillVersion


def download_container_file(content: FileContent) -> Response:
    """A file of a container, as it is."""
    name = content.file.path.rpartition(b"/")[2]
    return _saved(aiter(content), content, _headers(name, ANY, content.file.size))


def download_skill(version: SkillVersion, content: AsyncGenerator[bytes]) -> Response:
    """A version of a skill, as a zip."""
    name = safe_name(f"{version.name}-{version.version}.zip").encode()
    return _saved(content, content, _headers(name, "application/zip", version.size))


async def download_file(
    request: Request, file: File, read: Callable[[int, int], Awaitable[AsyncGenerator[bytes]]]
) -> Response:
    """A file, or the range of it that the request asks for; `read` opens the bytes from one place up to another.

    Its content never changes, so its id tells it from all others.
    """
    etag = f'"{file.id}"'
    try:
        part = ranges.wanted(request.headers.get("range"), request.headers.get("if-range"), etag, file.size)
    except ranges.NotSatisfiable:
        return _not_satisfiable(file.size)
    start, end = (part.start, part.end) if part else (0, file.size)
    headers = _headers(safe_name(file.filename).encode(), media_type(file.filename), end - start)
    headers |= {"accept-ranges": "bytes", "etag": etag}
    content = await read(start, end)
    if part is None:
        return _saved(content, content, headers)
    return _saved(content, content, headers | {"content-range": part.content_range}, HTTPStatus.PARTIAL_CONTENT)


def _saved(
    pieces: AsyncIterator[bytes], source: Closable, headers: Mapping[str, str], status: int = HTTPStatus.OK
) -> Response:
    return ClosingResponse(pieces, source, None, headers, status)


def _headers(name: bytes, media_type: str, length: int) -> dict[str, str]:
    return {
        "content-type": media_type,
        "content-length": str(length),
        "content-disposition": attachment(name),
        "x-content-type-options": "nosniff",
    }


def _not_satisfiable(size: int) -> Response:
    answer = Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, INVALID_REQUEST, {"content-range": f"bytes */{size}"})
    message = f"The range asked for begins behind the file's end; the file has {size} bytes."
    return error_response(answer, message, code="range_not_satisfiable")
