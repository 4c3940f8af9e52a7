"""Responses that are sent while they are still being made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from runtime.errors import SandlotError


class Closable(Protocol):
    """Something held open until a response has ended."""

    async def aclose(self) -> None:
        """Let go of it; idempotent."""


class CutOff(Exception):
    """A response that has begun can't be finished, through no fault of ours. Its client sees it break off."""


class ClosingResponse(StreamingResponse):
    """A stream that closes its source however it ends, also when the client left before its first byte."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        source: Closable,
        media_type: str | None,
        headers: Mapping[str, str],
        status: int = 200,
    ) -> None:
        super().__init__(chunks, status, media_type=media_type, headers=headers)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole response. Raises CutOff where the source fails."""
        try:
            await super().__call__(scope, receive, send)
        except SandlotError as error:
            raise CutOff(error.message) from None
        finally:
            await self._source.aclose()
