from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from api.streams import ClosingResponse


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
