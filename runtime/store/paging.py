"""Pages of a list by keyset: a page costs the same wherever in the list it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from runtime.missing import no_such_place
from runtime.recent import remember
from runtime.store.connections import Work
from runtime.values import Page, PageRequest

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ENDS_AT_MOST = 10_000
"""How many pages' ends are remembered."""


class Listing:
    """Lists of one kind: the columns that they are ordered by, and what their objects are called in messages.

    `place` is a number, in most lists the time of making; the id is the tie-break.

    Where pages end is remembered for a while: who goes through a list and deletes what he finds has deleted it when he
    asks for what comes after it.
    """

    def __init__(self, place: InstrumentedAttribute[int], id_: InstrumentedAttribute[str], *, noun: str) -> None:
        self._place = place
        self._id = id_
        self._noun = noun
        self._ends: dict[tuple[str, str], int] = {}  # the oldest first
        self._lock = threading.Lock()  # pages are read on several threads

    def page(
        self,
        of: str,
        listed: Select[*Ts],
        page: PageRequest,
        make: Callable[[Row[*Ts]], T],
        only: Sequence[ColumnElement[bool]] = (),
    ) -> Work[Page[T]]:
        """Read a page of what is `listed`, `only` what fits these conditions, and `make` a value of each row.

        `of` is the id of what the list belongs to. Raises NotFound when `page.after` is not the id of something listed,
        whether or not it fits, and not the last one's on a page either.
        """
        key = tuple_(self._place, self._id)
        descending = page.order == "desc"
        columns = (self._place, self._id)
        # One row more than wanted tells whether there is another page.
        wanted = (
            listed.where(*only)
            .order_by(*(column.desc() if descending else column.asc() for column in columns))
            .limit(page.limit + 1)
        )

        def work(connection: Connection) -> Page[T]:
            query = wanted
            if page.after is not None:
                last = tuple_(self._place_of(connection, of, listed, page.after), page.after)
                query = wanted.where(key < last if descending else key > last)
            rows = connection.execute(query).all()
            has_more = len(rows) > page.limit
            if has_more and page.limit:
                end = rows[page.limit - 1]._mapping
                with self._lock:
                    remember(self._ends, (of, end[self._id.key]), end[self._place.key], ENDS_AT_MOST)
            return Page([make(row) for row in rows[: page.limit]], has_more=has_more)

        return work

    def _place_of(self, connection: Connection, of: str, listed: Select[*Ts], after: str) -> int:
        """Where the object with the id `after` stands, or stood. Raises NotFound when it is not among those listed."""
        query = listed.with_only_columns(self._place).where(self._id == after)
        place = connection.scalars(query).one_or_none()
        if place is None:
            place = self._ends.get((of, after))
        if place is None:
            raise no_such_place(self._noun, after)
        return place
