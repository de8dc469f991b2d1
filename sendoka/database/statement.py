"""What goes through the seam, as values: statements out, text results back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Cells", "Field", "Result", "Statement"]

Cells = list[str | None]
"""One row as Postgres wrote it: text, or None for NULL."""

R = TypeVar("R")


class Statement(NamedTuple):
    """One SQL command and its parameters `$1, $2, …`, each Postgres text or None for NULL."""

    text: str
    params: tuple[str | None, ...] = ()


class Field(NamedTuple):
    """One column of a result. `table_oid` and `column` are 0 where it is not a table's column."""

    name: str
    type_oid: int
    table_oid: int = 0
    column: int = 0
    type_size: int = -1
    type_modifier: int = -1


@dataclass(frozen=True, slots=True)
class Result(Generic[R]):
    """What one statement answered.

    `rows` are `Cells` at the seam and `Row` objects at the client. `command` is the first word of Postgres' command
    tag (`INSERT`, `CREATE`, …); `row_count` the number in it, None where it has none (DDL, SET, CALL, …).
    """

    fields: tuple[Field, ...]
    rows: list[R]
    command: str
    row_count: int | None
