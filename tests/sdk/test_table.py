from __future__ import annotations

from tests.sdk.table import PAGE, UNTESTED, written


def test_the_table_is_current() -> None:
    """docs/compatibility.md has the table that `python -m tests.sdk.table` writes."""
    assert PAGE.read_text() == written()


def test_every_method_has_a_test() -> None:
    """No method of the official clients for files, uploads, skills and containers is without a test that calls it."""
    assert [line for line in written().splitlines() if UNTESTED in line] == []
