"""One live sandbox: what can be asked of its agent, as typed calls. All that comes back is checked."""

from __future__ import annotations

import asyncio
import json
import logging
import reprlib
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from runtime.agent_answers import (
    MAX_COMMAND,
    MAX_LINE,
    AgentEvent,
    FoundFile,
    State,
    Text,
    TextsEnd,
    event_of,
    file_of,
    number_of,
    parse,
    path_of,
    read_lines,
    size_of,
    state_of,
)
from runtime.doors import Doors, Take
from runtime.engines.base import MeetingPoint
from runtime.errors import AgentMisbehaved, InvalidInput, NotFound, SandlotError, StorageFull
from runtime.link.channel import Channel, RequestRefused
from runtime.link.frames import Json
from runtime.link.session import LinkSession
from runtime.values import MAX_COMMANDS

log = logging.getLogger(__name__)

ROOT = "/mnt/data"
ANSWER_SECONDS = 30.0  # within which an agent begins to answer, and goes on answering
MAX_PATHS = 2 * 1024**2  # bytes of the paths in one list: they are kept in the service's database


class Sandbox:
    """The agent of one sandbox, over its link. Raises SandboxLost once the link has ended."""

    def __init__(self, session: LinkSession, point: MeetingPoint | None = None) -> None:
        self._session = session
        self._doors = None if point is None else Doors(point, self.host_at)
        if self._doors is not None:
            session.on_lost(self._doors.close)

    @property
    def lost(self) -> bool:
        """Whether the link has ended."""
        return self._session.lost

    def close(self) -> None:
        """End the link. The sandbox goes on."""
        self._session.close()

    async def run(self, spec: Json) -> FollowedCall:
        """Begin a shell call (for the spec see runtime.agent.calls) and follow it.

        Raises InvalidInput when the working directory doesn't exist.
        """
        channel = self._session.open({"op": "run"})
        return FollowedCall(*await self._described(channel, json.dumps(spec).encode("ascii")))

    async def call(self, spec: Json) -> CallAnswer:
        """The same, but the answer is the call when it has ended."""
        channel = self._session.open({"op": "call"})
        return CallAnswer(*await self._described(channel, json.dumps(spec).encode("ascii")))

    async def follow(self, call_id: str) -> FollowedCall:
        """Follow a call from its beginning to its end. NotFound when the agent doesn't have it (any more)."""
        return FollowedCall(*await self._described(self._session.open({"op": "follow", "id": call_id})))

    async def snapshot(self, call_id: str) -> CallAnswer:
        """A call as it is now. NotFound as above."""
        return CallAnswer(*await self._described(self._session.open({"op": "snapshot", "id": call_id})))

    async def cancel(self, call_id: str) -> CallAnswer:
        """Kill what still runs of a call; the answer is the call when it has ended. NotFound as above."""
        return CallAnswer(*await self._described(self._session.open({"op": "cancel", "id": call_id})))

    async def write(self, name: str, body: AsyncIterable[bytes]) -> WritingFile:
        """Send a new file's bytes. It gets its name at the end, with `finish`."""
        channel = self._session.open({"op": "write", "name": name})
        try:
            async for piece in body:
                async with _answering():
                    await channel.send(piece)
        except BaseException:
            channel.close()
            raise
        return WritingFile(channel)

    async def read(self, path: bytes) -> ReadingFile:
        """Open a file below ROOT. NotFound when there is no such plain file."""
        channel = self._session.open({"op": "read", "path": _text(path)})
        try:
            header = await _header(channel)
            return ReadingFile(channel, size_of(header.get("size")))
        except BaseException:
            channel.close()
            raise

    async def list(self, limit: int) -> list[FoundFile]:
        """The plain files below ROOT, `limit` at most and up to MAX_PATHS, in no particular order."""
        with self._session.open({"op": "list", "limit": limit, "path_bytes": MAX_PATHS}) as channel:
            await _header(channel)
            found: list[FoundFile] = []
            room = MAX_PATHS
            async with _answering():
                async for line in read_lines(channel):
                    file = file_of(parse(line, MAX_LINE))
                    room -= len(file.path)
                    if len(found) == limit or room < 0:
                        raise AgentMisbehaved("The sandbox lists more files than it was asked for.")
                    found.append(file)
            return found

    async def remove(self, path: bytes) -> None:
        """Remove a file below ROOT. NotFound when there is no such file."""
        with self._session.open({"op": "remove", "path": _text(path)}) as channel:
            await _header(channel)

    async def is_used(self) -> bool:
        """Whether the agent was ever asked for anything that is a use of the sandbox."""
        with self._session.open({"op": "used"}) as channel:
            channel.end()
            return (await _header(channel)).get("used") is not False

    async def take_connections(self, ports: Sequence[int], take: Take) -> Sequence[int]:
        """Take the connections that programs make to these ports, past the link, until it ends.

        Gives the ports for which that can't be: `set_network` is to be told of these.
        """
        return ports if self._doors is None else await self._doors.open(ports, take)

    async def host_at(self, address: str) -> object:
        """What an address of the sandbox stands for: None, or a host. Nothing here is trusted, nor checked."""
        with self._session.open({"op": "name", "address": address}) as channel:
            channel.end()
            return (await _header(channel)).get("host")

    async def set_network(
        self, names: Sequence[str], ports: Sequence[int], environment: Mapping[str, str], authority: str | None
    ) -> None:
        """Let programs reach these names (canonical, or `*.`-patterns), and on these ports by the link's OPENs.

        The variables are in the environment of all commands from now on. `authority`, a certificate in PEM, is to be
        trusted by programs beside the system's; StorageFull when there is no room to write it down. May be called
        again, with other values.
        """
        wanted = {"names": list(names), "ports": list(ports), "environment": dict(environment), "authority": authority}
        with self._session.open({"op": "network"}) as channel:
            async with _answering():
                await channel.send(json.dumps(wanted).encode("ascii"))
            channel.end()
            header = await _header(channel)
        if header.get("taken"):
            # Not repr(), which fails at what is nested deeply.
            taken = reprlib.repr(header["taken"])
            log.warning("programs of a sandbox have taken ports that its network needs: %.200s", taken)

    async def _described(self, channel: Channel, body: bytes = b"") -> tuple[Channel, Json, AsyncIterator[bytes]]:
        """The answer to a request on a call, once the call is described."""
        lines = read_lines(channel)
        try:
            async with _answering():
                await channel.send(body)
                channel.end()
                await channel.header()
                description = parse(await anext(lines, b""), MAX_LINE)
                if not isinstance(description, dict):
                    raise AgentMisbehaved("The sandbox doesn't describe a call.")
                count = number_of(description.get("commands"), MAX_COMMANDS + 1)
                commands = [parse(await anext(lines, b""), MAX_COMMAND) for _ in range(count)]
        except BaseException:
            channel.close()
            raise
        return channel, description | {"commands": commands}, lines


