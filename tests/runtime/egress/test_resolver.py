"""The system's resolver: what it asks, how often, and what stalls when a name's servers do."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from runtime.egress import resolver as module
from runtime.egress.resolver import (
    MAX_ADDRESSES,
    MAX_KEPT,
    MAX_QUESTIONS,
    NameNotFound,
    ResolverFailed,
    SystemResolver,
    in_hosts,
    look_up,
)
from tests.runtime.egress.stub_name_server import StubNameServer
from tests.runtime.egress.stub_resolvers import ADDRESSES, SECONDS, SlowSystem


@pytest.fixture
def questions() -> asyncio.Semaphore:
    """The places for those of one sandbox."""
    return asyncio.Semaphore(MAX_QUESTIONS)


async def test_the_hosts_file(questions: asyncio.Semaphore) -> None:
    """What this machine's own file has is found without asking anybody."""
    assert ip_address("127.0.0.1") in await SystemResolver().resolve("localhost", questions)


async def test_no_such_name(questions: asyncio.Semaphore) -> None:
    """A name that can't be is one that isn't found."""
    with pytest.raises(NameNotFound):
        await SystemResolver().resolve("there-is-none.invalid", questions)


def test_lines_of_a_hosts_file(tmp_path: Path) -> None:
    """All lines that have the name count, in any case; comments and broken lines don't."""
    file = tmp_path / "hosts"
    file.write_bytes(
        b"# 192.0.2.9 git.test\n192.0.2.1 GIT.test git # git2.test\n\n2001:db8::1\tother.test git.test\n"
        b"nonsense git.test\ngit.test\n\xff\xff git.test\n"
    )
    assert in_hosts("git.test", file) == ADDRESSES
    assert in_hosts("git", file) == ADDRESSES[:1]
    assert in_hosts("git2.test", file) == in_hosts("192.0.2.1", file) == in_hosts("nonsense", file) == []
    assert in_hosts("git.test", tmp_path / "none") == []


