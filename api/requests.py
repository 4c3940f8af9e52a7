"""What routes take out of a request."""

from __future__ import annotations

from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from api import wording
from api.bodies import read_json
from api.settings import Settings
from runtime.runtime import Runtime

Model = TypeVar("Model", bound=BaseModel)


def runtime_of(request: Request) -> Runtime:
    """The running runtime."""
    return cast(Runtime, request.state.runtime)


def settings_of(request: Request) -> Settings:
    """The operator's settings."""
    return cast(Settings, request.state.settings)


async def read_body(request: Request, model: type[Model], max_bytes: int | None = None) -> Model:
    """The request's JSON body as a `model`, parsed and validated in one pass. `max_bytes`: unless the usual limit."""
    content = await read_json(request, settings_of(request).request_max_bytes if max_bytes is None else max_bytes)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise wording.refuse(error) from None


def read_query(request: Request, model: type[Model]) -> Model:
    """The request's query parameters as a `model`."""
    return parse_query(model, request.query_params.multi_items())


def parse_query(model: type[Model], items: list[tuple[str, str]]) -> Model:
    """Query parameters as a `model`. One given twice is refused: which of the two is meant can't be known."""
    values: dict[str, str] = {}
    for name, value in items:
        if name in values:
            raise wording.duplicate_parameter(name)
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise wording.refuse(error) from None


def no_query(request: Request) -> None:
    """Refuse query parameters where there are none to give."""
    if request.scope["query_string"]:
        for name in request.query_params:
            raise wording.unknown_parameter(name)
