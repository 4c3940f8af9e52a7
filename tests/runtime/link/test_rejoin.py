"""A link that is dropped and taken up again, as after a restart of the service."""

from __future__ import annotations

import asyncio
import os

import pytest

from runtime.errors import SandboxLost
from runtime.link.frames import DATA, END, HEADER, MAX_PAYLOAD, OPEN, encode, encode_json
from runtime.values import CallStatus
from tests.runtime.link.box import Box, events_of, finished, pieces_of

HALVES = {
    "part of a header": HEADER.pack(DATA, 1, 1000)[:5],
    "a header": HEADER.pack(DATA, 1, MAX_PAYLOAD),
    "part of OPEN": encode_json(OPEN, 99, {"op": "write", "name": "a"})[:20],
    "part of a body": encode_json(OPEN, 99, {"op": "write", "name": "a"}) + encode(DATA, 99, bytes(1000))[:-1],
    "part of END": encode_json(OPEN, 99, {"op": "write", "name": "a"}) + encode(END, 99, bytes(8))[:-1],
    "garbage": bytes(range(256)) * 400,
}


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_frame(box: Box, half: str) -> None:
    """Whatever an older connection left half written, the next session is understood, and nothing has come of it."""
    spec = box.spec("while [ ! -e go ]; do echo x; sleep 0.02; done; echo end")
    (await box.sandbox.run(spec)).close()
    box.session.send(HALVES[half])
    await asyncio.sleep(0.05)
    box.sandbox.close()
    await box.connect()
    await box.run("touch go")
    call = await finished(await box.sandbox.follow(spec["id"]))
    assert call.status is CallStatus.COMPLETED
    assert call.output[0].stdout.replace("x\n", "") == "end\n"
    assert [file.path for file in await box.sandbox.list(10)] == [b"go"]


async def test_whoever_waits_is_told(box: Box) -> None:
    """When a link is closed, everything that was under way on it ends with SandboxLost."""
    followed = await box.sandbox.run(box.spec("sleep 1000", timeout_ms=2000))
    waiting = asyncio.create_task(finished(followed))
    await asyncio.sleep(0.05)
    box.sandbox.close()
    with pytest.raises(SandboxLost, match="The container is gone"):
        await waiting
    with pytest.raises(SandboxLost):
        await box.sandbox.list(1)


async def test_output_of_a_call_without_anybody(box: Box) -> None:
    """A background call's output is complete after several links, and the events are the same each time."""
    count = 20_000
    spec = box.spec(f"for i in $(seq {count}); do echo $i; done; sleep 0.2; echo error >&2; exit 7", limit=10**6)
    followed = await box.sandbox.run(spec)
    async for _ in followed.events():
        break
    for _ in range(5):
        box.sandbox.close()
        await box.connect()
        (await box.sandbox.follow(spec["id"])).close()
    first, events = await events_of(await box.sandbox.follow(spec["id"]))
    box.sandbox.close()
    await box.connect()
    assert (await events_of(await box.sandbox.follow(spec["id"]))) == (first, events)
    assert first.output[0].stdout == "".join(f"{number}\n" for number in range(1, count + 1))
    assert first.output[0].stderr == "error\n"


async def test_events_that_were_read_do_not_change(box: Box) -> None:
    """Readers at different moments see the same events with the same numbers."""
    spec = box.spec("for i in $(seq 60); do echo $i; echo e$i >&2; sleep 0.01; done", "seq 100000", limit=5000)
    readers = [asyncio.create_task(events_of(await box.sandbox.run(spec)))]
    seen = []
    for _ in range(20):
        readers.append(asyncio.create_task(events_of(await box.sandbox.follow(spec["id"]))))
        seen.append(await finished(await box.sandbox.snapshot(spec["id"])))
    result, whole = await readers[0]
    for reader in readers:
        assert (await reader) == (result, whole)
    for then in seen:
        assert result.output[0].stdout.startswith(then.output[0].stdout)
        assert result.output[0].stderr.startswith(then.output[0].stderr)


async def test_in_the_middle_of_everything(box: Box) -> None:
    """Links that are dropped with much on the way, both ways, again and again."""
    data = os.urandom(3_000_000)
    await box.put("data", data)
    for number in range(15):
        tasks = [
            asyncio.create_task(box.get(b"data")),
            asyncio.create_task(box.put("half", data)),
            asyncio.create_task(box.call(box.spec("yes", timeout_ms=100))),
        ]
        await asyncio.sleep(number / 1000)
        box.sandbox.close()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, SandboxLost | bytes), result
        await box.connect()
    assert await box.get(b"data") == data
    assert {file.path.partition(b"-")[0] for file in await box.sandbox.list(100)} <= {b"data", b"half"}


async def test_a_link_taken_over(box: Box) -> None:
    """Files of a link that was dropped are gone, and their names are free."""
    await box.sandbox.write("a", pieces_of(b"x" * 100_000))
    box.sandbox.close()
    await box.connect()
    assert await box.put("a", b"y") == b"a"
    assert await box.run("ls -A") == "a\n"
