"""What `sql(…)` returns: lazy, sent when awaited, and only once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sendoka.database.statement import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence

    from sendoka.database.statement import Cells, Statement
    from sendoka.database.transaction import TransactionOptions
    from sendoka.http.client import Neon
    from sendoka.http.row import Row
    from sendoka.http.types.choice import Types

__all__ = ["Lazy", "Query", "Reading", "shortened"]

_ORDINARY = frozenset({"select", "insert", "update", "delete"})
"""What nearly every statement begins with; all others are looked at before they are sent by themselves."""

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})

T = TypeVar("T", covariant=True)  # noqa: PLC0105 - what is read in signatures is T
M = TypeVar("M")


class Lazy:
    """Something that is sent once, when it is awaited, and warns when it never is."""

    __slots__ = ("_claimed",)

    def __init__(self) -> None:
        self._claimed = False

    @property
    def claimed(self) -> bool:
        """Whether it was awaited or given to a transaction."""
        return self._claimed

    def claim(self) -> None:
        """Take it for sending. Raises RuntimeError the second time."""
        if self._claimed:
            raise RuntimeError(f"{self!r} was already sent or given to a transaction; write it again to send it again")
        self._claimed = True

    def drop(self) -> None:
        """Take it without sending: whoever refused it has said so already."""
        self._claimed = True

    def __del__(self) -> None:
        # Like a coroutine: whoever forgets `await` hears of it.
        if not getattr(self, "_claimed", True):
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, stacklevel=2, source=self)


@dataclass(slots=True, repr=False, eq=False)
class Reading(Generic[T]):
    """How a query's cells are read: as which types (None: as the catalog says), and as what else than rows, if so."""

    types: Types | None = None
    shape: Callable[[Sequence[Row]], list[T]] | None = None

    def rows(self, result: Result[Cells]) -> list[Row]:
        """Return the rows. Raises DecodeError."""
        from sendoka.http.decode import decode_rows  # with the first rows: migrations and backfills never read any

        return decode_rows(result) if self.types is None else decode_rows(result, self.types)

    def typed(self, overrides: Mapping[str | int, Callable[[str], Any]]) -> Reading[T]:
        """Return the same reading with other types over its own. Raises ValueError or TypeError."""
        from sendoka.http.types.choice import BUILT_IN

        return Reading((self.types or BUILT_IN).extended(overrides), self.shape)

    def result(self, result: Result[Cells]) -> Result[T]:
        """Return the whole result. Raises DecodeError, and whatever the shape raises."""
        rows: list[Any] = self.rows(result)
        if self.shape is not None:
            rows = self.shape(rows)
        return Result(result.fields, rows, result.command, result.row_count)


class Query(Lazy, Generic[T]):
    """One statement with its parameters. `await` it for a list of rows, or ask for its shape.

    Nothing is sent until it is awaited; awaiting it twice is a RuntimeError, and a statement that has no effect by
    itself (BEGIN, SET, LISTEN, …) a ValueError. Anything else that an await raises is a DatabaseError or a
    TransportError, and its `.outcome` says whether the statement ran.
    """

    __slots__ = ("_client", "_options", "reading", "statement")

    def __init__(self, client: Neon, statement: Statement, options: TransactionOptions, reading: Reading[T]) -> None:
        super().__init__()
        self._client = client
        self._options = options
        self.statement = statement
        self.reading = reading

    @property
    def client(self) -> Neon:
        """The client that made it."""
        return self._client

    @property
    def options(self) -> TransactionOptions:
        """What was said about this statement alone."""
        return self._options

    def __await__(self) -> Generator[Any, None, list[T]]:
        self._claim_alone()
        return self._rows().__await__()

    def into(self, model: type[M]) -> Query[M]:
        """Return the same query with rows as objects of `model`: `await sql(…).into(Org).one()` is an Org.

        A model is a dataclass, a TypedDict, a NamedTuple, a pydantic model or a msgspec Struct. Columns and fields must
        have the same names: a ValueError says where they do not. Raises TypeError at once for what is no model.
        """
        from sendoka.http.into import shaper

        self.claim()
        return Query(self._client, self.statement, self._options, Reading(self.reading.types, shaper(model)))

    def result(self) -> Coroutine[Any, Any, Result[T]]:
        """Return rows with fields, command and row count."""
        self._claim_alone()
        return self._result()

    def one(self) -> Coroutine[Any, Any, T]:
        """Return the one row. Raises LookupError where there is none, or more than one."""
        self._claim_alone()
        return self._one()

    def one_or_none(self) -> Coroutine[Any, Any, T | None]:
        """Return the one row, or None. Raises LookupError where there is more than one."""
        self._claim_alone()
        return self._one_or_none()

    def value(self) -> Coroutine[Any, Any, Any]:
        """Return the first column of the one row. Raises LookupError where there is none, or more than one."""
        self._check_for_cells("value")
        self._claim_alone()
        return self._value()

    def column(self) -> Coroutine[Any, Any, list[Any]]:
        """Return the first column of all rows."""
        self._check_for_cells("column")
        self._claim_alone()
        return self._column()

    async def _result(self) -> Result[T]:
        return self.reading.result(await self._client.send(self.statement, self._options))

    async def _rows(self) -> list[T]:
        return self.reading.result(await self._client.send(self.statement, self._options)).rows

    async def _one_or_none(self) -> T | None:
        result = await self._result()
        if len(result.rows) > 1:
            what = f"{len(result.rows)} rows came where at most one was asked for"
            raise LookupError(f"{what}: {self._shown}{_ran(result)}")
        return result.rows[0] if result.rows else None

    async def _one(self) -> T:
        result = await self._result()
        if len(result.rows) != 1:
            what = f"{len(result.rows)} rows came" if result.rows else "no row came"
            raise LookupError(f"{what} where one was asked for: {self._shown}{_ran(result)}")
        return result.rows[0]

    async def _value(self) -> Any:
        row: Any = await self._one()
        if not row:
            raise LookupError(f"the row has no column: {self._shown}")
        return row[0]

    async def _column(self) -> list[Any]:
        rows: list[Any] = await self._rows()
        if rows and not rows[0]:
            raise LookupError(f"the rows have no column: {self._shown}")
        return [row[0] for row in rows]

    def _check_for_cells(self, name: str) -> None:
        if self.reading.shape is not None:
            self.drop()
            raise TypeError(f"{name}() reads the first column of rows, and .into() makes something else of them")

    def _claim_alone(self) -> None:
        """Take it for a request of its own. Raises ValueError for what can have no effect there.

        Called by the methods of users themselves: the warning of an empty text counts frames.
        """
        self.claim()
        text = self.statement.text
        if text[:6].lower() not in _ORDINARY:
            from sendoka.http.alone import check_alone

            check_alone(text)

    @property
    def _shown(self) -> str:
        return shortened(self.statement.text)

    def __repr__(self) -> str:
        return f"<query {self._shown!r}>"


def _ran(result: Result[Any]) -> str:
    """Return what a wrong number of rows does not show: that a write was done all the same."""
    if result.command not in _WRITES:
        return ""
    return "\nit ran" if result.fields else "\nit ran, and answers rows with `returning` only"


def shortened(text: str) -> str:
    """Return a statement in one line of at most 80 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
