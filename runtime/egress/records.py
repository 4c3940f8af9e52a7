"""What became of the attempts to get out of one sandbox: the last ones to be looked up, and a line of log for each."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence

from runtime.egress.line_limit import LineLimit
from runtime.egress.traffic import Traffic
from runtime.ids import new_egress_id
from runtime.network_values import EgressRecord, Reason, Verdict

log = logging.getLogger(__name__)

KEPT = 1_000


class Entry:
    """One record while it is kept: how it ends, and how many bytes have passed, may still change."""

    __slots__ = ("_address", "_created_at", "_host", "_id", "_port", "_traffic", "reason", "verdict")

    def __init__(
        self, host: str, port: int | None, address: str | None, verdict: Verdict, reason: Reason, traffic: Traffic
    ) -> None:
        self.verdict = verdict
        self.reason = reason
        self._id = new_egress_id()
        self._created_at = int(time.time())
        self._host = host
        self._port = port
        self._address = address
        self._traffic = traffic

    @property
    def record(self) -> EgressRecord:
        """How it stands now."""
        return EgressRecord(
            id=self._id,
            created_at=self._created_at,
            host=self._host,
            port=self._port,
            address=self._address,
            verdict=self.verdict,
            reason=self.reason,
            bytes_sent=self._traffic.sent,
            bytes_received=self._traffic.received,
        )


class Records:
    """The records of one container."""

    def __init__(self, container_id: str) -> None:
        self._container_id = container_id
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._lines = LineLimit()

    def last(self) -> Sequence[EgressRecord]:
        """The last KEPT ones, newest last."""
        return [entry.record for entry in self._entries]

    def keep(self, entry: Entry) -> None:
        """Keep what was decided."""
        self._entries.append(entry)

    def log(self, entry: Entry) -> None:
        """Write the line of what was decided and is over. No host can forge a line: see names.shown."""
        if not self._lines.allows():
            return
        record, left_out = entry.record, self._lines.left_out()
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
            f"; {left_out} more were left out before this" if left_out else "",
        )

    def close(self) -> None:
        """Say how many lines are missing, if any are."""
        if left_out := self._lines.left_out():
            log.info("%s: %d more were left out", self._container_id, left_out)
