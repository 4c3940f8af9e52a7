"""How a bundle is refused: one kind of error, and text of the caller's shown so that it does no harm."""

from __future__ import annotations

from runtime.errors import InvalidInput

_SHOWN_CHARACTERS = 100


def refusal(message: str) -> InvalidInput:
    """The error for bytes that are no skill, or one that is too large. Where they came from is the caller's to add."""
    return InvalidInput(message, code="invalid_skill_bundle")


def shown(text: str) -> str:
    """A path or a name in quotes: one line, nothing unprintable, and the middle left out if it is long."""
    if len(text) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        text = f"{text[:half]}…{text[-half:]}"
    return repr(text)
