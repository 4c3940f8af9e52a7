"""Whose turn it is."""

from __future__ import annotations

from bench.rounds import rotated, turns


def test_turns() -> None:
    """The runs are dealt out in turns; the last has what is left."""
    assert turns(25, 10) == [10, 10, 5]
    assert turns(2, 10) == [2]
    assert turns(3, 1) == [1, 1, 1]


def test_everyone_begins_in_turn() -> None:
    """A round begins with another contestant than the one before, and leaves nobody out."""
    names = ["a", "b", "c"]
    assert [rotated(names, number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]
