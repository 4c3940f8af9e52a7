"""Pages of a list by keyset: a page costs the same wherever in the list it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import Row, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from runtime.errors import NotFound
from runtime.values import Page, PageRequest

Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Keyset:
    """The columns a list is ordered by, and what its objects are called in messages.

    `place` is a number, in most lists the time of making; the id is the tie-break.
    """

    place: InstrumentedAttribute[int]
    id: InstrumentedAttribute[str]
    noun: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list an object stands."""

    place: int
    id: str


async def find_position(
    connection: AsyncConnection, listed: Select[*Ts], keyset: Keyset, after: str | None
) -> Position | None:
    """Where the object with the id `after` stands among `listed`; None when the first page is wanted.

    Raises NotFound when it is not among them.
    """
    if after is None:
        return None
    query = listed.with_only_columns(keyset.place).where(keyset.id == after)
    place = (await connection.scalars(query)).one_or_none()
    if place is None:
        raise NotFound(f"Invalid 'after': no {keyset.noun} with id '{after}' in this list.", param="after")
    return Position(place, after)


async def read_page(
    connection: AsyncConnection,
    listed: Select[*Ts],
    keyset: Keyset,
    page: PageRequest,
    position: Position | None,
) -> Page[Row[*Ts]]:
    """The rows of `listed` that come after `position`, in the order and number `page` wants."""
    key = tuple_(keyset.place, keyset.id)
    descending = page.order == "desc"
    if position is not None:
        last = tuple_(position.place, position.id)
        listed = listed.where(key < last if descending else key > last)
    columns = (keyset.place, keyset.id)
    ordered = listed.order_by(*(column.desc() if descending else column.asc() for column in columns))
    # One row more than wanted tells whether there is another page.
    rows = (await connection.execute(ordered.limit(page.limit + 1))).all()
    return Page(rows[: page.limit], has_more=len(rows) > page.limit)
