"""What callers ask for: containers made, used, removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.contestants.connection import UnexpectedAnswer
from bench.contestants.sandlot import output
from bench.scale.crowd import Answer, Crowd, Request

CREATE = Request("POST", "/v1/containers", {"name": "bench"})


def create(crowd: Crowd, count: int) -> list[str]:
    """Make so many containers, as many at a time as there are callers: their paths."""
    return [path(answer) for answer in crowd.shared([CREATE] * count)]


def delete(crowd: Crowd, paths: Iterable[str]) -> None:
    """Remove containers, as many at a time as there are callers."""
    for answer in crowd.shared([Request("DELETE", path) for path in paths]):
        _good(answer)


def shell_call(container: str, command: str = "true") -> Request:
    """Run a command in the container with that path."""
    return Request("POST", f"{container}/shell_calls", {"commands": [command]})


def path(answer: Answer) -> str:
    """The path of the container that was made."""
    return f"/v1/containers/{_good(answer)['id']}"


def seconds(answers: Sequence[Answer]) -> list[float]:
    """How long each shell call took, all of which must have ended well and without output."""
    for answer in answers:
        if written := output(_good(answer)):
            raise ValueError(f"A command gave {written!r}.")
    return [answer.seconds for answer in answers]


def _good(answer: Answer) -> Any:
    if isinstance(answer.value, UnexpectedAnswer):
        raise answer.value
    return answer.value
