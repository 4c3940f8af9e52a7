"""Shell calls in a sandbox, as its agent tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Self

from runtime.agent_answers import (
    MAX_COMMAND,
    MAX_LINE,
    AgentEvent,
    State,
    Text,
    TextsEnd,
    event_of,
    number_of,
    parse,
    read_lines,
    state_of,
)
from runtime.answering import answering, refused
from runtime.errors import AgentMisbehaved
from runtime.link.channel import Channel, RequestRefused
from runtime.link.frames import Json
from runtime.values import MAX_COMMANDS


class _DescribedCall:
    """A call. Closing it early leaves it running.

    `description` is what the sandbox says that the call was asked for.
    """

    def __init__(self, channel: Channel, description: Json, lines: AsyncIterator[bytes]) -> None:
        self.description = description
        self._channel = channel
        self._lines = lines

    @classmethod
    async def asked(cls, channel: Channel, body: bytes = b"") -> Self:
        """Send the rest of a request on a call, and wait until the call is described. The channel is the call's."""
        lines = read_lines(channel)
        try:
            async with answering():
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
        return cls(channel, description | {"commands": commands}, lines)

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
            raise refused(refusal) from refusal


class CallAnswer(_DescribedCall):
    """A call as it stands, with its output up to then."""

    async def state(self) -> State:
        """How it stands, however long it takes until that is to be told."""
        try:
            return state_of(parse(await anext(self._lines, b""), MAX_LINE))
        except RequestRefused as refusal:
            raise refused(refusal) from refusal

    async def texts(self) -> AsyncIterator[Text]:
        """Then, its output."""
        while True:
            async with answering():
                event = event_of(parse(await anext(self._lines, b""), MAX_LINE))
            match event:
                case Text():
                    yield event
                case TextsEnd():
                    return
                case _:
                    raise AgentMisbehaved("The sandbox sent an event where output belongs.")
