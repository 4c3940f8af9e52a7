"""Shell calls: commands run in a container, in the foreground, in the background, or followed as they go.

A call lives in its sandbox: the agent has its commands and output, so that both survive a restart of the service,
and are gone when the container is. Here is only who asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Self, TypeVar

from runtime.call_progress import CallProgress
from runtime.containers import ContainerService, Lease
from runtime.errors import AgentMisbehaved, NotFound
from runtime.ids import is_shell_call_id, new_shell_call_id
from runtime.link.frames import Json
from runtime.sandbox_calls import CallAnswer, FollowedCall
from runtime.values import CallStatus, OutputPiece, ShellCall, ShellCallSpec, ShellEvent

Called = TypeVar("Called", FollowedCall, CallAnswer)

GRACE_SECONDS = 30.0  # for the agent to end a call whose time is up
CANCEL_SECONDS = 30.0  # for it to end one that is cancelled
SNAPSHOT_SECONDS = 30.0  # for it to tell of one as it is


class ShellEvents:
    """An iterator over a call's events from a number on, as they come. Closing it leaves the call running."""

    def __init__(self, followed: FollowedCall, lease: Lease, call_id: str, after: int) -> None:
        self.call_id = call_id
        self._followed = followed
        self._lease = lease
        self._after = after
        self._events = self._read()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ShellEvent:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Follow no more; idempotent."""
        self._followed.close()
        self._lease.close()

    async def _read(self) -> AsyncIterator[ShellEvent]:
        progress = _described(self._followed, self._lease, self.call_id)
        async for event in self._followed.events():
            shell_event = progress.add(event)
            if shell_event.sequence_number > self._after:
                yield shell_event


class ShellAnswer:
    """A call as it stands. Its output is to be iterated once, and the answer closed: nothing of it is kept here."""

    def __init__(self, call: ShellCall, answer: CallAnswer, progress: CallProgress, held: ExitStack) -> None:
        self.call = call
        self._answer = answer
        self._progress = progress
        self._held = held

    async def pieces(self) -> AsyncIterator[OutputPiece]:
        """What its commands have written."""
        async for text in self._answer.texts():
            yield self._progress.piece(text)

    async def aclose(self) -> None:
        """Read no more; idempotent."""
        self._held.close()


class ShellCallService:
    """What callers do with shell calls. All raise NotFound and ContainerExpired as ContainerService.use does.

    A spec whose working directory doesn't exist raises InvalidInput before anything is started.
    """

    def __init__(self, containers: ContainerService) -> None:
        self._containers = containers

    async def run(self, owner: str, container_id: str, spec: ShellCallSpec) -> ShellAnswer:
        """Run the commands and wait for the last to end."""
        call_id = new_shell_call_id()
        lease = await self._containers.use(owner, container_id)
        seconds = None if spec.timeout_ms is None else spec.timeout_ms / 1000 + GRACE_SECONDS
        return await _ended(_answer(lease.sandbox.call(_request(call_id, spec)), lease, call_id, seconds))

    async def start(self, owner: str, container_id: str, spec: ShellCallSpec) -> ShellCall:
        """Start the commands and leave them running in the background. There is no output yet."""
        call_id = new_shell_call_id()
        with await self._containers.use(owner, container_id) as lease:
            followed = await lease.sandbox.run(_request(call_id, spec))
            try:
                return _described(followed, lease, call_id).call()
            finally:
                followed.close()

    async def stream(self, owner: str, container_id: str, spec: ShellCallSpec) -> ShellEvents:
        """Start the commands and follow them. They go on when nobody follows any more."""
        call_id = new_shell_call_id()
        lease = await self._containers.use(owner, container_id)
        return await _events(lease.sandbox.run(_request(call_id, spec)), lease, call_id, -1)

    async def retrieve(self, owner: str, container_id: str, call_id: str) -> ShellAnswer:
        """The call as it is now. The latest calls of a container are kept, not all."""
        lease = await self._containers.use(owner, container_id)
        return await _answer(_known(lease.sandbox.snapshot, call_id), lease, call_id, SNAPSHOT_SECONDS)

    async def cancel(self, owner: str, container_id: str, call_id: str) -> ShellAnswer:
        """Kill what still runs of the call. One that has ended stays as it is."""
        lease = await self._containers.use(owner, container_id)
        return await _ended(_answer(_known(lease.sandbox.cancel, call_id), lease, call_id, CANCEL_SECONDS))

    async def events(self, owner: str, container_id: str, call_id: str, after: int) -> ShellEvents:
        """Follow a call that was started before: its events after number `after`; after -1 all of them."""
        lease = await self._containers.use(owner, container_id)
        return await _events(_known(lease.sandbox.follow, call_id), lease, call_id, after)


def _request(call_id: str, spec: ShellCallSpec) -> Json:
    """The spec as the agent takes it."""
    return {
        "id": call_id,
        "created_at": int(time.time()),
        "commands": list(spec.commands),
        "timeout_ms": spec.timeout_ms,
        "max_output_length": spec.max_output_length,
        "working_directory": spec.working_directory,
        "env": dict(spec.env),
        "stdin": spec.stdin,
    }


def _described(called: FollowedCall | CallAnswer, lease: Lease, call_id: str) -> CallProgress:
    """The call before its first event."""
    return CallProgress.of_description(call_id, lease.container.id, called.description)


async def _answer(asked: Awaitable[CallAnswer], lease: Lease, call_id: str, seconds: float | None) -> ShellAnswer:
    """The call that the agent was asked for, as it stands within so many seconds; the lease is the answer's."""
    with ExitStack() as held:
        held.callback(lease.close)
        answer = await asked
        held.callback(answer.close)
        progress = _described(answer, lease, call_id)
        try:
            async with asyncio.timeout(seconds):
                call = progress.standing(await answer.state())
        except TimeoutError:
            raise AgentMisbehaved("The sandbox doesn't tell what became of a call.") from None
        return ShellAnswer(call, answer, progress, held.pop_all())


async def _ended(asked: Awaitable[ShellAnswer]) -> ShellAnswer:
    """The answer on a call that is to have ended."""
    answer = await asked
    if answer.call.status is CallStatus.IN_PROGRESS:
        await answer.aclose()
        raise AgentMisbehaved("The sandbox doesn't say how a call has ended.")
    return answer


async def _events(asked: Awaitable[FollowedCall], lease: Lease, call_id: str, after: int) -> ShellEvents:
    """The events of a call that the agent was asked for; the lease is theirs, and is closed when there are none."""
    try:
        return ShellEvents(await asked, lease, call_id, after)
    except BaseException:
        lease.close()
        raise


async def _known(ask: Callable[[str], Awaitable[Called]], call_id: str) -> Called:
    """Ask the agent for a call that was begun before. What isn't an id doesn't get into a sandbox."""
    if not is_shell_call_id(call_id):
        raise _not_found(call_id)
    try:
        return await ask(call_id)
    except NotFound:
        raise _not_found(call_id) from None


def _not_found(call_id: str) -> NotFound:
    return NotFound(f"Shell call with id '{call_id}' not found.")
