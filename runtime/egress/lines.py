"""The lines of log about the attempts to get out of one sandbox."""

from __future__ import annotations

import logging

from runtime.egress.line_limit import LineLimit
from runtime.network_values import EgressRecord

log = logging.getLogger(__name__)


class Lines:
    """Those about attempts of one kind, which `noun` names in the plural.

    What is beyond the limit is left out, and counted with its bytes: the next line says so, or else the end does.
    """

    def __init__(self, container_id: str, noun: str, limit: LineLimit) -> None:
        self._container_id = container_id
        self._noun = noun
        self._limit = limit
        self._left_out = self._sent = self._received = 0
        self._closed = False

    def write(self, record: EgressRecord) -> None:
        """Write the line of what was decided and is over. No host can forge a line: see names.shown."""
        if not (self._closed or self._limit.allows()):
            self.leave_out(1, record.bytes_sent, record.bytes_received)
            return
        log.info(
            "%s: %s:%s (%s) %s: %s, %d bytes sent, %d received%s",
            self._container_id,
            record.host,
            "-" if record.port is None else record.port,
            record.address or "-",
            record.verdict,
            record.reason,
            record.bytes_sent,
            record.bytes_received,
            f"; before this, {self._remainder()}" if self._left_out else "",
        )

    def leave_out(self, number: int, sent: int = 0, received: int = 0) -> None:
        """Count so many that have no line, and their bytes."""
        self._left_out += number
        self._sent += sent
        self._received += received

    def close(self) -> None:
        """Say what is missing, if anything is.

        The connections that end by this have their lines yet, without a limit: they are as many as there may be at
        once, and nobody would tell any more what was left out.
        """
        self._closed = True
        if self._left_out:
            log.info("%s: %s", self._container_id, self._remainder())

    def _remainder(self) -> str:
        """What was left out since this was last told."""
        told = f"{self._left_out} more {self._noun} were left out, {self._sent} bytes sent, {self._received} received"
        self._left_out = self._sent = self._received = 0
        return told
