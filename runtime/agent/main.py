"""The agent: the first process of a sandbox, and the other end of its link."""

from __future__ import annotations

import contextlib
import ctypes
import signal

from runtime.agent.calls import Calls, Follow, Run, Snapshot
from runtime.agent.files import List, Read, Remove, Write
from runtime.agent.loop import Loop
from runtime.agent.mux import Channel, Mux, Request, RequestFailed
from runtime.agent.processes import Processes
from runtime.agent.tree import Tree
from runtime.link.frames import Json

PR_SET_DUMPABLE = 4


class Agent:
    """What the host may ask for, by name."""

    def __init__(self, loop: Loop, root: str) -> None:
        self._calls = Calls(loop, Processes(loop))
        self._tree = Tree(root)

    def answer(self, header: Json, channel: Channel) -> Request:
        """The request that does what a channel's header asks for."""
        operation = header.get("op")
        if operation == "run":
            return Run(channel, self._calls)
        if operation == "follow":
            return Follow(channel, self._calls.get(header["id"]), header["after"])
        if operation == "snapshot":
            return Snapshot(channel, self._calls.get(header["id"]), -1)
        if operation == "cancel":
            call = self._calls.get(header["id"])
            call.cancel()
            return Follow(channel, call, -1)
        files = {"write": Write, "read": Read, "list": List, "remove": Remove}
        if operation in files:
            return files[operation](channel, self._tree, header)
        raise RequestFailed("unknown_operation", f"No such operation: {operation!r}")


def make_undumpable() -> None:
    """Close the agent's memory and /proc to code of the same user: no ptrace, no core, no open descriptors."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def main(root: str) -> None:
    """Serve the link on standard input and output until the first is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python would end by it, and code in the sandbox may send it
    loop = Loop()
    agent = Agent(loop, root)
    make_undumpable()
    Mux(loop, 0, 1, agent.answer)
    loop.run()
