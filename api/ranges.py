"""Which bytes of a content a request asks for (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes\s*=\s*(\d*)-(\d*)", re.IGNORECASE)

# More digits than any size has; int() takes its time over thousands of them.
_MAX_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to, and without, `end`, of `size` in all."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """The range as the Content-Range header has it."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


class NotSatisfiable(Exception):
    """None of the bytes asked for are there."""


def wanted(asked: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """The range that the headers Range and If-Range ask for; None for the whole. Raises NotSatisfiable.

    A Range that can't be read, has another unit, or names several ranges is passed over, as every server may. So is
    one that is meant for another content than the one with `etag`.
    """
    if asked is None or (if_range is not None and if_range.strip() != etag):
        return None
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(size - _number(found[2]), 0), size
    else:
        start, end = _number(found[1]), min(_number(found[2]) + 1, size) if found[2] else size
        if found[2] and _number(found[2]) < start:
            return None
    if start >= size:
        raise NotSatisfiable
    return ByteRange(start, end, size)


def _number(digits: str) -> int:
    return int(digits[-_MAX_DIGITS:]) if len(digits.lstrip("0")) <= _MAX_DIGITS else 10**_MAX_DIGITS
