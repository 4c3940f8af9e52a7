"""What waits to be read: all of it, in order, in about as much memory as it has bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.link.unread import SMALL, Unread


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=9), st.integers(1, 2 * SMALL).map(bytes))))
def test_what_comes_is_read(pieces: list[bytes]) -> None:
    """Pieces of any size come out as one, once."""
    unread = Unread()
    for piece in pieces:
        unread.add(piece)
    whole = b"".join(pieces)
    assert bool(unread) == bool(whole)
    assert len(unread) == len(whole)
    assert unread.take() == whole
    assert not unread
    assert unread.take() == b""


def test_small_pieces() -> None:
    """Many small pieces are few."""
    unread = Unread()
    for _ in range(100_000):
        unread.add(b"x")
    assert len(unread._pieces) == -(-100_000 // SMALL)
