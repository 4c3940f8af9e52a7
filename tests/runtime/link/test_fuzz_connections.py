"""An agent with connections, against a host and programs that do anything at any time."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest

from runtime.link.frames import (
    AGENT_CHANNELS,
    AMOUNT,
    CONNECTION_WINDOW,
    COUNT,
    CREDIT,
    DATA,
    END,
    GREETING,
    HELLO,
    MAX_PAYLOAD,
    NONCE_SIZE,
    OPEN,
    PREAMBLE,
    RESET,
    VERSION,
    Decoder,
    Frame,
    encode,
)
from runtime.streams import ByteStream
from tests.runtime.link.box import agent_memory
from tests.runtime.link.networked import NetworkedBox

pytestmark = pytest.mark.fuzz

MEMORY = 128 * 1024**2
PROGRAM = """
import random
def one():
    while time.time() < %f:
        try:
            s = connect("%%d.wild.test" %% random.randrange(20), random.choice([80, 443]))
            s.settimeout(random.choice([0.001, 0.01, 0.1]))
            for _ in range(random.randrange(5)):
                act = random.randrange(5)
                if act == 0: s.sendall(random.randbytes(random.choice([1, 1000, 1000000])))
                elif act == 1: s.recv(random.choice([1, 1000000]))
                elif act == 2: s.shutdown(1)
                elif act == 3: cut_off(s)
                else: time.sleep(0.01)
            s.close()
        except OSError:
            time.sleep(0.001)
threads = [threading.Thread(target=one) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


class RandomHost:
    """Answers each frame with something, and holds the agent to the protocol: what it may send, and for how long."""

    def __init__(self, stream: ByteStream, seed: int) -> None:
        self.connections = 0
        self._stream = stream
        self._random = random.Random(seed)  # noqa: S311 - to be repeated by its seed
        self._decoder = Decoder()
        self._awaited = b""  # the answer to HELLO; what comes before it is of no interest
        self._before = b""
        self._received: dict[int, int] = {}  # of channels that are open
        self._credit: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        self._highest = AGENT_CHANNELS - 1
        self.start_over()
        stream.start(self._receive, lambda: None)

    def start_over(self) -> None:
        """Say HELLO."""
        self._awaited = encode(HELLO, 0, GREETING.pack(os.urandom(NONCE_SIZE), VERSION))
        self._stream.write(PREAMBLE + self._awaited)

    def _receive(self, data: bytes) -> None:
        if self._awaited:
            before, found, data = (self._before + data).partition(self._awaited)
            self._before = b"" if found else before[-len(self._awaited) :]
            if not found:
                return
            self._awaited = b""
            self._decoder = Decoder()
            self._highest = AGENT_CHANNELS - 1
            for known in (self._received, self._credit, self._sent):
                known.clear()
        for frame in self._decoder.feed(data):
            self._check(frame)
            self._answer(frame.channel)
            if self._awaited:
                return

    def _check(self, frame: Frame) -> None:
        if frame.kind == OPEN:
            assert frame.channel > self._highest
            self._highest = frame.channel
            self._received[frame.channel] = self._sent[frame.channel] = 0
            self._credit[frame.channel] = CONNECTION_WINDOW
            self.connections += 1
            return
        assert frame.channel in self._received, "a frame after RESET"
        if frame.kind == DATA:
            self._received[frame.channel] += len(frame.payload)
            self._credit[frame.channel] -= len(frame.payload)
            assert self._credit[frame.channel] >= 0
        elif frame.kind == END:
            assert COUNT.unpack(frame.payload)[0] == self._received[frame.channel]
        elif frame.kind == RESET:
            del self._received[frame.channel]

    def _answer(self, channel: int) -> None:
        choose = self._random
        if self._received and choose.random() < 0.3:
            channel = choose.choice(list(self._received))
        kind = choose.choice([DATA, DATA, DATA, END, CREDIT, CREDIT, RESET, OPEN, 0])
        if kind == DATA:
            size = choose.choice([0, 1, 100, MAX_PAYLOAD])
            data = choose.choice([b"\xff" * size, choose.randbytes(size)])
            self._sent[channel] = self._sent.get(channel, 0) + len(data)
            self._stream.write(encode(DATA, channel, data))
        elif kind == END:
            wrong = choose.random() < 0.1
            self._stream.write(encode(END, channel, COUNT.pack(self._sent.get(channel, 0) + wrong)))
        elif kind == CREDIT:
            amount = choose.choice([CONNECTION_WINDOW - self._credit.get(channel, 0), 2**31])
            if amount < 2**31:
                self._credit[channel] = CONNECTION_WINDOW
            self._stream.write(encode(CREDIT, channel, AMOUNT.pack(amount)))
        elif kind == RESET:
            self._stream.write(encode(RESET, channel, choose.choice([b"{}", b"{}", b"{}", b"\xff"])))
        elif choose.random() < 0.1:
            self.start_over()
        elif choose.random() < 0.1:
            self._stream.write(choose.randbytes(30))
            self.start_over()


async def test_random_hosts_and_programs(
    networked_alone: NetworkedBox, fuzz_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """The agent keeps to the protocol, lives, and holds nothing when all is over."""
    box = networked_alone
    program = box.program(PROGRAM % (time.time() + fuzz_seconds))
    await box.connection()
    box.session.close()
    await asyncio.wait([program])
    program.exception()
    seed = random.randrange(2**32)  # noqa: S311 - where to begin
    print(f"the host's seed is {seed}")
    stream = await box.agent.attach()
    host = RandomHost(stream, seed)
    end = time.monotonic() + fuzz_seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.1)
        host.start_over()
    stream.close()
    assert caplog.text == ""  # where asyncio says that a check has failed
    assert host.connections > 10
    print(f"{host.connections} connections")
    await box.connect()
    # But for those that listen, and those that the kernel keeps for a while after a program has closed them.
    sockets = "grep -v -e ' 0A ' -e ' 03:' -e local_address /proc/net/tcp || true"
    assert await box.run(f"while pgrep -f rando[m] > /dev/null; do sleep 0.05; done; sleep 0.2; {sockets}") == ""
    assert await agent_memory(box) < MEMORY
    fresh = box.program("s = connect(); s.sendall(b'x'); print(s.recv(1))")
    while not box.connections.empty():
        box.connections.get_nowait()[1].close()
    connection = await box.connection()
    await connection.send(await connection.receive())
    assert (await fresh).stdout == "b'x'\n"
