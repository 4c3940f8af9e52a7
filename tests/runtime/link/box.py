"""A sandbox with its link, and short ways to use both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from runtime.call_progress import CallProgress
from runtime.ids import new_shell_call_id
from runtime.link.frames import Json
from runtime.link.session import LinkSession, OnOpen
from runtime.sandbox import Sandbox
from runtime.sandbox_calls import CallAnswer, FollowedCall
from runtime.values import (
    CallDone,
    CallStatus,
    CommandDone,
    ExitOutcome,
    Outcome,
    OutputDelta,
    OutputEnd,
    OutputPiece,
    ShellCall,
    ShellEvent,
)
from tests.runtime.link.agents import START_SECONDS, Agent


class Box:
    """An agent and the link to it, which a test may drop and take up again."""

    def __init__(self, agent: Agent, on_open: OnOpen | None = None) -> None:
        self.agent = agent
        self._on_open = on_open
        self.root = agent.root
        self.session: LinkSession
        self.sandbox: Sandbox

    async def connect(self) -> None:
        """Begin a new session, on a new stream."""
        self.session = await LinkSession.establish(await self.agent.attach(), START_SECONDS, self._on_open)
        self.sandbox = Sandbox(self.session)

    def spec(
        self,
        *commands: str,
        timeout_ms: int | None = 60_000,
        limit: int = 100_000,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        directory: str | None = None,
    ) -> Json:
        """A shell call with a new id."""
        return {
            "id": new_shell_call_id(),
            "created_at": 1000,
            "commands": list(commands),
            "timeout_ms": timeout_ms,
            "max_output_length": limit,
            "working_directory": directory or self.root,
            "env": dict(env or {}),
            "stdin": stdin,
        }

    async def call(self, spec: Json) -> CallResult:
        """Make a call and wait for its end."""
        return await finished(await self.sandbox.call(spec))

    async def run(self, command: str) -> str:
        """The output of one command that has to succeed."""
        output = (await self.call(self.spec(command))).output[0]
        assert output.outcome == ExitOutcome(0), output
        return output.stdout

    async def one(
        self,
        command: str,
        *,
        timeout_ms: int | None = 60_000,
        limit: int = 100_000,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        directory: str | None = None,
    ) -> CommandOutput:
        """What one command gave."""
        spec = self.spec(command, timeout_ms=timeout_ms, limit=limit, env=env, stdin=stdin, directory=directory)
        return (await self.call(spec)).output[0]

    async def put(self, name: str, *pieces: bytes) -> bytes:
        """Write a file; the name it got."""
        writing = await self.sandbox.write(name, pieces_of(*pieces))
        return (await writing.finish())[0]

    async def get(self, path: bytes) -> bytes:
        """A file's bytes."""
        reading = await self.sandbox.read(path)
        try:
            return b"".join([piece async for piece in reading.pieces()])
        finally:
            reading.close()


@asynccontextmanager
async def linked(agent: Agent, on_open: OnOpen | None = None) -> AsyncIterator[Box]:
    """A box that is connected, until the end."""
    box = Box(agent, on_open)
    await box.connect()
    yield box
    box.sandbox.close()


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    """The pieces, one after the other."""
    for piece in pieces:
        yield piece


@dataclass(frozen=True)
class CommandOutput:
    """What one command wrote, and how it ended; `outcome` is None while it runs."""

    stdout: str
    stderr: str
    outcome: Outcome | None


@dataclass(frozen=True)
class CallResult:
    """A call with its output."""

    status: CallStatus
    output: list[CommandOutput]


async def events_of(followed: FollowedCall) -> tuple[CallResult, list[ShellEvent]]:
    """A call and its events, when there are no more. What is said to be its output is what its events come to."""
    try:
        progress = CallProgress.of_description("call", "container", followed.description)
        events = [progress.add(event) async for event in followed.events()]
        result = result_of(progress.call(), [event for event in events if isinstance(event, OutputDelta)])
        for number, done in enumerate(events):
            if isinstance(done, CommandDone | CallDone):
                ends = next(place for place in range(number, len(events)) if isinstance(events[place], OutputEnd))
                said = result_of(progress.call(), events[number + 1 : ends])
                only = range(len(said.output)) if isinstance(done, CallDone) else [done.command_index]
                assert [said.output[command] for command in only] == [result.output[command] for command in only]
        return result, events
    finally:
        followed.close()


async def finished(call: FollowedCall | CallAnswer) -> CallResult:
    """A call when there is no more to be read of it."""
    if isinstance(call, FollowedCall):
        return (await events_of(call))[0]
    try:
        progress = CallProgress.of_description("call", "container", call.description)
        standing = progress.standing(await call.state())
        return result_of(standing, [progress.piece(text) async for text in call.texts()])
    finally:
        call.close()


def result_of(call: ShellCall, texts: Sequence[ShellEvent]) -> CallResult:
    """A call with the output that comes of deltas, or of pieces."""
    output = {(command, stream): "" for command in range(len(call.outcomes)) for stream in ("stdout", "stderr")}
    for text in texts:
        assert isinstance(text, OutputDelta | OutputPiece)
        output[text.command_index, text.stream] += text.text
    return CallResult(
        call.status,
        [
            CommandOutput(output[command, "stdout"], output[command, "stderr"], outcome)
            for command, outcome in enumerate(call.outcomes)
        ],
    )


async def agent_memory(box: Box) -> int:
    """The most memory the agent has had, in bytes; it is the parent of every command."""
    return int(await box.run("grep VmHWM /proc/$PPID/status | tr -dc 0-9")) * 1024


async def listen(box: Box, *ports: int) -> None:
    """Return once a program listens on these ports; its process id is in the file `listener`."""
    servers = f'import socket, time; s = [socket.create_server(("", p)) for p in {ports}]'
    program = f'{servers}; open("listening", "w"); time.sleep(1000)'
    wait = "echo $! > listener; until [ -e listening ]; do sleep 0.01; done"
    await box.run(f"python3 -c '{program}' > /dev/null 2>&1 & {wait}")
