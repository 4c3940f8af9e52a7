"""Pages of lists that are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from runtime.missing import no_such_place
from runtime.values import Page, PageRequest


class Identified(Protocol):
    """What lists are made of."""

    @property
    def id(self) -> str:
        """By which a list goes on."""


Item = TypeVar("Item", bound=Identified)


def page_of(listed: Sequence[Item], page: PageRequest, noun: str) -> Page[Item]:
    """A page of `listed`, which begins with the oldest. `noun` is what its objects are called in messages.

    Raises NotFound when `page.after` is not the id of one of them.
    """
    ordered = listed if page.order == "asc" else listed[::-1]
    start = 0
    if page.after is not None:
        ids = [item.id for item in ordered]
        if page.after not in ids:
            raise no_such_place(noun, page.after)
        start = ids.index(page.after) + 1
    end = start + page.limit
    return Page(ordered[start:end], has_more=len(ordered) > end)
