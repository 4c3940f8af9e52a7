from __future__ import annotations

from dataclasses import dataclass

import pytest

from runtime.errors import NotFound
from runtime.pages import page_of
from runtime.values import Page, PageRequest


@dataclass(frozen=True)
class Thing:
    """What the lists are made of."""

    id: str


A, B, C = LISTED = [Thing("a"), Thing("b"), Thing("c")]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (PageRequest(), Page([C, B, A], has_more=False)),
        (PageRequest(order="asc"), Page([A, B, C], has_more=False)),
        (PageRequest(limit=2), Page([C, B], has_more=True)),
        (PageRequest(limit=2, after="b"), Page([A], has_more=False)),
        (PageRequest(limit=1, order="asc", after="a"), Page([B], has_more=True)),
        (PageRequest(after="a"), Page([], has_more=False)),
        (PageRequest(limit=0), Page([], has_more=True)),
    ],
)
def test_pages(page: PageRequest, expected: Page[Thing]) -> None:
    """They have what comes after the place, in their order, up to the limit, and say whether there is more."""
    assert page_of(LISTED, page, "thing") == expected


def test_no_place() -> None:
    """What is in no list is no place in one."""
    with pytest.raises(NotFound, match="no thing with id 'x'") as caught:
        page_of(LISTED, PageRequest(after="x"), "thing")
    assert caught.value.param == "after"
