"""A sandbox whose agent keeps to the protocol and lies in it: nothing it says is taken for what it isn't."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest

from runtime.agent_answers import MAX_COMMAND, MAX_LINE, TURN, FoundFile
from runtime.errors import AgentMisbehaved, InvalidInput, NotFound, SandboxLost, SandlotError, StorageFull
from runtime.link.frames import END, OPEN, REPLY, RESET, Frame, encode, encode_json
from runtime.sandbox import Sandbox
from runtime.sandbox_files import ReadingFile
from runtime.values import MAX_COMMANDS, MAX_OUTPUT_LENGTH, CallStatus, ExitOutcome, TimeoutOutcome
from tests.runtime.link.box import CallResult, CommandOutput, finished, pieces_of
from tests.runtime.link.hostile import Answer, HostileStream, once, paced, sandbox_of

DESCRIPTION = {"created_at": 1, "commands": 2, "timeout_ms": None, "max_output_length": 10}
GOOD = (DESCRIPTION, "a", "b")
OUT = ["out", 0, "stdout", "x"]
EXIT = ["exit", 0, {"type": "exit", "exit_code": 0}]
ENDED = [EXIT, ["end"], ["exit", 1, {"type": "timeout"}], ["end"], ["done", "completed"]]
STATE = ["state", "in_progress", [None, None]]
TEXT = ["text", 0, "stdout", "x"]

SIZES: list[object] = [None, "1", 1.5, -1, 2**63, True, [1], {}]
PATHS: list[object] = [
    None,
    1,
    "",
    "/etc/passwd",
    "a/../b",
    "..",
    "./a",
    "a//b",
    "a/",
    "a\0b",
    "\ud800",
    "x" * 4097,
    ["a"],
]


def lines(*values: object) -> bytes:
    """A body of lines of JSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


async def sandbox_saying(header: dict[str, object], body: bytes = b"") -> Sandbox:
    """A sandbox whose agent answers the first request with that."""
    return await sandbox_of(HostileStream(paced(header, body)))


@pytest.mark.parametrize(
    "body",
    [
        *(lines([path, 1, 1]) for path in PATHS),
        *(lines(["a", size, 1]) for size in SIZES),
        *(lines(["a", 1, time]) for time in (None, "1", 1.5)),
        *(lines(value) for value in (None, 1, "a", {}, [], ["a"], ["a", 1], ["a", 1, 1, 1], {"path": "a"})),
        b"\n",
        b"[" * 100_000 + b"\n",
        b"[" + b"9" * 10_000 + b"]\n",
        b"\xff\xfe\n",
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_lists(body: bytes) -> None:
    """An entry that isn't a file's with a path below the root is refused."""
    sandbox = await sandbox_saying({}, body)
    with pytest.raises(AgentMisbehaved):
        await sandbox.list(10)


async def test_a_list_in_order() -> None:
    """Paths and sizes up to the largest; bytes that aren't text."""
    sandbox = await sandbox_saying({}, lines(["a", 0, -1], ["x" * 4096, 2**63 - 1, 1], [".b/..c/\udcff", 1, 1]))
    assert await sandbox.list(3) == [
        FoundFile(b"a", 0, -1),
        FoundFile(b"x" * 4096, 2**63 - 1, 1),
        FoundFile(b".b/..c/\xff", 1, 1),
    ]


async def test_lists_without_end() -> None:
    """No more files are taken than were asked for."""
    sandbox = await sandbox_saying({}, lines(*[["a", 1, 1]] * 11))
    with pytest.raises(AgentMisbehaved):
        await sandbox.list(10)


@pytest.mark.parametrize("size", SIZES, ids=repr)
async def test_sizes(size: object) -> None:
    """What isn't a size is refused, for a file that is read and for one that was written."""
    with pytest.raises(AgentMisbehaved):
        await (await sandbox_saying({"size": size})).read(b"a")
    with pytest.raises(AgentMisbehaved):
        await _written(await sandbox_saying({"path": "a", "size": size}))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path)[:20])
async def test_paths(path: object) -> None:
    """What isn't a path below the root is refused as the name of a file that was written."""
    with pytest.raises(AgentMisbehaved):
        await _written(await sandbox_saying({"path": path, "size": 1}))


@pytest.mark.parametrize(("size", "body"), [(3, b"xx"), (3, b"xxxx"), (0, b"x"), (2**62, b"x")])
async def test_files_of_another_size(size: int, body: bytes) -> None:
    """A file has the size that was said at first, or reading it fails; never is there more of it."""
    reading = await (await sandbox_saying({"size": size}, body)).read(b"a")
    taken = Taken()
    with pytest.raises(AgentMisbehaved):
        await taken.all_of(reading)
    assert taken.size <= size


