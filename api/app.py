"""The HTTP application: what is routed where; and what it needs to run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware

from api import errors
from api.data_dir import hold, write_secret
from api.middleware import Exchanges
from api.routes import container_files, containers, egress, files, health, shell_calls, skills, uploads
from api.settings import Settings
from runtime.runtime import Runtime


class State(TypedDict):
    """What every request sees as `request.state`."""

    runtime: Runtime
    settings: Settings
    made_key: str | None
    """The API key, if this start made it."""


def create_app() -> Starlette:
    """The whole service as an ASGI application. Each request has to come with a State."""
    resources = (shell_calls, container_files, containers, egress, files, uploads, skills, health)
    app = Starlette(
        routes=[route for resource in resources for route in resource.routes],
        middleware=[Middleware(Exchanges)],
    )
    app.router.redirect_slashes = False
    errors.install(app)
    return app


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[State]:
    """The runtime, at work on its data directory, with at least one API key."""
    with hold(settings.data_dir):
        async with Runtime.open(settings.to_config()) as runtime:
            made_key = await runtime.keys.ensure(settings.api_key.get_secret_value() if settings.api_key else None)
            if made_key:
                write_secret(settings.key_file, made_key)
            yield State(runtime=runtime, settings=settings, made_key=made_key)