def test_names_are_asked_for_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's search list is never applied: it would make another name."""
    asked = []

    def getaddrinfo(host: bytes, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(0, 0, 0, "", (str(address), 0)) for address in (*ADDRESSES, *ADDRESSES)]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert look_up("api.example.com") == ADDRESSES
    assert asked == [b"api.example.com."]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), NameNotFound),
        (socket.gaierror(socket.EAI_NODATA, "no address"), NameNotFound),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), ResolverFailed),
        (socket.gaierror(socket.EAI_FAIL, "failed"), ResolverFailed),
        (OSError(errno.EMFILE, "too many open files"), ResolverFailed),
    ],
    ids=str,
)
def test_no_host_is_told_from_no_answer(monkeypatch: pytest.MonkeyPatch, error: OSError, kind: type[Exception]) -> None:
    """Only the first is true for everybody, and for a while."""

    def getaddrinfo(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert type(look_up("api.example.com")) is kind


def test_of_many_addresses_the_first_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs a name's DNS may have thousands in it, and each is looked at while others wait."""
    addresses = [str(ip_address("8.8.0.0") + number) for number in range(4_000)]

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert look_up("api.example.com") == list(map(ip_address, addresses[:MAX_ADDRESSES]))


NAMES: dict[str, str | list[str]] = {
    "plain.test": ["8.8.8.8"],
    "alias.test": "plain.test",
    "far.test": "alias.test",
    "inward.test": "intranet.corp.test",
    "intranet.corp.test": ["10.0.0.1", "fd00::1"],
    "mixed.test": "both.test",
    "both.test": ["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1", "::ffff:127.0.0.1"],
    "loop.test": "loop.test",
    "nowhere.test": "none.test",
    "none.test.search.test": ["8.8.8.8"],
}
VETTED = {
    "plain.test": ["8.8.8.8"],
    "alias.test": ["8.8.8.8"],
    "far.test": ["8.8.8.8"],
    "inward.test": [],
    "mixed.test": ["1.1.1.1", "2606:4700::1"],
    "loop.test": None,
    "nowhere.test": None,
    "none.test": None,
}


def test_aliases(tmp_path: Path) -> None:
    """What an alias (CNAME) stands for makes no difference, only where it leads to; and no other name is asked for."""
    program = f"""
import json
from runtime.egress.addresses import vetted
from runtime.egress.config import EgressConfig
from runtime.egress.resolver import look_up
answers = {{name: look_up(name) for name in {list(VETTED)}}}
print(json.dumps({{
    name: None if isinstance(answer, Exception) else sorted(map(str, vetted(answer, name, EgressConfig())))
    for name, answer in answers.items()
}}))
"""
    with StubNameServer(NAMES) as server:
        configuration = tmp_path / "resolv.conf"
        configuration.write_text(f"nameserver {server.address}\nsearch search.test\noptions timeout:5 attempts:1\n")
        there = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", there, str(configuration), sys.executable, "-c", program]
        told = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(told.stdout) == VETTED
    assert server.asked == set(VETTED)


async def test_asked_once(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """Those who ask the same at the same time, or soon after, share one question."""
    resolver = SystemResolver(system.look_up)
    system.go_on.clear()
    asking = [asyncio.create_task(resolver.resolve("slow.test", questions)) for _ in range(100)]
    await asyncio.sleep(0.01)
    system.go_on.set()
    assert await asyncio.gather(*asking) == [ADDRESSES] * 100
    assert await resolver.resolve("slow.test", questions) == ADDRESSES
    assert system.asked == {"slow.test": 1}


async def test_an_answer_is_not_kept_for_long(
    system: SlowSystem, questions: asyncio.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while it is asked again, and what is true then is told."""
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.0)
    resolver = SystemResolver(system.look_up)
    assert await resolver.resolve("a.test", questions) == ADDRESSES
    system.answers["a.test"] = ADDRESSES[:1]
    assert await resolver.resolve("a.test", questions) == ADDRESSES[:1]
    assert system.asked == {"a.test": 2}


async def test_failures(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """That there is no such name is an answer to be kept; that nobody answered is not."""
    resolver = SystemResolver(system.look_up)
    system.answers = {"none.test": NameNotFound("none.test"), "broken.test": ResolverFailed("broken.test")}
    for _ in range(2):
        with pytest.raises(NameNotFound):
            await resolver.resolve("none.test", questions)
        with pytest.raises(ResolverFailed):
            await resolver.resolve("broken.test", questions)
    assert system.asked == {"none.test": 1, "broken.test": 2}


async def test_a_stall(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """A name whose servers keep silent holds up nobody else, neither on the loop nor on its threads."""
    resolver = SystemResolver(system.look_up)
    system.go_on.clear()
    names = [f"slow{number}.test" for number in range(MAX_QUESTIONS - 1)]
    stalled = [asyncio.create_task(resolver.resolve(name, questions)) for name in names]
    await system.stalls(MAX_QUESTIONS - 1)
    async with asyncio.timeout(SECONDS):
        assert await resolver.resolve("quick.test", questions) == ADDRESSES
        assert await asyncio.to_thread(lambda: 1) == 1
    assert not any(task.done() for task in stalled)
    system.go_on.set()
    assert await asyncio.gather(*stalled) == [ADDRESSES] * len(stalled)


async def test_too_many_questions(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """More than MAX_QUESTIONS wait, and those who no longer want to know by then ask nothing."""
    resolver = SystemResolver(system.look_up)
    system.go_on.clear()
    names = [f"slow{number}.test" for number in range(MAX_QUESTIONS + 10)]
    asking = [asyncio.create_task(resolver.resolve(name, questions)) for name in names]
    await system.stalls(MAX_QUESTIONS)
    for task in asking[-5:]:
        task.cancel()
    await asyncio.wait(asking[-5:])
    assert set(system.asked) == set(names[:MAX_QUESTIONS])
    system.go_on.set()
    assert await asyncio.gather(*asking[:-5]) == [ADDRESSES] * (MAX_QUESTIONS + 5)
    assert set(system.asked) == set(names[:-5])


async def test_too_many_questions_of_others(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """However many others ask too much, who doesn't is answered at once; and so are they in the end."""
    resolver = SystemResolver(system.look_up)
    system.go_on.clear()
    asking = [
        asyncio.create_task(resolver.resolve(f"slow{number}.test{other}", others))
        for other, others in enumerate(asyncio.Semaphore(MAX_QUESTIONS) for _ in range(20))
        for number in range(MAX_QUESTIONS + 10)
    ]
    await system.stalls(20 * MAX_QUESTIONS)
    async with asyncio.timeout(SECONDS):
        assert await resolver.resolve("quick.test", questions) == ADDRESSES
    assert not any(task.done() for task in asking)
    assert system.asked.total() == 20 * MAX_QUESTIONS + 1
    system.go_on.set()
    assert await asyncio.gather(*asking) == [ADDRESSES] * len(asking)


async def test_no_place_is_lost(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """Who leaves while waiting had none; what was asked keeps its own until the system is done with it."""
    resolver = SystemResolver(system.look_up)
    for turn in range(3):
        system.go_on.clear()
        names = [f"slow{number}.test{turn}" for number in range(MAX_QUESTIONS + 10)]
        asking = [asyncio.create_task(resolver.resolve(name, questions)) for name in names]
        await system.stalls(MAX_QUESTIONS)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        later = asyncio.create_task(resolver.resolve(f"later.test{turn}", questions))
        await asyncio.sleep(0)
        assert await resolver.resolve(f"other.test{turn}", asyncio.Semaphore()) == ADDRESSES
        assert f"later.test{turn}" not in system.asked
        system.go_on.set()
        assert await asyncio.wait_for(later, SECONDS) == ADDRESSES
        await system.stalls(0)
    assert system.asked.total() == 3 * (MAX_QUESTIONS + 2)


async def test_what_is_known_takes_no_place(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """Who has none left is told all the same; who has waited for one meanwhile gives it back."""
    resolver = SystemResolver(system.look_up)
    assert await resolver.resolve("known.test", questions) == ADDRESSES
    one = asyncio.Semaphore(1)
    system.go_on.clear()
    asking = [asyncio.create_task(resolver.resolve(name, one)) for name in ["slow.test", "later.test", "later.test"]]
    await system.stalls(1)
    assert await asyncio.wait_for(resolver.resolve("known.test", one), SECONDS) == ADDRESSES
    system.go_on.set()
    assert await asyncio.gather(*asking) == [ADDRESSES] * 3
    assert await asyncio.wait_for(resolver.resolve("last.test", one), SECONDS) == ADDRESSES
    assert set(system.asked.values()) == {1}


async def test_somebody_leaves(system: SlowSystem, questions: asyncio.Semaphore) -> None:
    """When one of those who ask has no more time, the others get their answer, and so does whoever comes later."""
    resolver = SystemResolver(system.look_up)
    system.go_on.clear()
    staying = asyncio.create_task(resolver.resolve("slow.test", questions))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await resolver.resolve("slow.test", questions)
    staying.cancel()
    later = asyncio.create_task(resolver.resolve("slow.test", questions))
    await asyncio.sleep(0)
    system.go_on.set()
    assert await later == ADDRESSES
    assert staying.cancelled()
    assert system.asked == {"slow.test": 1}


async def test_how_much_is_kept(
    system: SlowSystem, questions: asyncio.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names are asked for, only so many answers are kept: the newest."""
    monkeypatch.setattr(module, "MAX_KEPT", 3)
    assert MAX_KEPT > 3
    resolver = SystemResolver(system.look_up)
    for number in [0, 1, 2, 3, 4, 5, 5, 4, 0]:
        await resolver.resolve(f"host{number}.test", questions)
    assert system.asked["host5.test"] == system.asked["host4.test"] == 1
    assert system.asked["host0.test"] == 2


async def test_a_fault(system: SlowSystem, questions: asyncio.Semaphore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that goes wrong in a way that nobody has thought of is over, can be asked again, and is told of."""
    told = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: told.set())
    resolver = SystemResolver(system.look_up)
    system.fault = ZeroDivisionError()
    with pytest.raises(ResolverFailed):
        await resolver.resolve("a.test", questions)
    assert await asyncio.to_thread(told.wait, SECONDS)
    system.fault = None
    assert await resolver.resolve("a.test", questions) == ADDRESSES


async def test_no_thread_to_spare(
    system: SlowSystem, questions: asyncio.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no more threads, that is a failure too, and passes."""
    resolver = SystemResolver(system.look_up)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", no_thread)
        for _ in range(2 * MAX_QUESTIONS):
            with pytest.raises(ResolverFailed):
                await resolver.resolve("a.test", questions)
    assert await resolver.resolve("a.test", questions) == ADDRESSES


def no_thread(thread: threading.Thread) -> None:
    """Thread.start at the limit."""
    raise RuntimeError(f"can't start {thread.name}")


def test_nothing_waits_for_a_silent_server_at_the_end() -> None:
    """A process ends although the system hasn't answered yet."""
    program = """
import asyncio, threading
from runtime.egress.resolver import SystemResolver
async def main():
    asked = threading.Event()
    resolver = SystemResolver(lambda _: asked.set() or threading.Event().wait())
    asking = asyncio.create_task(resolver.resolve("slow.test", asyncio.Semaphore()))
    await asyncio.to_thread(asked.wait)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=SECONDS)
