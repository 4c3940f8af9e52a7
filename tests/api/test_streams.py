from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.streams import ClosingResponse, attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        (b"a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ("ü .csv".encode(), "attachment; filename=\"_ .csv\"; filename*=UTF-8''%C3%BC%20.csv"),
        (b'a"\r\nb: c', "attachment; filename=\"a___b: c\"; filename*=UTF-8''a%22%0D%0Ab%3A%20c"),
        (b"\xff", "attachment; filename=\"_xff\"; filename*=UTF-8''%5Cxff"),
    ],
)
def test_attachment(name: bytes, header: str) -> None:
    """A file's name goes into a header safely, whatever it is made of, and whole."""
    assert attachment(name) == header
    assert header.isascii()


async def test_closed_unstarted() -> None:
    """A stream's source is closed also when the client left before its first byte."""
    closed = []

    class Source:
        """Counts how often it is closed."""

        async def aclose(self) -> None:
            """Count."""
            closed.append(True)

    async def chunks() -> AsyncGenerator[bytes]:
        yield b"x"

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise ConnectionError

    response = ClosingResponse(chunks(), Source(), "text/plain", {})
    with pytest.raises(ConnectionError):
        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert closed == [True]
