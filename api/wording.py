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

Finding: TypeAlias = tuple[str, str]
"""A code, and the message that goes with it."""

Wording: TypeAlias = Callable[[str, Any], Finding]
"""Says what is wrong with a parameter, given its path and pydantic's own finding (its ErrorDetails)."""


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
    """An integer is larger than the operator allows."""
    code, message = _out_of_range("above maximum", f"<= {maximum}")(param, {"input": actual})
    return InvalidInput(message, param=param, code=code)


def unknown_parameter(param: str) -> InvalidInput:
    """A parameter that there is none of."""
    return InvalidInput(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def missing_parameter(param: str) -> InvalidInput:
    """A parameter that there must be."""
    return InvalidInput(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def duplicate_parameter(param: str) -> InvalidInput:
    """A parameter given twice: which of the two is meant can't be known."""
    return InvalidInput(f"Duplicate parameter: '{param}'.", param=param, code="duplicate_parameter")


def wrong_type(param: str, expected: str, got: str) -> InvalidInput:
    """A value of another type; the types with their articles."""
    return InvalidInput(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param=param, code="invalid_type"
    )


def _said(found: ErrorDetails) -> InvalidInput:
    param = path(found["loc"])
    if found["type"] in ("union_tag_invalid", "union_tag_not_found"):
        param = f"{param}.type"
    code, message = _WORDINGS.get(found["type"], _anything_else)(param, found)
    return InvalidInput(message, param=param or None, code=code)


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


def _wrong_type(expected: str) -> Wording:
    def say(param: str, error: Any) -> Finding:
        subject = f"Invalid type for '{param}'" if param else "Invalid request body"
        return "invalid_type", f"{subject}: expected {expected}, but got {_json_type(error['input'])} instead."

    return say


def _choices(expected: str) -> list[str]:
    return re.findall(r"'[^']*'", expected)


def _one_of(param: str, error: Any) -> Finding:
    choices = _choices(error["ctx"]["expected"])
    if not isinstance(error["input"], str):
        return _wrong_type("one of " + _listed(choices, "or") if len(choices) > 1 else choices[0])(param, error)
    return _unknown_value(error["input"], choices)


def _unknown_value(value: str, choices: list[str]) -> Finding:
    return "invalid_value", f"Invalid value: '{value}'. Supported values are: {_listed(choices, 'and')}."


def _listed(choices: list[str], word: str) -> str:
    if len(choices) == 1:
        return choices[0]
    return ", ".join([*choices[:-1], f"{word} {choices[-1]}"])


def _bad_tag(param: str, error: Any) -> Finding:
    return _unknown_value(error["ctx"]["tag"], _choices(error["ctx"]["expected_tags"]))


def _out_of_range(how: str, bound: str) -> Wording:
    """Words for an integer beyond `bound`, which may name an entry of the finding's context in braces."""

    def say(param: str, error: Any) -> Finding:
        limit = bound.format(**error.get("ctx", {}))
        code = f"integer_{how.replace(' ', '_').replace('maximum', 'max').replace('minimum', 'min')}_value"
        text = f"Invalid '{param}': integer {how} value. Expected a value {limit}, but got {error['input']} instead."
        return code, text

    return say


def _empty(noun: str, param: str, least: int) -> Finding:
    return (
        f"empty_{noun}",
        f"Invalid '{param}': empty {noun}. Expected {_article(noun)} with minimum length {least}, "
        f"but got an empty {noun} instead.",
    )


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _length(noun: str, how: str, bound: str) -> Wording:
    """Words for a string or an array of a wrong length; `bound` names the entry of the context with the limit."""

    def say(param: str, error: Any) -> Finding:
        limit, actual = error["ctx"][bound], len(error["input"])
        if actual == 0:
            return _empty(noun, param, limit)
        which, side = ("maximum", "above_max") if how == "long" else ("minimum", "below_min")
        return (
            f"{noun}_{side}_length",
            f"Invalid '{param}': {noun} too {how}. Expected {_article(noun)} with {which} length {limit}, "
            f"but got {_article(noun)} with length {actual} instead.",
        )

    return say


def _too_long(param: str, error: Any) -> Finding:
    if not isinstance(error["input"], dict):
        return _length("array", "long", "max_length")(param, error)
    limit, actual = error["ctx"]["max_length"], len(error["input"])
    return (
        "object_above_max_properties",
        f"Invalid '{param}': too many properties. Expected an object with at most {limit} properties, "
        f"but got an object with {actual} properties instead.",
    )


def _not_json(param: str, error: Any) -> Finding:
    return (
        "invalid_json",
        "We could not parse the JSON body of your request. The API expects a JSON payload, but what was sent "
        f"was not valid JSON: {error['ctx']['error']}.",
    )


def _anything_else(param: str, error: Any) -> Finding:
    return "invalid_value", f"Invalid '{param}': {error['msg']}"


_WORDINGS: Mapping[str, Wording] = {
    "json_invalid": _not_json,
    "missing": lambda param, _: ("missing_required_parameter", f"Missing required parameter: '{param}'."),
    "union_tag_not_found": lambda param, _: (
        "missing_required_parameter",
        f"Missing required parameter: '{param}'.",
    ),
    "extra_forbidden": lambda param, _: ("unknown_parameter", f"Unknown parameter: '{param}'."),
    "string_type": _wrong_type("a string"),
    "int_type": _wrong_type("an integer"),
    "int_parsing": _wrong_type("an integer"),
    "int_from_float": _wrong_type("an integer"),
    "bool_type": _wrong_type("a boolean"),
    "bool_parsing": _wrong_type("a boolean"),
    "list_type": _wrong_type("an array"),
    "dict_type": _wrong_type("an object"),
    "model_type": _wrong_type("an object"),
    "enum": _one_of,
    "literal_error": _one_of,
    "union_tag_invalid": _bad_tag,
    "less_than_equal": _out_of_range("above maximum", "<= {le}"),
    "greater_than_equal": _out_of_range("below minimum", ">= {ge}"),
    "string_too_short": _length("string", "short", "min_length"),
    "string_too_long": _length("string", "long", "max_length"),
    "too_short": _length("array", "short", "min_length"),
    "too_long": _too_long,
}