class _DescribedCall:
    """A call. Closing it early leaves it running.

    `description` is what the sandbox says that the call was asked for.
    """

    def __init__(self, channel: Channel, description: Mapping[str, Any], lines: AsyncIterator[bytes]) -> None:
        self.description = description
        self._channel = channel
        self._lines = lines

    def close(self) -> None:
        """Read no more; idempotent."""
        self._channel.close()


class FollowedCall(_DescribedCall):
    """A call's events as they come."""

    async def events(self) -> AsyncIterator[AgentEvent]:
        """The events, from number 0 on, however long it takes until there is one."""
        try:
            async for line in self._lines:
                yield event_of(parse(line, MAX_LINE))
        except RequestRefused as refusal:
            _refuse(refusal)


class CallAnswer(_DescribedCall):
    """A call as it stands, with its output up to then."""

    async def state(self) -> State:
        """How it stands, however long it takes until that is to be told."""
        try:
            return state_of(parse(await anext(self._lines, b""), MAX_LINE))
        except RequestRefused as refusal:
            _refuse(refusal)

    async def texts(self) -> AsyncIterator[Text]:
        """Then, its output."""
        while True:
            async with _answering():
                event = event_of(parse(await anext(self._lines, b""), MAX_LINE))
            match event:
                case Text():
                    yield event
                case TextsEnd():
                    return
                case _:
                    raise AgentMisbehaved("The sandbox sent an event where output belongs.")


class WritingFile:
    """A file whose bytes are with the agent, but which has no name yet."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def end(self) -> None:
        """Give the file its name, or one like it where that one is taken. Files get theirs in the order of this."""
        self._channel.end()

    async def ended(self) -> tuple[bytes, int]:
        """What became of that: the path below ROOT, and the size."""
        with self._channel:
            header = await _header(self._channel)
        return path_of(header.get("path")), size_of(header.get("size"))

    async def finish(self) -> tuple[bytes, int]:
        """Both at once."""
        self.end()
        return await self.ended()

    def close(self) -> None:
        """Drop the file, unless it is finished; idempotent."""
        self._channel.close()


class ReadingFile:
    """A file's bytes, `size` of them."""

    def __init__(self, channel: Channel, size: int) -> None:
        self.size = size
        self._channel = channel

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes, exactly `size`, or an error: the file may have changed meanwhile."""
        left = self.size
        body = self._channel.body()
        while True:
            async with _answering():
                piece = await anext(body, b"")
            if not piece:
                break
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left != 0:
            raise AgentMisbehaved("The sandbox sent a file of another size than it said.")

    def close(self) -> None:
        """Read no more; idempotent."""
        self._channel.close()


async def _header(channel: Channel) -> Json:
    async with _answering():
        return await channel.header()


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """Wait for the agent in here: one that is silent for too long has failed, and its refusal is an error."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except RequestRefused as refusal:
        _refuse(refusal)
    except TimeoutError:
        raise AgentMisbehaved("The sandbox doesn't answer.") from None


def _refuse(refusal: RequestRefused) -> NoReturn:
    """The agent's refusal as an error of the runtime. Its messages are the sandbox's, so they aren't passed on."""
    errors: dict[str, SandlotError] = {
        "not_found": NotFound("There is no such thing in the container."),
        "storage_full": StorageFull("There is no room left in the container."),
        "no_directory": InvalidInput(
            "The working directory doesn't exist in the container, or can't be entered.",
            param="working_directory",
            code="invalid_value",
        ),
        "not_writable": StorageFull("The file can't be written in the container."),
    }
    raise errors.get(refusal.code, AgentMisbehaved("The sandbox refused.")) from refusal


def _text(path: bytes) -> str:
    """A path as JSON carries it: bytes that aren't UTF-8 as lone surrogates, like Python's own file functions."""
    return path.decode("utf-8", "surrogateescape")
