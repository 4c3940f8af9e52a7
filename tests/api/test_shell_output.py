from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message

from api.shell_output import CHUNK, answered, without_output
from api.streams import CutOff
from runtime.agent_answers import State, Text
from runtime.call_progress import CallProgress
from runtime.errors import AgentMisbehaved
from runtime.shell_calls import ShellAnswer
from runtime.values import CallStatus, ExitOutcome, Outcome, TimeoutOutcome

OUTCOMES: Sequence[Outcome | None] = [ExitOutcome(3), ExitOutcome(137, oom_killed=True), TimeoutOutcome(), None]
CALL: dict[str, Any] = {
    "id": "sh_1",
    "object": "container.shell_call",
    "container_id": "cntr_1",
    "created_at": 1,
    "status": "in_progress",
    "commands": ["a}", "b", "c", "d"],
    "timeout_ms": None,
    "max_output_length": 10**6,
}


class Answer:
    """Stands for a sandbox's answer: these texts, or errors."""

    def __init__(self, *texts: Text | Exception) -> None:
        self.closed = 0
        self._texts = texts

    async def texts(self) -> AsyncIterator[Text]:
        """See CallAnswer."""
        for text in self._texts:
            if isinstance(text, Exception):
                raise text
            yield text

    def close(self) -> None:
        """See CallAnswer."""
        self.closed += 1


def shell_answer(answer: Answer) -> ShellAnswer:
    """A call of four commands that stands in some way, with that output."""
    progress = CallProgress("sh_1", "cntr_1", 1, CALL["commands"], None, 10**6)
    call = progress.standing(State(CallStatus.IN_PROGRESS, OUTCOMES))
    held = ExitStack()
    held.callback(answer.close)
    return ShellAnswer(call, answer, progress, held)  # type: ignore[arg-type]  # it has what is needed


async def sent(response: Response) -> list[Message]:
    """What is sent of a response to a client that stays."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)
    return messages


def body_of(messages: list[Message]) -> Any:
    """The JSON that was sent."""
    return json.loads(b"".join(message.get("body", b"") for message in messages))


async def test_a_call() -> None:
    """A call has one output a command, with the Responses API's outcomes; oom_killed is said only when it is so."""
    answer = Answer(
        Text(0, "stdout", 'o"\n\u2028'), Text(0, "stdout", "é"), Text(1, "stderr", "\0"), Text(3, "stdout", "x")
    )
    response = await answered(shell_answer(answer))
    assert answer.closed == 1
    assert int(response.headers["content-length"]) == len(response.body)
    assert json.loads(bytes(response.body)) == CALL | {
        "output": [
            {"stdout": 'o"\n\u2028é', "stderr": "", "outcome": {"type": "exit", "exit_code": 3}},
            {"stdout": "", "stderr": "\0", "outcome": {"type": "exit", "exit_code": 137, "oom_killed": True}},
            {"stdout": "", "stderr": "", "outcome": {"type": "timeout"}},
            {"stdout": "x", "stderr": "", "outcome": None},
        ]
    }


def test_a_call_that_has_just_begun() -> None:
    """Its output is empty, and has an entry for each command all the same."""
    call = CallProgress("sh_1", "cntr_1", 1, CALL["commands"], None, 10**6).call()
    nothing = {"stdout": "", "stderr": "", "outcome": None}
    assert json.loads(bytes(without_output(call).body)) == CALL | {"output": [nothing] * 4}


async def test_a_large_call() -> None:
    """A large call is sent in chunks, none much above their size, and its source closed afterwards."""
    answer = Answer(*(Text(command, "stderr", "é" * 10_000) for command in range(4) for _ in range(50)))
    messages = await sent(await answered(shell_answer(answer)))
    assert answer.closed == 1
    assert len(messages) > 4 * 50 * 20_000 // (2 * CHUNK)
    assert all(len(message.get("body", b"")) < 2 * CHUNK for message in messages)
    assert [output["stderr"] for output in body_of(messages)["output"]] == ["é" * 500_000] * 4


async def test_an_error_at_the_beginning() -> None:
    """Before anything is sent, an error is the answer."""
    answer = Answer(Text(0, "stdout", "x"), AgentMisbehaved("It broke."))
    with pytest.raises(AgentMisbehaved):
        await answered(shell_answer(answer))
    assert answer.closed == 1


async def test_an_error_midway() -> None:
    """Afterwards, the response is cut off, and its source closed."""
    answer = Answer(*[Text(0, "stdout", "x" * 10_000)] * 60, AgentMisbehaved("It broke."))
    response = await answered(shell_answer(answer))
    with pytest.raises(CutOff):
        await sent(response)
    assert answer.closed == 1
