"""Which field of a request an error comes of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.errors import InvalidInput, NotFound


@contextmanager
def at_param(param: str) -> Iterator[None]:
    """Have the errors from within name `param`, the dotted path of the field that what they are about came in."""
    try:
        yield
    except (InvalidInput, NotFound) as error:
        error.param = param
        raise