@pytest.mark.parametrize(
    "description",
    [
        b"",
        b"\n",
        lines([]),
        lines({}),
        lines(DESCRIPTION),
        lines(DESCRIPTION, "a"),
        lines(DESCRIPTION, "a", 1),
        lines(DESCRIPTION | {"commands": ["a", "b"]}, "a", "b"),
        lines(DESCRIPTION | {"commands": True}, "a"),
        lines(DESCRIPTION | {"commands": MAX_COMMANDS + 1}, *["x"] * (MAX_COMMANDS + 1)),
        lines(DESCRIPTION | {"commands": 10**30}),
        lines(DESCRIPTION | {"created_at": "1"}, "a", "b"),
        lines(DESCRIPTION | {"timeout_ms": 1.5}, "a", "b"),
        lines(DESCRIPTION | {"max_output_length": MAX_OUTPUT_LENGTH + 1}, "a", "b"),
        lines(DESCRIPTION | {"max_output_length": None}, "a", "b"),
        b"[" * 100_000 + b"\n",
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_descriptions(description: bytes) -> None:
    """A call that isn't described as one, or is larger than any, is refused."""
    sandbox = await sandbox_saying({}, description)
    with pytest.raises(AgentMisbehaved):
        await finished(await sandbox.snapshot("a"))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (lines(DESCRIPTION | {"more": "x" * MAX_LINE}, *GOOD[1:]), "too long"),
        (lines(DESCRIPTION, "a", "x" * MAX_COMMAND), "too long"),
        (b"x" * 4 * MAX_COMMAND, "without end"),
    ],
    ids=["of any kind", "of a command", "without end"],
)
async def test_lines_that_are_too_long(description: bytes, words: str) -> None:
    """They are refused for that: neither parsed, nor put together for as long as they go on."""
    sandbox = await sandbox_saying({}, description + lines(STATE, ["end"]))
    with pytest.raises(AgentMisbehaved, match=words):
        await finished(await sandbox.snapshot("a"))


async def test_a_call_in_order() -> None:
    """What the refused ones differ from, each in one way."""
    killed = {"type": "exit", "exit_code": 255, "oom_killed": True}
    texts = [TEXT, ["text", 1, "stderr", "y"], ["end"]]
    first, second = [OUT, EXIT, TEXT, ["end"]], [["out", 1, "stderr", "y"], ["exit", 1, killed], *texts[1:]]
    events = [*first, *second, ["done", "completed"]]
    outcomes = [EXIT[2], {"type": "timeout"}]
    followed = await (await sandbox_saying({}, lines(*GOOD, *events, *texts))).follow("a")
    assert await finished(followed) == CallResult(
        CallStatus.COMPLETED,
        [CommandOutput("x", "", ExitOutcome(0)), CommandOutput("", "y", ExitOutcome(255, oom_killed=True))],
    )
    answer = await (await sandbox_saying({}, lines(*GOOD, ["state", "incomplete", outcomes], *texts))).snapshot("a")
    assert await finished(answer) == CallResult(
        CallStatus.INCOMPLETE, [CommandOutput("x", "", ExitOutcome(0)), CommandOutput("", "y", TimeoutOutcome())]
    )


@pytest.mark.parametrize(
    "events",
    [
        [1],
        [None],
        [{}],
        [["out"]],
        [["in", 0, "stdout", "x"]],
        [["out", 0, "stdin", "x"]],
        [["out", "0", "stdout", "x"]],
        [["out", -1, "stdout", "x"]],
        [["out", 2, "stdout", "x"]],
        [["out", 0, "stdout", 1]],
        [["out", 0, "stdout", ""]],
        [["out", 0, "stdout", "x" * 300]],
        [OUT] * 300,
        [EXIT, OUT],
        [EXIT, EXIT],
        [EXIT, ["end"], EXIT],
        [["exit", 0, {}]],
        [["exit", 0, {"type": "exit"}]],
        [["exit", 0, {"type": "exit", "exit_code": "0"}]],
        [["exit", 0, {"type": "exit", "exit_code": 0.0}]],
        [["exit", 0, {"type": "exit", "exit_code": True}]],
        [["exit", 0, {"type": "exit", "exit_code": -1}]],
        [["exit", 0, {"type": "exit", "exit_code": 256}]],
        [["exit", 0, {"type": "exit", "exit_code": 10**4000}]],
        [["exit", True, {"type": "timeout"}]],
        [["text", 0, "stdout", "x"]],
        [["end"]],
        [EXIT, ["text", 1, "stdout", "x"]],
        [EXIT, ["text", 0, "stderr", "x"], ["text", 0, "stdout", "x"]],
        [EXIT, ["text", 0, "stdout", ""]],
        [EXIT, ["text", 0, "stdout", "x" * 300]],
        [EXIT, ["end"], ["end"]],
        [EXIT, ["end"], OUT],
        [["exit", 9, {"type": "timeout"}]],
        [["done", "completed"]],
        [["done", "in_progress"]],
        [*ENDED, OUT],
        [*ENDED, ["end"], OUT],
        [*ENDED, ["end"], ["done", "completed"]],
        [*ENDED, ["text", 1, "stdout", "x"], ["text", 0, "stdout", "x"]],
    ],
    ids=lambda events: repr(events[-1])[:40],
)
async def test_events(events: list[object]) -> None:
    """An event that isn't one, isn't of this call, or is more than the call asked for is refused."""
    sandbox = await sandbox_saying({}, lines(*GOOD, *events))
    with pytest.raises(AgentMisbehaved):
        await finished(await sandbox.follow("a"))


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [OUT],
        [["state", "ended", [None, None]]],
        [["state", "completed", [None, None]]],
        [["state", "in_progress", [None]]],
        [["state", "in_progress", [None] * (MAX_COMMANDS + 1)]],
        [["state", "in_progress", [None, {"type": "exit"}]]],
        [["state", "in_progress", [None, {"type": "exit", "exit_code": True}]]],
        [STATE],
        [STATE, TEXT],
        [STATE, OUT, ["end"]],
        [STATE, ["text", 2, "stdout", "x"], ["end"]],
        [STATE, *[TEXT] * 300, ["end"]],
    ],
    ids=lambda answer: repr(answer[-1:])[:40],
)
async def test_answers(answer: list[object]) -> None:
    """What isn't a call with its output, or is more than the call asked for, is refused, and so is half of one."""
    sandbox = await sandbox_saying({}, lines(*GOOD, *answer))
    with pytest.raises((AgentMisbehaved, SandboxLost)):
        await finished(await sandbox.snapshot("a"))


