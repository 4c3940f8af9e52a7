from __future__ import annotations

from itertools import permutations
from typing import Annotated, Literal

import pytest
from pydantic import Field
from starlette.requests import ClientDisconnect

from api.forms import FIELD_MAX_BYTES, open_form
from api.schemas.base import InFile, Integer, RequestBody
from api.schemas.container_files import ContainerFileForm
from api.schemas.files import FileForm
from runtime.errors import InvalidInput
from tests.multipart_requests import END, field, file, part, request

LIMIT = 200_000


class Limits(RequestBody):
    """An object in a form."""

    kind: Literal["hard"]
    count: Annotated[Integer, Field(ge=1)]


class OneFile(RequestBody):
    """A form with a file."""

    file: Annotated[str, InFile()]
    purpose: Literal["assistants", "batch"]
    limits: Limits | None = None


class ManyFiles(RequestBody):
    """A form with any number of files up to two."""

    files: Annotated[list[str], InFile(many=True), Field(max_length=2)]
    default: bool | None = None


class Nameless(RequestBody):
    """A form whose file may come as a plain field."""

    data: Annotated[str, InFile(nameless=True)]


async def read(model: type[RequestBody], *parts: bytes) -> tuple[RequestBody, list[bytes]]:
    """A form's values, and what its files hold."""
    async with open_form(request([b"".join(parts) + END]), model, LIMIT) as form:
        contents = []
        while (each := await form.next_file()) is not None:
            contents.append(b"".join([piece async for piece in each]))
        return form.values(), contents


async def refused(model: type[RequestBody], *parts: bytes) -> tuple[str | None, str | None]:
    """What of a form is refused, and how."""
    with pytest.raises(InvalidInput) as caught:
        await read(model, *parts)
    return caught.value.param, caught.value.code


async def test_any_order() -> None:
    """Fields and the file may come in any order; text becomes what the model says."""
    sent = [file(), field("purpose", "batch"), field("limits[kind]", "hard"), field("limits[count]", "3")]
    for order in permutations(sent):
        values, contents = await read(OneFile, *order)
        assert values == OneFile(file="a.txt", purpose="batch", limits=Limits(kind="hard", count=3))
        assert contents == [b"abc"]


async def test_many_files() -> None:
    """A list of files comes in parts of one name, with or without brackets."""
    for name in ("files", "files[]"):
        values, contents = await read(
            ManyFiles, file(name, "x/a", b"1"), field("default", "true"), file(name, "x/b", b"2")
        )
        assert values == ManyFiles(files=["x/a", "x/b"], default=True)
        assert contents == [b"1", b"2"]


async def test_no_name_needed() -> None:
    """Where a file needs no name, a plain field will do."""
    for head in ('name="data"', 'name="data"; filename=""', 'name="data"; filename="blob"'):
        assert (await read(Nameless, part(f"form-data; {head}")))[1] == [b"abc"]


@pytest.mark.parametrize(
    ("parts", "param", "code"),
    [
        ([], "file", "missing_required_parameter"),
        ([file()], "purpose", "missing_required_parameter"),
        ([field("purpose", "batch")], "file", "missing_required_parameter"),
        (
            [file(), field("purpose", "batch"), field("limits[kind]", "hard")],
            "limits.count",
            "missing_required_parameter",
        ),
        ([field("file", "x")], "file", "invalid_type"),
        ([file(filename="")], "file", "empty_string"),
        ([file(), file()], "file", "array_above_max_length"),
        ([file("file[]")], "file[]", "unknown_parameter"),
        ([file("file[a]")], "file[a]", "unknown_parameter"),
        ([file("data")], "data", "unknown_parameter"),
        ([field("", "x")], None, "invalid_multipart"),
        ([field("extra", "x"), file()], "extra", "unknown_parameter"),
        ([file(), field("extra", "x")], "extra", "unknown_parameter"),
        ([field("limits[more]", "x")], "limits.more", "unknown_parameter"),
        ([field("purpose", "batch"), field("purpose[a]", "x")], "purpose.a", "unknown_parameter"),
        ([field("purpose", "batch"), field("purpose", "batch")], "purpose", "duplicate_parameter"),
        ([field("limits[count]", "3"), field("limits[count]", "3")], "limits.count", "duplicate_parameter"),
        ([file("purpose")], "purpose", "invalid_type"),
        ([field("purpose", "fun")], "purpose", "invalid_value"),
        ([field("limits", "{}")], "limits", "invalid_type"),
        ([field("limits[count]", "many")], "limits.count", "invalid_type"),
        *(([field("limits[count]", text)], "limits.count", "invalid_type") for text in (" 3", "3.0", "1_0", "+3", "")),
        ([field("limits[count]", "0")], "limits.count", "integer_below_min_value"),
        ([field("purpose", "x" * (FIELD_MAX_BYTES + 1))], "purpose", "string_above_max_length"),
        ([part('form-data; name="purpose"', b"\xff")], "purpose", "invalid_value"),
    ],
)
async def test_refused(parts: list[bytes], param: str | None, code: str) -> None:
    """Whatever is wrong with a form is refused by the name of the field."""
    assert await refused(OneFile, *parts) == (param, code)


async def test_objects_in_objects() -> None:
    """A name that asks for a thousand objects within each other is refused as any other that isn't known."""
    for field_name in ("purpose", "expires_after"):
        name = field_name + "[a]" * 1000
        assert await refused(FileForm, field(name, "x")) == (name, "unknown_parameter")


async def test_list_refused() -> None:
    """A list of files keeps to its length, and its other fields to their types."""
    assert await refused(ManyFiles, *[file("files[]")] * 3) == ("files", "array_above_max_length")
    assert await refused(ManyFiles, file("files[0]")) == ("files[0]", "unknown_parameter")
    assert await refused(ManyFiles, file("files"), field("default", "maybe")) == ("default", "invalid_type")
    assert await refused(ManyFiles) == ("files", "missing_required_parameter")


async def test_refused_before_the_file() -> None:
    """A wrong field is refused before one byte of a file that follows it has come."""
    for head in (field("purpose", "fun"), field("extra", "x")):
        coming = request([head + file()[:-5]], whole=False)
        with pytest.raises(InvalidInput):
            async with open_form(coming, OneFile, LIMIT) as form:
                await form.next_file()


async def test_content_reads_to_the_end() -> None:
    """A file's content ends only when the form was right to its end."""
    good = file() + field("purpose", "batch")
    async with open_form(request([good + END]), OneFile, LIMIT) as form:
        sent = await form.next_file()
        assert sent is not None
        assert b"".join([piece async for piece in form.content(sent)]) == b"abc"
        assert form.values() == OneFile(file="a.txt", purpose="batch")
    for bad, error in ((file(), InvalidInput), (field("purpose", "fun") + END, InvalidInput), (b"", ClientDisconnect)):
        async with open_form(request([file() + bad], whole=False), OneFile, LIMIT) as form:
            sent = await form.next_file()
            assert sent is not None
            with pytest.raises(error):
                async for _ in form.content(sent):
                    pass


async def test_a_file_or_an_id() -> None:
    """What goes into a container is either a file or the id of one."""
    values, _ = await read(ContainerFileForm, field("file_id", "file-1"))
    assert values == ContainerFileForm(file_id="file-1")
    for both in permutations([file(), field("file_id", "file-1")]):
        assert await refused(ContainerFileForm, *both) == ("file_id", "invalid_value")
