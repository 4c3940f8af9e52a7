"""The content of one file in a zip, unpacked piece by piece and held to what the zip says of it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from runtime.bundles.directory import Entry, damaged, read_at
from runtime.bundles.refusals import shown

_PIECE_BYTES = 64 * 1024
_RAW_DEFLATE = -zlib.MAX_WBITS  # zip has no zlib header


def open_packed(zip_file: BinaryIO, entry: Entry, start: int) -> BinaryIO:
    """The content of a file whose packed bytes begin at `start`, to be read from its beginning to its end.

    Reading raises InvalidInput as soon as there is more than the entry's size, and at the end if there is less, or if
    the checksum is wrong. Closing it leaves the zip open.
    """
    packed = _packed(zip_file, start, entry.packed_size)
    return io.BufferedReader(_Pieces(_checked(METHODS[entry.method](packed), entry)), _PIECE_BYTES)


def _packed(zip_file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """The bytes as they are in the zip. Other files may be read in between."""
    for offset in range(0, size, _PIECE_BYTES):
        yield read_at(zip_file, start + offset, min(_PIECE_BYTES, size - offset))


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Deflated bytes, unpacked into pieces of a bounded size however large they become."""
    inflate = zlib.decompressobj(_RAW_DEFLATE)
    try:
        for piece in packed:
            if inflate.eof:  # it would gather all that follows in memory
                raise damaged("a file in it goes on after its end")
            yield inflate.decompress(piece, _PIECE_BYTES)
            while inflate.unconsumed_tail and not inflate.eof:
                yield inflate.decompress(inflate.unconsumed_tail, _PIECE_BYTES)
        while not inflate.eof and (piece := inflate.decompress(b"", _PIECE_BYTES)):
            yield piece
    except zlib.error:
        raise damaged("a file in it can't be unpacked") from None
    if inflate.unused_data:
        raise damaged("a file in it goes on after its end")
    if not inflate.eof:
        raise damaged("a file in it is cut short")


def _checked(pieces: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    """The pieces, as long as they are what the entry says."""
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > entry.size:
            raise damaged(f"{shown(entry.path)} is larger unpacked than it says, {entry.size} bytes")
        yield piece
    if size < entry.size:
        raise damaged(f"{shown(entry.path)} is smaller unpacked than it says, {entry.size} bytes")
    if crc != entry.crc:
        raise damaged(f"the checksum of {shown(entry.path)} is wrong")


METHODS: dict[int, Callable[[Iterator[bytes]], Iterator[bytes]]] = {0: iter, 8: _inflated}
"""How content is unpacked, by the zip's number for it (4.4.5 of APPNOTE.TXT): stored and deflated, no others."""


class _Pieces(io.RawIOBase):
    """Pieces as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