async def test_many_lines() -> None:
    """However many lines there are, others have their turn between some and the next."""
    sandbox = await sandbox_saying({}, lines(DESCRIPTION | {"max_output_length": 10**6}, "a", "b", *[OUT] * 20_000))
    followed = await sandbox.follow("a")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    assert len([event async for event in followed.events()]) == 20_000
    waiting.cancel()
    assert turns >= 20_000 // TURN


async def test_text_that_can_not_be_encoded() -> None:
    """Lone surrogates in output become replacement characters."""
    sandbox = await sandbox_saying({}, lines(*GOOD, STATE, ["text", 0, "stderr", "a\ud800b"], ["end"]))
    assert (await finished(await sandbox.snapshot("a"))).output[0].stderr == "a?b"


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ({"code": "not_found", "message": "x"}, NotFound),
        ({"code": "storage_full"}, StorageFull),
        ({"code": "no_directory"}, InvalidInput),
        ({"code": "root"}, AgentMisbehaved),
        ({"code": ["not_found"]}, AgentMisbehaved),
        ({"code": "x" * 60_000, "message": {"a": 1}}, AgentMisbehaved),
        ({}, AgentMisbehaved),
    ],
)
async def test_refusals(reason: dict[str, object], error: type[SandlotError]) -> None:
    """A refusal is one of the runtime's errors, at whatever point it comes, and in the runtime's own words."""

    def refuses(after: int) -> Answer:
        def answer(frame: Frame) -> Iterable[bytes]:
            if frame.kind == after:
                return [encode_json(RESET, frame.channel, reason)]
            return [encode_json(REPLY, frame.channel, {"size": 9})] if frame.kind == OPEN and after == REPLY else []

        return answer

    for after in (OPEN, END):
        sandbox = await sandbox_of(HostileStream(refuses(after)))
        with pytest.raises(error) as refusal:
            await sandbox.run({"stdin": "x" * 3 * 2**20 if after == OPEN else ""})
        assert not reason.get("message") or str(reason["message"]) not in str(refusal.value)
    with pytest.raises(error):
        await _written(await sandbox_of(HostileStream(refuses(OPEN))))


def replying(header: bytes) -> Callable[[int], Iterable[bytes]]:
    """A header as it is written, for a channel."""
    return lambda channel: [encode(REPLY, channel, header)]


async def test_ports_that_are_said_to_be_taken(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever stands there is told in the log, though it be nested as deeply as JSON can be."""
    for depth in range(sys.getrecursionlimit() - 200, sys.getrecursionlimit()):
        sandbox = await sandbox_of(HostileStream(once(replying(b'{"taken":%b%b}' % (b"[" * depth, b"]" * depth)))))
        with suppress(AgentMisbehaved):  # as deep as this, it can't be
            await sandbox.set_network([], [], {}, None)
            assert "taken ports" in caplog.text
        caplog.clear()


class Taken:
    """How much of a file has come."""

    size = 0

    async def all_of(self, reading: ReadingFile) -> None:
        """Read to the end."""
        async for piece in reading.pieces():
            self.size += len(piece)


async def _written(sandbox: Sandbox) -> None:
    await (await sandbox.write("a", pieces_of(b"x"))).finish()
