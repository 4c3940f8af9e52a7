"""`sandlot serve`: the service in this terminal, until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import cast

import typer
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import State, create_app, running
from api.cli.logs import log_to_terminal
from api.cli.process_limits import allow_open_files, forbid_core_dumps, open_files
from api.cli.welcome import welcome
from api.connections import KEEP_ALIVE_SECONDS, Connections, most_connections
from api.http_protocol import HttpProtocol
from api.settings import Settings, read_settings
from runtime.process_memory import keep_freed

# How long requests may go on after a signal. Commands in sandboxes go on anyway.
SHUTDOWN_SECONDS = 3

# As uvicorn's main loop has it.
TICKS_PER_SECOND = 10

# How many bytes of freed memory are used again: what some transfers at once have on their way.
KEPT = 8 * 1024 * 1024


class AddressError(Exception):
    """The service cannot listen where it should; the text says why."""


def serve() -> None:
    """Run the service. Settings come from the environment: SANDLOT_PORT, SANDLOT_DATA_DIR and so on."""
    forbid_core_dumps()
    allow_open_files()
    keep_freed(KEPT)
    settings = read_settings()
    log_to_terminal(settings.log_level)
    with listen(settings.host, settings.port) as listener:
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, _end)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, listener))


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; bound first, so that a port in use is known before anything is opened."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        raise AddressError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Set SANDLOT_HOST or SANDLOT_PORT."
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _end(number: int, frame: FrameType | None) -> None:
    """A signal before the server listens for it, or once it has ended because of it: unwind what is open."""
    raise SystemExit(0)


async def _serve(settings: Settings, listener: socket.socket) -> None:
    """Open the application before the server: what fails then is one line here, and a traceback there."""
    async with running(settings) as state:
        config = uvicorn.Config(
            _with_state(create_app(), state),
            lifespan="off",
            http=HttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        host, port = listener.getsockname()[:2]
        gc.freeze()  # what is there by now stays, and looking through it again would hold up calls
        connections = Connections(most_connections(open_files()))
        await Server(config, connections, lambda: typer.echo(welcome(host, port, settings, state))).serve([listener])


class Server(uvicorn.Server):
    """Uvicorn, saying when it really answers, and with an eye on who keeps it waiting."""

    def __init__(self, config: uvicorn.Config, connections: Connections, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = self._connections = connections
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and then say so."""
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections once in a second: one timer for all of them costs a request nothing."""
        if counter % TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections.connections):
                cast(HttpProtocol, connection).hang_up_if_overdue(now)
            self._connections.tell_of_refused()
        return await super().on_tick(counter)


def _with_state(app: ASGIApp, state: State) -> ASGIApp:
    """The application, with the state in every request."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"].update(state)
        await app(scope, receive, send)

    return call
