"""`/v1/containers/{container_id}/shell_calls`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Services, body, no_query, query
from api.schemas.shell_calls import EventsQuery, ShellCallCreate, ShellCallObject
from api.server_sent_events import event_stream

router = APIRouter(prefix="/containers/{container_id}/shell_calls")


@router.post("", dependencies=[Depends(no_query)])
async def create(
    owner: Owner,
    runtime: Services,
    container_id: str,
    wanted: Annotated[ShellCallCreate, Depends(body(ShellCallCreate))],
) -> Response:
    """Run commands. A client that leaves does not end them: their time-out or a cancel does."""
    calls, spec = runtime.shell_calls, wanted.to_spec()
    if wanted.stream:
        stream = await calls.stream(owner, container_id, spec)
        return event_stream(container_id, stream.call_id, stream)
    if wanted.background:
        return ShellCallObject.of(await calls.start(owner, container_id, spec)).response()
    return ShellCallObject.of(await calls.run(owner, container_id, spec)).response()


@router.get("/{call_id}", dependencies=[Depends(no_query)])
async def retrieve(owner: Owner, runtime: Services, container_id: str, call_id: str) -> Response:
    """Retrieve a call with its output so far."""
    return ShellCallObject.of(await runtime.shell_calls.retrieve(owner, container_id, call_id)).response()


@router.post("/{call_id}/cancel", dependencies=[Depends(no_query)])
async def cancel(owner: Owner, runtime: Services, container_id: str, call_id: str) -> Response:
    """Kill what still runs of a call."""
    return ShellCallObject.of(await runtime.shell_calls.cancel(owner, container_id, call_id)).response()


@router.get("/{call_id}/events")
async def events(
    owner: Owner,
    runtime: Services,
    container_id: str,
    call_id: str,
    asked: Annotated[EventsQuery, Depends(query(EventsQuery))],
) -> Response:
    """Stream a call's events, from the first or from where a client left off."""
    stream = await runtime.shell_calls.events(owner, container_id, call_id, asked.starting_after)
    return event_stream(container_id, call_id, stream)
