from __future__ import annotations

from collections.abc import Sequence

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message

from api.multipart import ENVELOPE_MAX_BYTES, file_part
from runtime.errors import InvalidInput, SandlotError, TooLarge

LIMIT = 200_000
HEAD = 'form-data; name="file"; filename="a.txt"'
END = b"--b--\r\n"


def part(disposition: str, content: bytes = b"abc") -> bytes:
    """One part of a body with the boundary `b`."""
    head = f"--b\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\n"
    return head.encode() + content + b"\r\n"


def request(
    pieces: Sequence[bytes], content_type: str = "multipart/form-data; boundary=b", whole: bool = True
) -> Request:
    """A request whose body comes in these pieces, after which the client leaves unless it is `whole`."""
    coming: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    coming.append({"type": "http.request"} if whole else {"type": "http.disconnect"})

    async def receive() -> Message:
        return coming.pop(0)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)


async def upload(incoming: Request) -> tuple[str, bytes]:
    """The name and content of the file in a request."""
    async with file_part(incoming, LIMIT) as file:
        return file.filename, b"".join([piece async for piece in file])


async def refused(body: bytes, content_type: str = "multipart/form-data; boundary=b") -> SandlotError:
    """Why an upload is refused."""
    with pytest.raises(SandlotError) as caught:
        await upload(request([body], content_type))
    return caught.value


@given(
    content=st.binary(max_size=200) | st.lists(st.sampled_from([b"\r", b"\n", b"--b", b"--", b"x"])).map(b"".join),
    cuts=st.lists(st.integers(min_value=1, max_value=40)),
)
async def test_any_content_in_any_pieces(content: bytes, cuts: list[int]) -> None:
    """A file comes out as it went in, wherever the network cuts it, unless it holds the boundary."""
    if b"\r\n--b" in b"\r\n" + content:
        return
    body = part(HEAD, content) + END
    pieces = []
    for size in cuts:
        pieces.append(body[:size])
        body = body[size:]
    assert await upload(request([*filter(None, pieces), body])) == ("a.txt", content)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="naïve 表.csv"', "naïve 表.csv"),
        ('form-data; name="file"; filename="a%22b.csv"', 'a"b.csv'),
        ('form-data; name="file"; filename="a\\"b.csv"', 'a"b.csv'),
        ('form-data; name="file"; filename="100%.csv"', "100%.csv"),
        ("form-data; name=file; filename=plain.csv", "plain.csv"),
        ('form-data; name="file"; filename="x"; filename*=utf-8\'\'na%C3%AFve.csv', "naïve.csv"),
        ('form-data; name="file"; filename="../../etc/passwd"', "../../etc/passwd"),
    ],
)
async def test_names(disposition: str, name: str) -> None:
    """The name is what the client meant; what of it is safe is for the runtime to say."""
    assert await upload(request([part(disposition) + END])) == (name, b"abc")


async def test_empty_file() -> None:
    """A file may be empty."""
    assert await upload(request([part(HEAD, b"") + END])) == ("a.txt", b"")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (END, "file", "missing_required_parameter"),
        (part('form-data; name="file"') + END, "file", "invalid_type"),
        (part('form-data; name="file"; filename=""') + END, "file", "empty_string"),
        (part('form-data; name="data"; filename="a"') + END, "data", "unknown_parameter"),
        (part('form-data; name="purpose"') + part(HEAD) + END, "purpose", "unknown_parameter"),
        (part(HEAD) + part('form-data; name="purpose"') + END, "purpose", "unknown_parameter"),
        (part(HEAD) + part(HEAD) + END, "file", "array_above_max_length"),
        (part('form-data; name="file_id"') + END, "file_id", "unsupported_parameter"),
        (part(HEAD) + part('form-data; name="file_id"') + END, "file_id", "unsupported_parameter"),
        (part("attachment; filename=a") + END, "file", "invalid_multipart"),
        (part(HEAD), "file", "invalid_multipart"),
        (part(HEAD)[:-5], "file", "invalid_multipart"),
        (b"", "file", "invalid_multipart"),
        (b"junk" * 1000, "file", "invalid_multipart"),
        (b"--b\r\nX: " + b"y" * 9000, "file", "invalid_multipart"),
        (b"--b\r\nContent-Disposition: \xff\r\n\r\n" + END, "file", "invalid_multipart"),
        (b"--b\r\nno colon\r\n\r\n" + END, "file", "invalid_multipart"),
    ],
)
async def test_refused(body: bytes, param: str, code: str) -> None:
    """Whatever is not exactly one whole file in the field `file` is refused by name."""
    error = await refused(body)
    assert isinstance(error, InvalidInput)
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; b=b"]
)
async def test_no_boundary(content_type: str) -> None:
    """Without a boundary nothing can be told apart."""
    error = await refused(part(HEAD) + END, content_type)
    assert error.code == "invalid_multipart"
    assert "boundary" in error.message


async def test_too_large() -> None:
    """A request is cut off where no allowed file can be in it; what follows the last boundary counts."""
    with pytest.raises(TooLarge):
        await upload(request([part(HEAD, b"x" * (LIMIT + ENVELOPE_MAX_BYTES)), END]))
    with pytest.raises(TooLarge):
        await upload(request([part(HEAD) + END, b"x" * (LIMIT + ENVELOPE_MAX_BYTES)]))


async def test_client_leaves() -> None:
    """When the client leaves, the iteration raises: half a file is never taken for a whole one."""
    with pytest.raises(ClientDisconnect):
        await upload(request([part(HEAD)[:-3]], whole=False))
    with pytest.raises(ClientDisconnect):
        await upload(request([part(HEAD)], whole=False))


async def test_left_unread() -> None:
    """Who stops reading midway leaves nothing behind that would have to be closed."""
    async with file_part(request([part(HEAD, b"x" * 10), END]), LIMIT) as file:
        async for _ in file:
            break
