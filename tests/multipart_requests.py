"""Requests with multipart bodies, made by hand: well-formed and not."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Message

TYPE = "multipart/form-data; boundary=b"
END = b"--b--\r\n"


def part(disposition: str, content: bytes = b"abc") -> bytes:
    """One part of a body with the boundary `b`."""
    head = f"--b\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\n"
    return head.encode() + content + b"\r\n"


def field(name: str, value: str) -> bytes:
    """A plain field."""
    return part(f'form-data; name="{name}"', value.encode())


def file(name: str = "file", filename: str = "a.txt", content: bytes = b"abc") -> bytes:
    """A file."""
    return part(f'form-data; name="{name}"; filename="{filename}"', content)


def request(pieces: Sequence[bytes], content_type: str = TYPE, whole: bool = True) -> Request:
    """A request whose body comes in these pieces, after which the client leaves unless it is `whole`."""
    coming: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    coming.append({"type": "http.request"} if whole else {"type": "http.disconnect"})

    async def receive() -> Message:
        return coming.pop(0)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)
