"""One live sandbox: what can be asked of its agent, as typed calls. All that comes back is checked."""

from __future__ import annotations

import json
import logging
import reprlib
from collections.abc import AsyncIterable, Mapping, Sequence

from runtime.agent_answers import MAX_LINE, FoundFile, file_of, parse, read_lines, size_of
from runtime.answering import answering, header_of
from runtime.doors import Doors, Take
from runtime.engines.base import MeetingPoint
from runtime.errors import AgentMisbehaved
from runtime.link.frames import Json
from runtime.link.session import LinkSession
from runtime.sandbox_calls import CallAnswer, FollowedCall
from runtime.sandbox_files import ReadingFile, WritingFile

log = logging.getLogger(__name__)

ROOT = "/mnt/data"
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
        return await FollowedCall.asked(self._session.open({"op": "run"}), json.dumps(spec).encode("ascii"))

    async def call(self, spec: Json) -> CallAnswer:
        """The same, but the answer is the call when it has ended."""
        return await CallAnswer.asked(self._session.open({"op": "call"}), json.dumps(spec).encode("ascii"))

    async def follow(self, call_id: str) -> FollowedCall:
        """Follow a call from its beginning to its end. NotFound when the agent doesn't have it (any more)."""
        return await FollowedCall.asked(self._session.open({"op": "follow", "id": call_id}))

    async def snapshot(self, call_id: str) -> CallAnswer:
        """A call as it is now. NotFound as above."""
        return await CallAnswer.asked(self._session.open({"op": "snapshot", "id": call_id}))

    async def cancel(self, call_id: str) -> CallAnswer:
        """Kill what still runs of a call; the answer is the call when it has ended. NotFound as above."""
        return await CallAnswer.asked(self._session.open({"op": "cancel", "id": call_id}))

    async def write(self, name: str, body: AsyncIterable[bytes]) -> WritingFile:
        """Send a new file's bytes. It gets its name at the end, with `finish`."""
        channel = self._session.open({"op": "write", "name": name})
        try:
            async for piece in body:
                async with answering():
                    await channel.send(piece)
        except BaseException:
            channel.close()
            raise
        return WritingFile(channel)

    async def read(self, path: bytes) -> ReadingFile:
        """Open a file below ROOT. NotFound when there is no such plain file."""
        channel = self._session.open({"op": "read", "path": _text(path)})
        try:
            header = await header_of(channel)
            return ReadingFile(channel, size_of(header.get("size")))
        except BaseException:
            channel.close()
            raise

    async def list(self, limit: int) -> list[FoundFile]:
        """The plain files below ROOT, `limit` at most and up to MAX_PATHS, in no particular order."""
        with self._session.open({"op": "list", "limit": limit, "path_bytes": MAX_PATHS}) as channel:
            await header_of(channel)
            found: list[FoundFile] = []
            room = MAX_PATHS
            async with answering():
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
            await header_of(channel)

    async def is_used(self) -> bool:
        """Whether the agent was ever asked for anything that is a use of the sandbox."""
        with self._session.open({"op": "used"}) as channel:
            channel.end()
            return (await header_of(channel)).get("used") is not False

    async def take_connections(self, ports: Sequence[int], take: Take) -> Sequence[int]:
        """Take the connections that programs make to these ports, past the link, until it ends.

        Gives the ports for which that can't be: `set_network` is to be told of these.
        """
        return ports if self._doors is None else await self._doors.open(ports, take)

    async def host_at(self, address: str) -> object:
        """What an address of the sandbox stands for: None, or a host. Nothing here is trusted, nor checked."""
        with self._session.open({"op": "name", "address": address}) as channel:
            channel.end()
            return (await header_of(channel)).get("host")

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
            async with answering():
                await channel.send(json.dumps(wanted).encode("ascii"))
            channel.end()
            header = await header_of(channel)
        if header.get("taken"):
            # Not repr(), which fails at what is nested deeply.
            taken = reprlib.repr(header["taken"])
            log.warning("programs of a sandbox have taken ports that its network needs: %.200s", taken)


def _text(path: bytes) -> str:
    """A path as JSON carries it: bytes that aren't UTF-8 as lone surrogates, like Python's own file functions."""
    return path.decode("utf-8", "surrogateescape")
