"""Lists: the query parameters that page through them, and their envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from pydantic import Field

from api.schemas.base import Integer, ListItem, Query, ResponseBody
from runtime.values import Page, PageRequest

Record = TypeVar("Record")
Item = TypeVar("Item", bound=ListItem)


class PageQuery(Query):
    """Which page of a list is wanted."""

    limit: Integer = Field(default=20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None

    def to_page(self) -> PageRequest:
        """The page as the runtime asks for it."""
        return PageRequest(limit=self.limit, order=self.order, after=self.after)


class ListObject(ResponseBody, Generic[Item]):
    """One page of a list."""

    object: Literal["list"] = "list"
    data: list[Item]
    first_id: str | None
    last_id: str | None
    has_more: bool

    @classmethod
    def of(cls, page: Page[Record], item: Callable[[Record], Item]) -> ListObject[Item]:
        """The envelope around a page's records, each made into an object by `item`."""
        data = [item(record) for record in page.data]
        return cls(
            data=data,
            first_id=data[0].id if data else None,
            last_id=data[-1].id if data else None,
            has_more=page.has_more,
        )
