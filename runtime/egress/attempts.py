"""One attempt to get out of a sandbox, on its way into the records."""

from __future__ import annotations

from runtime.egress.records import Entry, Records
from runtime.egress.traffic import Traffic
from runtime.network_values import Reason, Verdict


class Attempt:
    """A connection to `host` and `port`, or a name that was asked for, whose port is None.

    What becomes of it is one record, with a line of log at its end. Requests that are refused on the connection have
    theirs beside it.
    """

    def __init__(self, records: Records, host: str, port: int | None) -> None:
        self.traffic = Traffic()
        self._records = records
        self._host = host
        self._port = port
        self._address: str | None = None
        self._has_begun = False
        self._entry: Entry | None = None

    def begin(self) -> None:
        """Its host is about to be resolved and dialled. Others can notice that, so there will be a record of it."""
        self._has_begun = True

    def reach(self, address: str) -> None:
        """A server at `address` has taken the connection, and hears nothing yet."""
        self._address = address

    def let_through(self, reason: Reason) -> None:
        """What is said from now on reaches the server."""
        if self._entry is None:
            self._entry = self._kept(Verdict.ALLOWED, reason, self._address)

    def deny(self, reason: Reason, address: str | None = None) -> None:
        """It isn't let through, or was and is cut off. `address` is where it would have led, if it reached nobody."""
        if self._entry is None:
            self._entry = self._kept(Verdict.DENIED, reason, address or self._address)
        else:
            self._entry.verdict, self._entry.reason = Verdict.DENIED, reason

    def refuse_request(self, reason: Reason) -> None:
        """A request on it isn't passed on."""
        self._records.log(self._kept(Verdict.DENIED, reason, None))

    def over(self) -> None:
        """Nothing more will be said of it."""
        if self._entry is None and self._has_begun:
            self.deny(Reason.ABANDONED)
        if self._entry is not None:
            self._records.log(self._entry)

    def _kept(self, verdict: Verdict, reason: Reason, address: str | None) -> Entry:
        entry = Entry(self._host, self._port, address, verdict, reason, self.traffic)
        self._records.keep(entry)
        return entry
