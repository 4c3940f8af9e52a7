"""What all request and response shapes have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError, PydanticKnownError
from starlette.responses import Response

_INTEGER = re.compile("-?[0-9]+", re.ASCII)


class RequestBody(BaseModel):
    """A JSON request body, or an object inside one: nothing unknown in it, and nothing converted.

    It can be a form's model too (`api.forms`), whose fields come as text and are converted. Its integers are of type
    Integer. Its lists have a maximum length or fail fast: the first thing wrong is all that is said, and what is kept
    of each of thousands would hold up others.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """A request's query parameters, which come as text: nothing unknown among them. Integers are of type Integer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise PydanticKnownError("int_parsing")
    return value


Integer = Annotated[int, BeforeValidator(_plain)]
"""An integer that may come as text: of digits alone. Pydantic would take `1_0`, ` 10 `, `+10` and `10.0` as well."""

NO_NUL = AfterValidator(_without_nul)
"""For strings that a program's arguments and a file system can hold. It stands after length limits."""


@dataclass(frozen=True, slots=True)
class InFile:
    """Marks a field of a form's model as one that comes as a file; its value is the file's name.

    With `many` there may be several, also as `name[]`. With `nameless` the file needs no name.
    """

    many: bool = False
    nameless: bool = False
