"""The way out of the sandbox, for programs that know nothing of it."""

from __future__ import annotations

import json

from runtime.agent.answers import Answers
from runtime.agent.channel import Channel, Request
from runtime.agent.listeners import Listeners
from runtime.agent.loop import Loop
from runtime.agent.mux import Mux
from runtime.agent.name_server import ADDRESS, NameServer
from runtime.agent.names import Names
from runtime.agent.shells import Shells
from runtime.agent.trust import trust
from runtime.link.frames import Json


class Network:
    """Names, their server, the open ports, and what commands find in their environment."""

    def __init__(self, loop: Loop, mux: Mux, shells: Shells) -> None:
        self._names = Names()
        self._listeners = Listeners(loop, mux, self._names)
        self._name_server = NameServer(loop, Answers(loop, mux, self._names).answer)
        self._shells = shells

    def apply(self, wanted: Json) -> list[int]:
        """Put it in force; gives the ports, of those wanted, that programs of the sandbox have taken.

        `wanted` has `names`, `ports`, `environment`, and `authority`, a certificate (PEM) to be trusted, or None.
        RequestFailed when that can't be written down; everything else is in force then.
        """
        self._names.allow(wanted["names"])
        taken = self._listeners.listen(wanted["ports"])
        if not self._name_server.start():
            taken.append(ADDRESS[1])
        environment = dict(wanted["environment"])
        try:
            if wanted["authority"] is not None:
                environment.update(trust(wanted["authority"]))
        finally:
            self._shells.surround(environment)
        return taken

    def name_at(self, address: str) -> str | None:
        """The name that programs mean by an address, if it is an allowed one's."""
        return self._names.at(address)


class SetNetwork(Request):
    """Sets the network, as soon as its description, the body, is whole. Answers with the ports that were taken."""

    def __init__(self, channel: Channel, network: Network) -> None:
        self._channel = channel
        self._network = network
        self._wanted = bytearray()

    def receive(self, data: bytes) -> None:
        """A piece of the description."""
        self._wanted += data

    def end(self) -> None:
        """Put it in force."""
        taken = self._network.apply(json.loads(self._wanted))
        self._channel.reply({"taken": taken})
        self.finished = True
        self._channel.wake()
