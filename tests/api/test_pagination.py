from __future__ import annotations

import pytest

from api.pagination import PageQuery
from api.requests import parse_query
from api.schemas.containers import ContainersQuery
from api.schemas.files import FilesQuery
from api.schemas.shell_calls import EventsQuery
from api.schemas.skills import SkillsQuery
from runtime.errors import InvalidInput
from runtime.file_values import FilePurpose
from runtime.values import PageRequest


def test_defaults() -> None:
    """Without parameters a page has the twenty newest."""
    assert parse_query(PageQuery, []).to_page() == PageRequest(limit=20, order="desc", after=None)


def test_chosen() -> None:
    """Each parameter does what its name says."""
    asked = parse_query(ContainersQuery, [("limit", "100"), ("order", "asc"), ("after", "cntr_1"), ("name", "n")])
    assert asked.to_page() == PageRequest(limit=100, order="asc", after="cntr_1")
    assert asked.name == "n"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("limit", "0", "integer_below_min_value"),
        ("limit", "-1", "integer_below_min_value"),
        ("limit", "101", "integer_above_max_value"),
        ("limit", "9" * 400, "integer_above_max_value"),
        ("limit", "9" * 5000, "invalid_value"),
        ("limit", "ten", "invalid_type"),
        ("limit", "1_0", "invalid_type"),
        ("limit", " 10", "invalid_type"),
        ("limit", "10.0", "invalid_type"),
        ("limit", "+10", "invalid_type"),
        ("limit", "1.5", "invalid_type"),
        ("limit", "", "invalid_type"),
        ("order", "up", "invalid_value"),
        ("before", "cntr_1", "unknown_parameter"),
        ("name", "n", "unknown_parameter"),
    ],
)
def test_refused(name: str, value: str, code: str) -> None:
    """A parameter out of range, of another type or unknown is refused by name."""
    with pytest.raises(InvalidInput) as caught:
        parse_query(PageQuery, [(name, value)])
    assert (caught.value.param, caught.value.code) == (name, code)
    assert "nput should" not in caught.value.message  # which is how pydantic says it
    assert "nable to parse" not in caught.value.message


def test_given_twice() -> None:
    """A parameter given twice is refused, and among thousands it is not looked for in each of the others."""

    class Name(str):
        """One that counts how often it is compared."""

        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str(self) == str(other)

    names = [Name(number) for number in [*range(1000), 999]]
    with pytest.raises(InvalidInput) as caught:
        parse_query(PageQuery, [(name, "") for name in names])
    assert (caught.value.param, caught.value.code) == ("999", "duplicate_parameter")
    assert Name.compared < 2 * len(names)


def test_other_lists() -> None:
    """Lists of files are long ones, and lists of skills may be empty ones, as at OpenAI."""
    assert parse_query(FilesQuery, []).to_page().limit == 10_000
    assert parse_query(FilesQuery, [("purpose", "batch")]).purpose is FilePurpose.BATCH
    assert parse_query(SkillsQuery, []).to_page().limit == 20
    assert parse_query(SkillsQuery, [("limit", "0")]).to_page().limit == 0
    for model, limit in ((FilesQuery, "0"), (FilesQuery, "10001"), (SkillsQuery, "-1"), (SkillsQuery, "101")):
        with pytest.raises(InvalidInput):
            parse_query(model, [("limit", limit)])


def test_duplicate() -> None:
    """A parameter given twice is refused: the one meant can't be known."""
    with pytest.raises(InvalidInput, match="Duplicate parameter: 'limit'") as caught:
        parse_query(PageQuery, [("limit", "1"), ("order", "asc"), ("limit", "2")])
    assert (caught.value.param, caught.value.code) == ("limit", "duplicate_parameter")


def test_starting_after() -> None:
    """A stream can be joined after any event, or from the first."""
    assert parse_query(EventsQuery, []).starting_after is None
    assert parse_query(EventsQuery, [("starting_after", "0")]).starting_after == 0
    with pytest.raises(InvalidInput) as caught:
        parse_query(EventsQuery, [("starting_after", "-1")])
    assert caught.value.param == "starting_after"
