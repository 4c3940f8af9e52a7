"""What a sandbox's agent opens channels for, taken to whoever decides about it."""

from __future__ import annotations

from contextvars import Context
from typing import Protocol

from runtime.link.connection import LinkConnection
from runtime.link.frames import Json
from runtime.link.session import OnOpen
from runtime.turns import share_turns


class WayOut(Protocol):
    """Takes what comes out of one sandbox. Nothing of it is trusted: `host` and the like are whatever JSON can hold."""

    def accept(self, host: object, port: object, connection: LinkConnection) -> None:
        """A program has connected to a port of a host. The connection is to be closed when it is of no more use."""

    def looked_up(self, host: object) -> None:
        """A program has asked for the address of a name that it may not reach."""

    def lookups_left_out(self, number: object) -> None:
        """Programs have asked for such names so many times more, too fast for each to be told."""


def onto(way_out: WayOut) -> OnOpen:
    """What a link session is to do with the channels that its agent opens.

    It is done in a context of its own, not in that of the request in whose course the link came about.
    """
    context = Context()
    context.run(share_turns)

    def on_open(header: Json, connection: LinkConnection) -> None:
        operation = header.get("op")
        if operation == "connect":
            way_out.accept(header.get("host"), header.get("port"), connection)
            return
        connection.close()
        if operation == "lookup":
            way_out.looked_up(header.get("host"))
        elif operation == "lookups_left_out":
            way_out.lookups_left_out(header.get("number"))

    def on_open_in_context(header: Json, connection: LinkConnection) -> None:
        context.run(on_open, header, connection)

    return on_open_in_context
