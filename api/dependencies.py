"""What routes ask for in their signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from operator import attrgetter
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from api import wording
from api.bodies import read_json
from api.settings import Settings
from runtime.errors import ContainerExpired, NotFound
from runtime.runtime import Runtime

Model = TypeVar("Model", bound=BaseModel)


async def runtime_of(request: Request) -> Runtime:
    """The running runtime."""
    return cast(Runtime, request.state.runtime)


async def settings_of(request: Request) -> Settings:
    """The operator's settings."""
    return cast(Settings, request.state.settings)


# FastAPI takes its time over each dependency, so those below have none of their own.
Services = Annotated[Runtime, Depends(runtime_of)]
Choices = Annotated[Settings, Depends(settings_of)]


def body(
    model: type[Model], max_bytes: Callable[[Settings], int] = attrgetter("request_max_bytes")
) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the request's JSON body as a `model`, parsed and validated in one pass.

    `max_bytes` says which of the settings limits it.
    """

    async def read(request: Request) -> Model:
        content = await read_json(request, max_bytes(await settings_of(request)))
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise wording.refuse(error) from None

    return read


def query(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the request's query parameters as a `model`."""

    async def read(request: Request) -> Model:
        return parse_query(model, request.query_params.multi_items())

    return read


def parse_query(model: type[Model], items: list[tuple[str, str]]) -> Model:
    """Query parameters as a `model`. One given twice is refused: which of the two is meant can't be known."""
    values = dict(items)
    if len(values) < len(items):
        name = next(name for name in values if sum(name == other for other, _ in items) > 1)
        raise wording.duplicate_parameter(name)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise wording.refuse(error) from None


async def no_query(request: Request) -> None:
    """Refuse query parameters where there are none to give."""
    for name in request.query_params:
        raise wording.unknown_parameter(name)


async def expired_is_not_found() -> AsyncIterator[None]:
    """Where files are asked for, an expired container's are simply not there: OpenAI answers 404."""
    try:
        yield
    except ContainerExpired as error:
        raise NotFound(error.message) from error
