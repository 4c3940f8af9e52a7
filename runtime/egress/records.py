"""What became of the attempts to get out of one sandbox: the last ones to be looked up, and a line of log for each."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Sequence

from runtime.egress.line_limit import LineLimit
from runtime.egress.lines import Lines
from runtime.egress.traffic import Traffic
from runtime.ids import new_egress_id
from runtime.network_values import EgressRecord, Reason, Verdict

KEPT = 1_000
"""Of the connections that were let through, and as many of the denials."""


class Entry:
    """One record while it is kept: how it ends, and how many bytes have passed, may still change."""

    __slots__ = ("_address", "_created_at", "_host", "_id", "_port", "_traffic", "reason", "verdict", "was_let_through")

    def __init__(
        self, host: str, port: int | None, address: str | None, verdict: Verdict, reason: Reason, traffic: Traffic
    ) -> None:
        self.verdict = verdict
        self.reason = reason
        self.was_let_through = verdict is Verdict.ALLOWED  # for good: what is cut off later has been there
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
    """The records of one container.

    Denials displace denials only, among those that are kept and in the log: otherwise a program could hide what it
    sends to an allowed host behind attempts that are refused, which cost it nothing.
    """

    def __init__(self, container_id: str) -> None:
        self._numbers = itertools.count()
        # With the longest names, some 500 MB and 50 MB of log a day.
        self._let_through = _Kind(Lines(container_id, "connections", LineLimit(burst=1_000, per_second=10)))
        self._denials = _Kind(Lines(container_id, "denials", LineLimit(burst=100, per_second=1)))

    def last(self) -> Sequence[EgressRecord]:
        """The last KEPT ones of each kind, newest last."""
        return [entry.record for _, entry in heapq.merge(self._let_through.entries, self._denials.entries)]

    def keep(self, entry: Entry) -> None:
        """Keep what was decided."""
        self._kind_of(entry).entries.append((next(self._numbers), entry))

    def log(self, entry: Entry) -> None:
        """Write the line of what was decided and is over."""
        self._kind_of(entry).lines.write(entry.record)

    def leave_out_denials(self, number: int) -> None:
        """So many there were of which nothing more is known."""
        self._denials.lines.leave_out(number)

    def close(self) -> None:
        """Say how many lines are missing, if any are. Only what is under way by now may still be logged."""
        self._let_through.lines.close()
        self._denials.lines.close()

    def _kind_of(self, entry: Entry) -> _Kind:
        return self._let_through if entry.was_let_through else self._denials


class _Kind:
    """The last entries of one kind, each with its number among all, and the lines about them."""

    def __init__(self, lines: Lines) -> None:
        self.entries: deque[tuple[int, Entry]] = deque(maxlen=KEPT)
        self.lines = lines
