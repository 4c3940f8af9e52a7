"""Forms: a multipart/form-data request as a model, whose files are handed on while they come in.

Fields and files may come in any order. Each is checked as soon as it is there, so that nobody sends half a gigabyte
to be told that a field before it was wrong.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from api import wording
from api.bodies import media_type, wrong_media_type
from api.multipart import Part, Parts, read_parts
from api.schemas.base import InFile, RequestBody
from runtime.errors import InvalidInput

Model = TypeVar("Model", bound=RequestBody)

FORM = "multipart/form-data"

# What boundaries, part heads and fields may add to the files of a request.
ENVELOPE_MAX_BYTES = 64 * 1024
FIELD_MAX_BYTES = 4096

# An object's value, as `a[b]`. Nothing in a form is as deep as what this takes; more would be too deep to be checked.
_BRACKETS = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\]){1,8})")


class Form(Generic[Model]):
    """A form on its way in. All of it raises InvalidInput, as soon as something is wrong with what has come."""

    def __init__(self, model: type[Model], parts: Parts) -> None:
        self._model = model
        self._files = file_fields(model)
        self._parts = parts
        self._values: dict[str, Any] = {}

    async def next_file(self) -> Part | None:
        """The next file, to be iterated; the fields before it have been checked. None at the form's end."""
        async for part in self._parts:
            if not part.name:
                raise InvalidInput("Invalid multipart body: a part has no name.", code="invalid_multipart")
            field, *keys = _path(part.name)
            if field not in self._model.model_fields:
                raise wording.unknown_parameter(part.name)
            if field in self._files:
                self._put_file(field, keys, part)
                self._check()
                return part
            self._put([field, *keys], await _text(part))
            self._check()
        return None

    async def the_file(self) -> Part:
        """The file of a form that must have one."""
        file = await self.next_file()
        if file is None:
            raise wording.missing_parameter(next(iter(self._files)))
        return file

    async def content(self, file: Part) -> AsyncGenerator[bytes]:
        """The pieces of the form's only file, and then the form to its end: it may go wrong after the file, too."""
        async for piece in file:
            yield piece
        await self.next_file()

    def values(self) -> Model:
        """The whole form, once it has been read to its end."""
        try:
            return self._model.model_validate(self._values, strict=False)
        except ValidationError as error:
            raise wording.refuse(error) from None

    def _put(self, path: list[str], value: str) -> None:
        """Keep a value; `a[b]` is the value `b` of the object `a`."""
        *parents, last = path
        level = self._values
        for key in parents:
            level = level.setdefault(key, {})
            if not isinstance(level, dict):
                raise wording.unknown_parameter(".".join(path))
        if last in level:
            raise wording.duplicate_parameter(".".join(path))
        level[last] = value

    def _put_file(self, field: str, keys: list[str], part: Part) -> None:
        """Keep a file's name."""
        file = self._files[field]
        if keys != [] and not (file.many and keys == [""]):
            raise wording.unknown_parameter(part.name)
        name = _named(part, field, file)
        if file.many:
            self._values.setdefault(field, []).append(name)
        elif field in self._values:
            message = f"Invalid '{field}': more than one file. Expected one."
            raise InvalidInput(message, param=field, code="array_above_max_length")
        else:
            self._values[field] = name

    def _check(self) -> None:
        """Refuse what is wrong so far. That something is missing can be said only at the end."""
        try:
            self._model.model_validate(self._values, strict=False)
        except ValidationError as error:
            if refusal := wording.refuse_so_far(error):
                raise refusal from None


@asynccontextmanager
async def open_form(
    request: Request, model: type[Model], max_bytes: int, envelope: int = ENVELOPE_MAX_BYTES
) -> AsyncIterator[Form[Model]]:
    """A request's form, not yet read. The request is cut off where it is too large for files of `max_bytes`.

    Whoever takes the files measures them; `envelope` is what may come beside them.
    """
    if media_type(request) != FORM:
        raise wrong_media_type(request, FORM)
    async with read_parts(request, max_bytes + envelope, param=next(iter(file_fields(model)))) as parts:
        yield Form(model, parts)


@cache
def file_fields(model: type[RequestBody]) -> dict[str, InFile]:
    """The fields of a model that are files."""
    return {
        name: mark for name, field in model.model_fields.items() for mark in field.metadata if isinstance(mark, InFile)
    }


def _path(name: str) -> list[str]:
    """A field's name as the path it stands for: `a[b]` is `a`, `b`."""
    nested = _BRACKETS.fullmatch(name)
    return [nested[1], *nested[2][1:-1].split("][")] if nested else [name]


def _named(part: Part, field: str, file: InFile) -> str:
    """The name of the file that a part is. Raises InvalidInput for one that is no file, or has no name."""
    if file.nameless:
        return part.filename or ""
    if part.filename is None:
        raise wording.wrong_type(field, "a file", "a string")
    if not part.filename:
        raise InvalidInput(f"Invalid '{field}': the file has no name.", param=field, code="empty_string")
    return part.filename


async def _text(part: Part) -> str:
    """The value of a plain field."""
    if part.filename is not None:
        raise wording.wrong_type(part.name, "a string", "a file")
    value = bytearray()
    async for piece in part:
        value += piece
        if len(value) > FIELD_MAX_BYTES:
            message = f"Invalid '{part.name}': string too long. Expected at most {FIELD_MAX_BYTES} bytes."
            raise InvalidInput(message, param=part.name, code="string_above_max_length")
    try:
        return value.decode()
    except UnicodeDecodeError:
        message = f"Invalid '{part.name}': it must be UTF-8."
        raise InvalidInput(message, param=part.name, code="invalid_value") from None
