"""The agent: the first process of a sandbox, and the other end of its link."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import signal
from functools import partial

from runtime.agent.calls import Calls
from runtime.agent.channel import Channel, Request, RequestFailed
from runtime.agent.files import List, Read, Remove, Write
from runtime.agent.following import Answer, AnswerInTheEnd, Run, events, whole
from runtime.agent.loop import Loop
from runtime.agent.mux import Mux
from runtime.agent.processes import Processes
from runtime.agent.tree import Tree
from runtime.link.frames import TYPE_CHECKING, Json
from runtime.process_memory import close_to_others, keep_freed

if TYPE_CHECKING:
    from runtime.agent.network import Network

F_SETPIPE_SZ = 1031  # fcntl has it by name since Python 3.10
KEPT = 2 * 1024 * 1024  # bytes of freed memory: a few pieces of a transfer
PIPE_SIZE = 256 * 1024  # by default 64 KiB; more would use up what one user's pipes may have on a host in all


class Agent:
    """Answers the host on the link: what it may ask for, by name."""

    def __init__(self, loop: Loop, root: str) -> None:
        self._loop = loop
        self._calls = Calls(loop, Processes(loop), root)
        self._tree = Tree(root)
        self._mux = Mux(loop, 0, 1, self.answer)
        self._network: Network | None = None
        self._used = False

    def answer(self, header: Json, channel: Channel) -> Request:
        """The request that does what a channel's header asks for."""
        operation = header.get("op")
        if operation == "meet":
            self._mux.meet(header["address"])  # the link may move there
            return Told(channel, {})
        if operation == "used":
            return Told(channel, {"used": self._used})
        self._used = True
        if operation == "run":
            return Run(channel, self._calls, partial(Answer, lines=events))
        if operation == "call":
            return Run(channel, self._calls, partial(AnswerInTheEnd, loop=self._loop))
        if operation in ("follow", "snapshot"):
            return Answer(channel, self._calls.get(header["id"]), events if operation == "follow" else whole)
        if operation == "cancel":
            call = self._calls.get(header["id"])
            call.cancel()
            return AnswerInTheEnd(channel, call, self._loop)
        if operation == "network":
            return self._set_network(channel)
        if operation == "name":
            return Told(channel, {"host": self._network and self._network.name_at(header["address"])})
        files = {"write": Write, "read": Read, "list": List, "remove": Remove}
        if operation in files:
            return files[operation](channel, self._tree, header)
        raise RequestFailed("unknown_operation", f"No such operation: {operation!r}")

    def _set_network(self, channel: Channel) -> Request:
        # Loaded here, since most sandboxes have no network, and compiling it takes a good part of an agent's start.
        from runtime.agent.network import Network, SetNetwork

        if self._network is None:
            self._network = Network(self._loop, self._mux, self._calls.shells)
        return SetNetwork(channel, self._network)


class Told(Request):
    """Is answered at once, with what is known."""

    def __init__(self, channel: Channel, answer: Json) -> None:
        channel.reply(answer)
        self.finished = True
        channel.wake()


def widen(pipe: int) -> None:
    """Let a pipe hold more, so that the processes at its ends take fewer turns. It works as it is, too."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE)


def main(root: str) -> None:
    """Serve the link, on standard input and output or wherever it moves, until the first is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python would end by it, and code in the sandbox may send it
    loop = Loop()
    Agent(loop, root)
    gc.freeze()  # what is there by now stays, and needn't be looked through ever again
    gc.enable()
    close_to_others()
    keep_freed(KEPT)
    for pipe in (0, 1):
        widen(pipe)
    loop.run()
