"""The agent's event loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from runtime.agent.loop import Loop


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    """Two pipes: read end, write end."""
    made = [os.pipe(), os.pipe()]
    yield made
    for ends in made:
        for fd in ends:
            os.close(fd)


def test_what_is_no_longer_watched_is_not_called(pipes: list[tuple[int, int]]) -> None:
    """Of two descriptors that are ready at once, one may stop the watch of the other, or begin another one."""
    loop = Loop()
    called = []

    def watch(own: int, other: int) -> None:
        def first() -> None:
            called.append("first")
            os.read(own, 1)
            loop.forget(other)
            loop.on_readable(other, second)

        def second() -> None:
            called.append("second")
            loop.stop()

        loop.on_readable(own, first)

    for own, other in ((0, 1), (1, 0)):
        os.write(pipes[own][1], b"x")
        watch(pipes[own][0], pipes[other][0])
    loop.run()
    assert called == ["first", "second"]


def test_nothing_is_taken_that_sandboxes_share(pipes: list[tuple[int, int]]) -> None:
    """No watch of epoll: of these the kernel has so many for all sandboxes, and another one may have taken them."""
    before = _epolls()
    loop = Loop()
    loop.on_readable(pipes[0][0], loop.stop)
    os.write(pipes[0][1], b"x")
    loop.run()
    assert _epolls() == before


def _epolls() -> int:
    """How many this process has open."""
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the folder's own
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    return links.count("anon_inode:[eventpoll]")


def test_what_the_system_refuses_ends_nothing(pipes: list[tuple[int, int]]) -> None:
    """An error of the system in one callback leaves the others, and the loop, as they are."""
    loop = Loop()
    called: list[str] = []

    def fail() -> None:
        called.append("failed")
        raise OSError

    def bad() -> None:
        os.read(pipes[0][0], 1)
        fail()

    def good() -> None:
        os.read(pipes[1][0], 1)
        called.append("good")

    for _, writer in pipes:
        os.write(writer, b"x")
    loop.on_readable(pipes[0][0], bad)
    loop.on_readable(pipes[1][0], good)
    loop.call_later(0.01, fail)
    loop.call_later(0.02, loop.stop)
    loop.run()
    assert sorted(called) == ["failed", "failed", "good"]


def test_timers_come_in_order() -> None:
    """Timers run when they are due, the cancelled ones not at all."""
    loop = Loop()
    called: list[int] = []
    loop.call_later(0.02, loop.stop)
    for number in (3, 1, 2):
        loop.call_later(number / 1000, lambda number=number: called.append(number))  # type: ignore[misc]
    loop.call_later(0.001, lambda: called.append(0)).cancel()
    loop.call_later(10**10, lambda: called.append(4))
    loop.run()
    assert called == [1, 2, 3]


def test_cancelled_timers_take_no_room() -> None:
    """Any number of timers may be set and cancelled."""
    loop = Loop()
    for _ in range(10_000):
        loop.call_later(1000, loop.stop).cancel()
    assert len(loop._timers) < 1000
