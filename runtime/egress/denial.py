"""How a connection out of a sandbox is given up."""

from __future__ import annotations

from runtime.network_values import Reason


class Denied(Exception):
    """A connection isn't let through, or not any longer. Raised anywhere, written down by the gate, which closes it.

    `address` is the one it would have led to, where one was found. A request that is refused while others on the same
    connection may go on isn't this: it is answered.
    """

    def __init__(self, reason: Reason, address: str | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.address = address
