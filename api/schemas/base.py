"""What all request and response shapes have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError
from starlette.responses import Response

_INTEGER = re.compile("-?[0-9]+", re.ASCII)


class RequestBody(BaseModel):
    """A JSON request body, or an object inside one: nothing unknown in it, and nothing converted.

    It can be a form's model too (`api.forms`), whose fields come as text and are converted.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """A request's query parameters, which come as text: nothing unknown among them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _plain_integers(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic takes `1_0` and `10.0` for integers as well."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        if int in (annotation, *get_args(annotation)) and not _INTEGER.fullmatch(value):
            raise PydanticKnownError("int_parsing")
        return value


class ResponseBody(BaseModel):
    """A JSON response body, or an object inside one."""

    model_config = ConfigDict(frozen=True)

    def response(self) -> Response:
        """The whole response: serialised once, by pydantic."""
        return Response(self.model_dump_json(), media_type="application/json")


class ListItem(ResponseBody):
    """An object that lists are made of."""

    id: str


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("null_character", "it must not contain a null character.")
    return text


NO_NUL = AfterValidator(_without_nul)
"""For strings that a program's arguments and a file system can hold. It stands after length limits."""


@dataclass(frozen=True, slots=True)
class InFile:
    """Marks a field of a form's model as one that comes as a file; its value is the file's name.

    With `many` there may be several, also as `name[]`. With `nameless` the file needs no name.
    """

    many: bool = False
    nameless: bool = False
