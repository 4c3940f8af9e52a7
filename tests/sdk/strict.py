"""The SDK's own types of answers, taken at their word.

The SDK itself takes any answer: what is missing it leaves out, what it doesn't know it carries along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args, get_origin

import httpx2
from openai.pagination import SyncCursorPage
from openai.types import SkillList
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tests.sdk.methods import SdkMethod

STRICT = ConfigDict(extra="forbid", strict=True)


@cache
def strict(model: type[BaseModel]) -> type[BaseModel]:
    """A copy of `model`, and of all models in it, that takes no unknown field and no value of another type.

    The SDK declares a page of a list as no more than its `data`; the copy is that of `SkillList`, which has the whole
    envelope.
    """
    if issubclass(model, SyncCursorPage):
        return _copy(SkillList, {"data": model.model_fields["data"].annotation})
    return _copy(model, {})


class Judge:
    """A hook for the Python client's answers. `faults` are what is wrong with those that came so far, in a line each.

    An answer that the client makes an object of has to be one, strictly; of other answers it doesn't say anything,
    nor of refusals. A request that is none of `methods`' is a fault too.
    """

    def __init__(self, methods: Iterable[SdkMethod]) -> None:
        self.faults: list[str] = []
        self._answers = {method.route: method.answer for method in methods if method.route}

    def __call__(self, response: httpx2.Response) -> None:
        """Judge an answer. The client raises no error because of it: see `faults`."""
        request = f"{response.request.method} {response.request.url.path.removeprefix('/v1')}"
        route = next((route for route in self._answers if _matches(route, request)), None)
        if route is None:
            self.faults.append(f"{request}: no method's route")
        elif response.is_success and issubclass(self._answers[route], BaseModel):
            try:
                strict(self._answers[route]).model_validate_json(response.read())
            except ValidationError as error:
                self.faults.append(f"{route}: {error}")


def _copy(model: type[BaseModel], instead: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (_strict_type(instead.get(name, field.annotation)), ... if field.is_required() else field.default)
        for name, field in model.model_fields.items()
    }
    return create_model(model.__name__, __config__=STRICT, **fields)


def _strict_type(annotation: Any) -> Any:
    """An annotation with all models in it made strict."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return strict(annotation)
    inner = tuple(map(_strict_type, get_args(annotation)))
    return annotation if inner == get_args(annotation) else get_origin(annotation)[inner]


def _matches(route: str, request: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), request) is not None
