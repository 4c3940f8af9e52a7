"""Work of one statement, to be done on a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import Connection, Delete, Insert, Row, Select, Update

from runtime.store.connections import Work

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def one(statement: Select[*Ts], parameters: Mapping[str, Any], make: Callable[[Row[*Ts]], T]) -> Work[T | None]:
    """Read the only row, and `make` a value of it; None when there is none."""

    def work(connection: Connection) -> T | None:
        row = connection.execute(statement, parameters).one_or_none()
        return make(row) if row else None

    return work


def every(statement: Select[*Ts], parameters: Mapping[str, Any], make: Callable[[Row[*Ts]], T]) -> Work[Sequence[T]]:
    """Read all rows, and `make` a value of each."""

    def work(connection: Connection) -> Sequence[T]:
        return [make(row) for row in connection.execute(statement, parameters).all()]

    return work


def change(
    statement: Insert | Update | Delete, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> Work[None]:
    """Change rows, with each of the parameters if there are many."""

    def work(connection: Connection) -> None:
        connection.execute(statement, parameters)

    return work
