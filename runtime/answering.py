"""Waiting for agents: one that is silent for too long has failed, and what it refuses is an error of the runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.errors import AgentMisbehaved, InvalidInput, NotFound, SandlotError, StorageFull
from runtime.link.channel import Channel, RequestRefused
from runtime.link.frames import Json

ANSWER_SECONDS = 30.0  # within which an agent begins to answer, and goes on answering


async def header_of(channel: Channel) -> Json:
    """What an answer begins with."""
    async with answering():
        return await channel.header()


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Wait for the agent in here: one that is silent for too long has failed, and its refusal is an error."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except RequestRefused as refusal:
        raise refused(refusal) from refusal
    except TimeoutError:
        raise AgentMisbehaved("The sandbox doesn't answer.") from None


def refused(refusal: RequestRefused) -> SandlotError:
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
    return errors.get(refusal.code, AgentMisbehaved("The sandbox refused."))
