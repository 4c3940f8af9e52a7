"""What has come on a channel and waits to be read."""

from __future__ import annotations

SMALL = 4096  # bytes


class Unread:
    """Bytes, in the pieces they came in. Small ones are joined: each takes room beside its bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def add(self, piece: bytes) -> None:
        """Put a piece, which isn't empty, behind the others."""
        if self._pieces and len(self._pieces[-1]) + len(piece) <= SMALL:
            piece = self._pieces.pop() + piece
        self._pieces.append(piece)

    def take(self) -> bytes:
        """All there is, in one piece: what is done for each is done less often."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
