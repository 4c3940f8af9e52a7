from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import ByteRange, NotSatisfiable, wanted

ETAG = '"file-1"'


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=0-", 0, 10),
        ("bytes=9-", 9, 10),
        ("bytes=3-5", 3, 6),
        ("bytes=3-99", 3, 10),
        ("bytes=-1", 9, 10),
        ("bytes=-10", 0, 10),
        ("bytes=-11", 0, 10),
        ("Bytes = 3-5", 3, 6),
        ("bytes=3-5 \t", 3, 6),
        ("bytes=0-" + "9" * 5000, 0, 10),
        ("bytes=-" + "9" * 5000, 0, 10),
        ("bytes=" + "0" * 5000 + "3-5", 3, 6),
    ],
)
def test_one_range(asked: str, start: int, end: int) -> None:
    """One range gives its bytes, as far as they are there."""
    assert wanted(asked, None, ETAG, 10) == ByteRange(start, end, 10)


def test_large() -> None:
    """The content may be as large as a file can be."""
    size = 2**63 - 1
    assert wanted(f"bytes={size - 2}-{size - 1}", None, ETAG, size) == ByteRange(size - 2, size, size)
    assert wanted(f"bytes=-{size - 1}", None, ETAG, size) == ByteRange(1, size, size)


@pytest.mark.parametrize(
    "asked",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=1-2,4-5",
        "lines=1-2",
        "bytes=1-2x",
        "bytes=1 - 2",
        "1-2",
    ],
)
def test_the_whole(asked: str | None) -> None:
    """Without a range that can be read, the whole is meant."""
    assert wanted(asked, None, ETAG, 10) is None


@pytest.mark.parametrize(
    ("asked", "size"),
    [("bytes=10-", 10), ("bytes=10-11", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)],
)
def test_not_there(asked: str, size: int) -> None:
    """A range that begins behind the end can't be given."""
    with pytest.raises(NotSatisfiable):
        wanted(asked, None, ETAG, size)


def test_if_range() -> None:
    """A range of another content is none; weak tags and dates never match."""
    for same in (ETAG, f"{ETAG} "):
        assert wanted("bytes=1-2", same, ETAG, 10) == ByteRange(1, 3, 10)
    for other in ('"file-2"', f"W/{ETAG}", "Sun, 22 Nov 2026 22:22:22 GMT", ""):
        assert wanted("bytes=1-2", other, ETAG, 10) is None
        assert wanted("bytes=99-", other, ETAG, 10) is None


def test_content_range() -> None:
    """A range says which bytes it has."""
    assert ByteRange(3, 6, 10).content_range == "bytes 3-5/10"


@given(st.text() | st.from_regex(r"bytes=[0-9]{0,25}-[0-9]{0,25}", fullmatch=True), st.integers(0, 2**63))
def test_any_header(asked: str, size: int) -> None:
    """Whatever is asked for, what is given lies within the content."""
    try:
        found = wanted(asked, None, ETAG, size)
    except NotSatisfiable:
        return
    if found is not None:
        assert 0 <= found.start < found.end <= size
