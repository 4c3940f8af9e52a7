from __future__ import annotations

import asyncio
import logging
import sys
import time
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest

from runtime.errors import SandlotError
from runtime.scheduler import schedule


async def test_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    """A job comes every so often, also after it has failed, which is logged."""
    runs, thrice = 0, asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise SandlotError("not this time")
        if runs == 2:
            raise ZeroDivisionError
        thrice.set()

    async with schedule({job: 0.01}):
        await asyncio.wait_for(thrice.wait(), 30)
    assert "not this time" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_at_once() -> None:
    """What is wanted at once doesn't wait for its time, but for the one after; the others wait for both."""
    ran: list[str] = []
    begun = asyncio.Event()

    async def now() -> None:
        ran.append("now")
        begun.set()

    async def later() -> None:
        ran.append("later")

    async with schedule({now: 3600, later: 3600}, at_once=[now]):
        await asyncio.wait_for(begun.wait(), 30)
        for _ in range(10):
            await asyncio.sleep(0)
    assert ran == ["now"]


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 50])
async def test_the_end(caplog: pytest.LogCaptureFixture, turns: int) -> None:
    """A job that is under way at the end has ended too when the context is left, and that is no failure."""
    under_way = 0

    async def job() -> None:
        nonlocal under_way
        under_way += 1
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            under_way -= 1

    with caplog.at_level(logging.WARNING):
        async with schedule({job: 3600}, at_once=[job]):
            for _ in range(turns):
                await asyncio.sleep(0)
        assert under_way == 0
        for _ in range(5):
            await asyncio.sleep(0)
    assert under_way == 0
    assert caplog.text == ""


async def test_a_clock_that_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system's clock is set to the day before, jobs are run as often as they were."""
    ran = asyncio.Event()

    async def job() -> None:
        ran.set()

    async with schedule({job: 0.05}):
        set_clock_back(monkeypatch, timedelta(days=1))
        for _ in range(5):
            ran.clear()
            await asyncio.wait_for(ran.wait(), 30)


async def test_the_end_of_one_that_fails_then() -> None:
    """A job that makes a failure of its own end doesn't hold up the others' end."""
    waits = asyncio.Event()

    async def job() -> None:
        try:
            waits.set()
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    async with asyncio.timeout(30), schedule({job: 3600}, at_once=[job]):
        await waits.wait()


def set_clock_back(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """From now on the system's clock is behind, for all Python code that asks for the time."""
    true_time = time.time

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - by

    monkeypatch.setattr(time, "time", lambda: true_time() - by.total_seconds())
    for module in list(sys.modules.values()):
        if vars(module).get("datetime") is datetime:
            monkeypatch.setattr(module, "datetime", Clock)
