"""`/v1/containers/{container_id}/shell_calls`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.requests import no_query, read_body, read_query, runtime_of
from api.routing import Routes
from api.schemas.shell_calls import EventsQuery, ShellCallCreate
from api.server_sent_events import event_stream
from api.shell_output import answered, without_output

routes = Routes("/containers/{container_id}/shell_calls")


@routes.post("")
async def create(request: Request, owner: str, container_id: str) -> Response:
    """Run commands. A client that leaves does not end them: their time-out or a cancel does."""
    no_query(request)
    wanted = await read_body(request, ShellCallCreate)
    calls, spec = runtime_of(request).shell_calls, wanted.to_spec()
    if wanted.stream:
        stream = await calls.stream(owner, container_id, spec)
        return event_stream(container_id, stream.call_id, stream)
    if wanted.background:
        return without_output(await calls.start(owner, container_id, spec))
    return await answered(await calls.run(owner, container_id, spec))


@routes.get("/{call_id}")
async def retrieve(request: Request, owner: str, container_id: str, call_id: str) -> Response:
    """Retrieve a call with its output so far."""
    no_query(request)
    return await answered(await runtime_of(request).shell_calls.retrieve(owner, container_id, call_id))


@routes.post("/{call_id}/cancel")
async def cancel(request: Request, owner: str, container_id: str, call_id: str) -> Response:
    """Kill what still runs of a call."""
    no_query(request)
    return await answered(await runtime_of(request).shell_calls.cancel(owner, container_id, call_id))


@routes.get("/{call_id}/events")
async def events(request: Request, owner: str, container_id: str, call_id: str) -> Response:
    """Stream a call's events, from the first or from where a client left off."""
    asked = read_query(request, EventsQuery)
    after = -1 if asked.starting_after is None else asked.starting_after
    stream = await runtime_of(request).shell_calls.events(owner, container_id, call_id, after)
    return event_stream(container_id, call_id, stream, after)
