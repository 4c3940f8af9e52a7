"""Request bodies: of the right type, and never more of one than is allowed."""

from __future__ import annotations

import re
from itertools import islice

from starlette.requests import Request

from runtime.errors import InvalidInput, TooLarge

MOST_VALUES = 20_000
"""How many strings and commas a JSON body may have: an upload can have thousands of parts. Each may take 4 KB."""

# A string, as far as it goes, or a comma outside of any. It never looks at a byte twice.
_VALUE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|,', re.DOTALL)


async def read_json(request: Request, max_bytes: int) -> bytes:
    """A JSON body's bytes. One that says that it is too large is refused unread, the others are cut off."""
    if media_type(request) != "application/json":
        raise wrong_media_type(request, "application/json")
    check_length(request, max_bytes)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > max_bytes:
            raise too_large("request body", max_bytes)
    if _has_too_many_values(content):
        raise InvalidInput(f"The request body has more than {MOST_VALUES} values.", code="too_many_values")
    return bytes(content)


def _has_too_many_values(content: bytearray) -> bool:
    """Whether a JSON text has more of them than any request needs. Texts with few commas are not looked through."""
    if content.count(b",") <= MOST_VALUES:
        return False
    return next(islice(_VALUE.finditer(content), MOST_VALUES, None), None) is not None


def media_type(request: Request) -> str:
    """The media type of the request's body, without parameters; empty when none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_length(request: Request, max_bytes: int) -> None:
    """Refuse a body by its announced length. The server has made sure that a length is a number."""
    if int(request.headers.get("content-length", 0)) > max_bytes:
        raise too_large("request body", max_bytes)


def too_large(what: str, max_bytes: int) -> TooLarge:
    """The refusal of a body or file with more than `max_bytes`."""
    return TooLarge(f"The {what} is too large: at most {max_bytes} bytes are allowed.")


def wrong_media_type(request: Request, *supported: str) -> InvalidInput:
    """The refusal of a body of another type."""
    given = request.headers.get("content-type")
    got = f"you specified the header 'Content-Type: {given}'" if given else "you specified no Content-Type header"
    wanted = " and ".join(f"'{kind}'" for kind in supported)
    message = f"Unsupported content type: this method only accepts {wanted} requests, but {got}."
    return InvalidInput(message, code="unsupported_content_type")
