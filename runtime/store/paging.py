"""Pages of a list by keyset: a page costs the same wherever in the list it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from runtime.missing import no_such_place
from runtime.store.connections import Work
from runtime.values import Page, PageRequest

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Keyset:
    """The columns a list is ordered by, and what its objects are called in messages.

    `place` is a number, in most lists the time of making; the id is the tie-break.
    """

    place: InstrumentedAttribute[int]
    id: InstrumentedAttribute[str]
    noun: str


def one_page(
    listed: Select[*Ts],
    keyset: Keyset,
    page: PageRequest,
    make: Callable[[Row[*Ts]], T],
    only: Sequence[ColumnElement[bool]] = (),
) -> Work[Page[T]]:
    """Read a page of what is `listed`, `only` what fits these conditions, and `make` a value of each row.

    Raises NotFound when `page.after` is not the id of something listed, whether or not it fits.
    """
    key = tuple_(keyset.place, keyset.id)
    descending = page.order == "desc"
    columns = (keyset.place, keyset.id)
    # One row more than wanted tells whether there is another page.
    wanted = (
        listed.where(*only)
        .order_by(*(column.desc() if descending else column.asc() for column in columns))
        .limit(page.limit + 1)
    )

    def work(connection: Connection) -> Page[T]:
        query = wanted
        if page.after is not None:
            last = tuple_(_place(connection, listed, keyset, page.after), page.after)
            query = wanted.where(key < last if descending else key > last)
        found = [make(row) for row in connection.execute(query).all()]
        return Page(found[: page.limit], has_more=len(found) > page.limit)

    return work


def _place(connection: Connection, listed: Select[*Ts], keyset: Keyset, after: str) -> int:
    """Where the object with the id `after` stands. Raises NotFound when it is not among those listed."""
    query = listed.with_only_columns(keyset.place).where(keyset.id == after)
    place = connection.scalars(query).one_or_none()
    if place is None:
        raise no_such_place(keyset.noun, after)
    return place
