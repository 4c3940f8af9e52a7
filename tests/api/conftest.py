"""The application in this process, in front of no runtime: for requests that are refused before they reach one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.settings import Settings
from runtime.errors import EngineUnavailable, Unauthenticated
from runtime.values import ApiKey

KEY = "sk-test-0123456789abcdef"


class OneKey:
    """Knows KEY and no other."""

    async def authenticate(self, key: str) -> ApiKey:
        """The record of KEY."""
        if key != KEY:
            raise Unauthenticated("Incorrect API key provided: sk-te***.")
        return ApiKey(id="key_1", name="test", created_at=0)


class NoRuntime:
    """Stands where the runtime would: everything but the key is out of reach."""

    keys = OneKey()
    broken = False

    async def check(self) -> None:
        """No engine answers here; when `broken`, not even that is said properly."""
        if self.broken:
            raise RuntimeError("secret detail")
        raise EngineUnavailable("No engine.")

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.fixture
def settings() -> Settings:
    """The defaults, with small limits for bodies."""
    return Settings(
        request_max_bytes=4096, container_request_max_bytes=4096, file_max_bytes=1000, expires_after_max_minutes=60
    )


@pytest.fixture
def runtime() -> NoRuntime:
    """What the application finds behind it."""
    return NoRuntime()


@pytest.fixture
async def http(settings: Settings, runtime: NoRuntime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, with the right key."""
    app = create_app()

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"settings": settings, "runtime": runtime}}, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(with_state),
        base_url="http://sandlot.example.com",
        headers={"authorization": f"Bearer {KEY}"},
    ) as client:
        yield client
