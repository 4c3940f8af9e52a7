"""Pydantic's findings in OpenAI's words: a pure translation by table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from runtime.errors import InvalidInput

# The tags of the request's unions. Pydantic puts them into an error's location; the caller never wrote them there.
_TAGS = frozenset({"disabled", "allowlist", "inline", "skill_reference"})

Wording: TypeAlias = Callable[[str, ErrorDetails], InvalidInput]
"""Refuses a parameter, given its path and what pydantic has found."""


def refuse(error: ValidationError) -> InvalidInput:
    """The first thing wrong with a request, as OpenAI would say it."""
    return _said(error.errors(include_url=False)[0])


def refuse_so_far(error: ValidationError) -> InvalidInput | None:
    """The first thing wrong with a request of which more may come, so that nothing counts as missing yet."""
    return next((_said(found) for found in error.errors(include_url=False) if found["type"] != "missing"), None)


def path(location: Sequence[str | int]) -> str:
    """A pydantic location as OpenAI writes it: `skills[0].source.data`."""
    text = ""
    for index, item in enumerate(location):
        if isinstance(item, int):
            text += f"[{item}]"
        elif item != "[key]" and not _is_tag(location, index):
            text += f".{item}" if text else item
    return text


def above_maximum(param: str, maximum: int, actual: int) -> InvalidInput:
    """An integer is larger than allowed."""
    return _out_of_range(param, "integer_above_max_value", "above maximum", f"<= {maximum}", actual)


def unknown_parameter(param: str) -> InvalidInput:
    """A parameter doesn't exist."""
    return InvalidInput(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def missing_parameter(param: str) -> InvalidInput:
    """A required parameter isn't there."""
    return InvalidInput(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def duplicate_parameter(param: str) -> InvalidInput:
    """A parameter is given twice: which of the two is meant can't be known."""
    return InvalidInput(f"Duplicate parameter: '{param}'.", param=param, code="duplicate_parameter")


def wrong_type(param: str, expected: str, got: str) -> InvalidInput:
    """A value, or the whole body where `param` is empty, is of another type; the types with their articles."""
    subject = f"Invalid type for '{param}'" if param else "Invalid request body"
    return InvalidInput(f"{subject}: expected {expected}, but got {got} instead.", param=param, code="invalid_type")


def _said(found: ErrorDetails) -> InvalidInput:
    param = path(found["loc"])
    if found["type"] in ("union_tag_invalid", "union_tag_not_found"):
        param = f"{param}.type"
    refusal = _WORDINGS.get(found["type"], _anything_else)(param, found)
    refusal.param = param or None
    return refusal


def _is_tag(location: Sequence[str | int], index: int) -> bool:
    """Whether an item of a location is a union's tag: below a union's own place, and never the last item."""
    after_union = index > 0 and (isinstance(location[index - 1], int) or location[index - 1] == "network_policy")
    return after_union and location[index] in _TAGS and index + 1 < len(location)


def _json_type(value: Any) -> str:
    """A JSON value's type as OpenAI names it, article included."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str() | bytes():
            return "a string"
        case list():
            return "an array"
    return "an object"


def _of_type(expected: str) -> Wording:
    return lambda param, found: wrong_type(param, expected, _json_type(found["input"]))


def _choices(expected: str) -> list[str]:
    return re.findall(r"'[^']*'", expected)


def _one_of(param: str, found: ErrorDetails) -> InvalidInput:
    choices = _choices(found["ctx"]["expected"])
    if not isinstance(found["input"], str):
        expected = "one of " + _listed(choices, "or") if len(choices) > 1 else choices[0]
        return wrong_type(param, expected, _json_type(found["input"]))
    return _unknown_value(param, found["input"], choices)


def _unknown_value(param: str, value: str, choices: list[str]) -> InvalidInput:
    supported = _listed(choices, "and")
    return InvalidInput(
        f"Invalid value: '{value}'. Supported values are: {supported}.", param=param, code="invalid_value"
    )


def _listed(choices: list[str], word: str) -> str:
    if len(choices) == 1:
        return choices[0]
    return ", ".join([*choices[:-1], f"{word} {choices[-1]}"])


def _bad_tag(param: str, found: ErrorDetails) -> InvalidInput:
    return _unknown_value(param, found["ctx"]["tag"], _choices(found["ctx"]["expected_tags"]))


def _out_of_range(param: str, code: str, how: str, limit: str, actual: int) -> InvalidInput:
    message = f"Invalid '{param}': integer {how} value. Expected a value {limit}, but got {actual} instead."
    return InvalidInput(message, param=param, code=code)


def _below_minimum(param: str, found: ErrorDetails) -> InvalidInput:
    return _out_of_range(param, "integer_below_min_value", "below minimum", f">= {found['ctx']['ge']}", found["input"])


def _empty(noun: str, param: str, least: int) -> InvalidInput:
    return InvalidInput(
        f"Invalid '{param}': empty {noun}. Expected {_article(noun)} with minimum length {least}, "
        f"but got an empty {noun} instead.",
        param=param,
        code=f"empty_{noun}",
    )


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _length(noun: str, how: str, bound: str) -> Wording:
    """Words for a string or an array of a wrong length; `bound` names the entry of the context with the limit."""

    def say(param: str, found: ErrorDetails) -> InvalidInput:
        limit, actual = found["ctx"][bound], len(found["input"])
        if actual == 0:
            return _empty(noun, param, limit)
        which, side = ("maximum", "above_max") if how == "long" else ("minimum", "below_min")
        return InvalidInput(
            f"Invalid '{param}': {noun} too {how}. Expected {_article(noun)} with {which} length {limit}, "
            f"but got {_article(noun)} with length {actual} instead.",
            param=param,
            code=f"{noun}_{side}_length",
        )

    return say


def _too_long(param: str, found: ErrorDetails) -> InvalidInput:
    if not isinstance(found["input"], dict):
        return _length("array", "long", "max_length")(param, found)
    limit, actual = found["ctx"]["max_length"], len(found["input"])
    return InvalidInput(
        f"Invalid '{param}': too many properties. Expected an object with at most {limit} properties, "
        f"but got an object with {actual} properties instead.",
        param=param,
        code="object_above_max_properties",
    )


def _not_json(param: str, found: ErrorDetails) -> InvalidInput:
    return InvalidInput(
        "We could not parse the JSON body of your request. The API expects a JSON payload, but what was sent "
        f"was not valid JSON: {found['ctx']['error']}.",
        param=param,
        code="invalid_json",
    )


def _too_many_digits(param: str, found: ErrorDetails) -> InvalidInput:
    return InvalidInput(f"Invalid '{param}': the integer has too many digits.", param=param, code="invalid_value")


def _anything_else(param: str, found: ErrorDetails) -> InvalidInput:
    return InvalidInput(f"Invalid '{param}': {found['msg']}", param=param, code="invalid_value")


_WORDINGS: Mapping[str, Wording] = {
    "json_invalid": _not_json,
    "missing": lambda param, _: missing_parameter(param),
    "union_tag_not_found": lambda param, _: missing_parameter(param),
    "extra_forbidden": lambda param, _: unknown_parameter(param),
    "string_type": _of_type("a string"),
    "int_type": _of_type("an integer"),
    "int_parsing": _of_type("an integer"),
    "int_parsing_size": _too_many_digits,
    "int_from_float": _of_type("an integer"),
    "bool_type": _of_type("a boolean"),
    "bool_parsing": _of_type("a boolean"),
    "list_type": _of_type("an array"),
    "dict_type": _of_type("an object"),
    "model_type": _of_type("an object"),
    "enum": _one_of,
    "literal_error": _one_of,
    "union_tag_invalid": _bad_tag,
    "less_than_equal": lambda param, found: above_maximum(param, found["ctx"]["le"], found["input"]),
    "greater_than_equal": _below_minimum,
    "string_too_short": _length("string", "short", "min_length"),
    "string_too_long": _length("string", "long", "max_length"),
    "too_short": _length("array", "short", "min_length"),
    "too_long": _too_long,
}
