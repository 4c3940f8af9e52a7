from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from api.multipart import read_parts
from runtime.errors import InvalidInput, SandlotError, TooLarge
from tests.multipart_requests import END, TYPE, field, file, part, request

LIMIT = 200_000


async def read(
    pieces: list[bytes], content_type: str = TYPE, whole: bool = True
) -> list[tuple[str, str | None, bytes]]:
    """Name, file's name and content of each part."""
    async with read_parts(request(pieces, content_type, whole), LIMIT, "file") as parts:
        return [(each.name, each.filename, b"".join([piece async for piece in each])) async for each in parts]


async def refused(body: bytes, content_type: str = TYPE) -> SandlotError:
    """Why a body is refused."""
    with pytest.raises(SandlotError) as caught:
        await read([body], content_type)
    return caught.value


@given(
    content=st.binary(max_size=200) | st.lists(st.sampled_from([b"\r", b"\n", b"--b", b"--", b"x"])).map(b"".join),
    cuts=st.lists(st.integers(min_value=1, max_value=40)),
)
async def test_any_content_in_any_pieces(content: bytes, cuts: list[int]) -> None:
    """A file comes out as it went in, wherever the network cuts it, unless it holds the boundary."""
    if b"\r\n--b" in b"\r\n" + content:
        return
    body = file(content=content) + END
    pieces = []
    for size in cuts:
        pieces.append(body[:size])
        body = body[size:]
    assert await read([*filter(None, pieces), body]) == [("file", "a.txt", content)]


async def test_parts_in_their_order() -> None:
    """Fields and files come in the order in which they are sent, an empty one too."""
    body = field("purpose", "batch") + file(content=b"") + field("purpose", "") + file("files[]", "x/y", b"1") + END
    assert await read([body]) == [
        ("purpose", None, b"batch"),
        ("file", "a.txt", b""),
        ("purpose", None, b""),
        ("files[]", "x/y", b"1"),
    ]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="naïve 表.csv"', "naïve 表.csv"),
        ('form-data; name="file"; filename="a%22b.csv"', 'a"b.csv'),
        ('form-data; name="file"; filename="a\\"b.csv"', 'a"b.csv'),
        ('form-data; name="file"; filename="100%.csv"', "100%.csv"),
        ("form-data; name=file; filename=plain.csv", "plain.csv"),
        ('form-data; name="file"; filename="x"; filename*=utf-8\'\'na%C3%AFve.csv', "naïve.csv"),
        ("form-data; name=\"file\"; filename*=iso-8859-1'fr'%e9t%E9.csv", "été.csv"),
        ("form-data; name=\"file\"; filename=plain.csv; filename*=koi8-r''%c1.csv", "plain.csv"),
        ("form-data; name=\"file\"; filename*=koi8-r''%c1.csv", ""),
        ('form-data; name="file"; filename="a\\"; filename*=utf-8\'\'b.csv"', "a\"; filename*=utf-8''b.csv"),
        ("form-data; name=\"a; filename*=utf-8''b\"", None),
        ('form-data; name="file"; filename="back\\\\slash.csv"', "back\\slash.csv"),
        ('form-data; name="file"; filename="back\\slash.csv"', "back\\slash.csv"),
        ('form-data; name="file"; filename="C:\\folder\\a.csv"', "a.csv"),
        ('form-data; name="file"; filename="../../etc/passwd"', "../../etc/passwd"),
        ('form-data; name="file"; filename=""', ""),
        ('form-data; name="file"', None),
    ],
)
async def test_names(disposition: str, name: str | None) -> None:
    """The name is what the client meant; what of it is safe is for the runtime to say."""
    assert [each[1:] for each in await read([part(disposition) + END])] == [(name, b"abc")]


@pytest.mark.parametrize(
    "body",
    [
        part("attachment; filename=a") + END,
        file(),
        file()[:-5],
        b"",
        b"junk" * 1000,
        b"--b\r\nX: " + b"y" * 9000,
        b"--b\r\nContent-Disposition: \xff\r\n\r\n" + END,
        b"--b\r\nno colon\r\n\r\n" + END,
    ],
)
async def test_malformed(body: bytes) -> None:
    """What isn't multipart, or isn't whole, is refused."""
    error = await refused(body)
    assert isinstance(error, InvalidInput)
    assert (error.param, error.code) == ("file", "invalid_multipart")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; b=b"]
)
async def test_no_boundary(content_type: str) -> None:
    """Without a boundary nothing can be told apart."""
    error = await refused(file() + END, content_type)
    assert error.code == "invalid_multipart"
    assert "boundary" in error.message


async def test_too_large() -> None:
    """A request is cut off where it has too many bytes; what follows the last boundary counts."""
    with pytest.raises(TooLarge):
        await read([file(content=b"x" * LIMIT), END])
    with pytest.raises(TooLarge):
        await read([file() + END, b"x" * LIMIT])


async def test_client_leaves() -> None:
    """When the client leaves, the iteration raises: half a file is never taken for a whole one."""
    with pytest.raises(ClientDisconnect):
        await read([file()[:-3]], whole=False)
    with pytest.raises(ClientDisconnect):
        await read([file()], whole=False)


async def test_passed_over() -> None:
    """What is not read of a part is passed over with the next one."""
    body = file(content=b"x" * 10_000) + field("after", "1") + END
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    async with read_parts(request(pieces), LIMIT, "file") as parts:
        assert [each.name async for each in parts] == ["file", "after"]


async def test_left_unread() -> None:
    """Who stops reading midway leaves nothing behind that would have to be closed."""
    async with read_parts(request([file(content=b"x" * 10), END]), LIMIT, "file") as parts:
        async for each in parts:
            async for _ in each:
                break
            break
