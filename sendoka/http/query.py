"""What `sql(…)` and `sql.transaction(…)` return: lazy, sent when awaited, and only once."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Result
from sendoka.database.transaction import control_command
from sendoka.http.decode import decode_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence

    from sendoka.database.statement import Cells, Statement
    from sendoka.database.transaction import TransactionOptions
    from sendoka.http.client import Neon
    from sendoka.http.row import Row

    Queries = Sequence["Query"] | Callable[..., Sequence["Query"]]

__all__ = ["Committed", "Query", "Transaction", "abandon", "statements_of"]

LIST_FORM = """a transaction over HTTP is one request, so it takes a list:

    orders, lines = await sql.transaction([
        sql("insert into orders (id) values ($1) returning *", order_id),
        sql("insert into lines (order_id, sku) values ($1, $2) returning *", order_id, sku),
    ])"""


class _Lazy:
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


class Query(_Lazy):
    """One statement with its parameters. `await` it for a list of rows, or ask for its shape.

    Nothing is sent until it is awaited; awaiting it twice is a RuntimeError. What an await raises is a DatabaseError or
    a TransportError, and its `.outcome` says whether the statement ran.
    """

    __slots__ = ("_client", "_options", "statement")

    def __init__(self, client: Neon, statement: Statement, options: TransactionOptions) -> None:
        super().__init__()
        self._client = client
        self._options = options
        self.statement = statement

    @property
    def client(self) -> Neon:
        """The client that made it."""
        return self._client

    @property
    def options(self) -> TransactionOptions:
        """What was said about this statement alone."""
        return self._options

    def __await__(self) -> Generator[Any, None, list[Row]]:
        self.claim()
        return self._rows().__await__()

    def result(self) -> Coroutine[Any, Any, Result[Row]]:
        """Return rows with fields, command and row count."""
        self.claim()
        return self._result()

    def one(self) -> Coroutine[Any, Any, Row]:
        """Return the one row. Raises LookupError where there is none, or more than one."""
        self.claim()
        return self._one()

    def one_or_none(self) -> Coroutine[Any, Any, Row | None]:
        """Return the one row, or None. Raises LookupError where there is more than one."""
        self.claim()
        return self._one_or_none()

    def value(self) -> Coroutine[Any, Any, Any]:
        """Return the first column of the one row. Raises LookupError where there is none, or more than one."""
        self.claim()
        return self._value()

    async def _result(self) -> Result[Row]:
        return _decoded(await self._client.send(self.statement, self._options))

    async def _rows(self) -> list[Row]:
        return (await self._result()).rows

    async def _one_or_none(self) -> Row | None:
        rows = await self._rows()
        if len(rows) > 1:
            raise LookupError(f"{len(rows)} rows came where at most one was asked for: {_short(self.statement.text)}")
        return rows[0] if rows else None

    async def _one(self) -> Row:
        row = await self._one_or_none()
        if row is None:
            raise LookupError(f"no row came where one was asked for: {_short(self.statement.text)}")
        return row

    async def _value(self) -> Any:
        row = await self._one()
        if not row:
            raise LookupError(f"the row has no column: {_short(self.statement.text)}")
        return row[0]

    def __repr__(self) -> str:
        return f"<query {_short(self.statement.text)!r}>"


class Committed(list["list[Row]"]):
    """What a transaction answered: the rows of each statement, in order. `.results` has their commands and counts."""

    replayed = False
    """False: it was this call's own send that was answered."""

    def __init__(self, results: list[Result[Row]]) -> None:
        super().__init__(result.rows for result in results)
        self.results = results


class Transaction(_Lazy):
    """A list of queries that run as one transaction, in one request, when awaited."""

    __slots__ = ("_client", "_options", "_statements")

    def __init__(self, client: Neon, statements: list[Statement], options: TransactionOptions) -> None:
        super().__init__()
        self._client = client
        self._options = options
        self._statements = statements

    def __await__(self) -> Generator[Any, None, Committed]:
        self.claim()
        return self._run().__await__()

    async def _run(self) -> Committed:
        results = await self._client.run_all(self._statements, self._options)
        return Committed([_decoded(result) for result in results])

    async def __aenter__(self) -> None:
        self.claim()
        raise TypeError(f"`async with` cannot hold a transaction open: {LIST_FORM}")

    async def __aexit__(self, *details: object) -> None:
        """Never reached: entering raises."""

    def __repr__(self) -> str:
        return f"<transaction of {len(self._statements)} statements>"


def _decoded(result: Result[Cells]) -> Result[Row]:
    """Return `result` with its cells as Python values."""
    return Result(result.fields, decode_rows(result), result.command, result.row_count)


def statements_of(client: Neon, queries: Queries) -> list[Statement]:
    """Return the statements of a transaction's list, taking the queries for sending.

    Raises TypeError, ValueError or RuntimeError, before anything is sent, for what cannot be in one.
    """
    found = _listed(client, queries)
    places: dict[int, int] = {}
    try:
        for place, query in enumerate(found, 1):
            first = places.setdefault(id(query), place)
            if first != place:
                raise RuntimeError(f"{query!r} stands twice in the list, as element {first} and {place}; write it anew")
            _check(client, query, place)
    finally:
        # What is refused is not forgotten either: nothing in the list is to warn that it was never awaited.
        abandon(found)
    return [query.statement for query in found]


def abandon(found: Iterable[object]) -> None:
    """Take everything in a list that is refused, lists in it too, and close the coroutines."""
    for element in found:
        if isinstance(element, _Lazy):
            element.drop()
        elif inspect.iscoroutine(element):
            element.close()
        elif isinstance(element, list | tuple):
            abandon(element)


def _listed(client: Neon, queries: Queries) -> list[Query]:
    if inspect.iscoroutinefunction(queries) or inspect.isasyncgenfunction(queries):
        raise TypeError(f"a coroutine function cannot be a transaction's body: {LIST_FORM}")
    made = queries(*([client] if _takes_one(queries) else [])) if callable(queries) else queries
    if inspect.iscoroutine(made):
        made.close()
        raise TypeError(f"the function returned a coroutine: {LIST_FORM}")
    if isinstance(made, Query) or not hasattr(made, "__iter__") or isinstance(made, str | bytes):
        abandon([made])
        raise TypeError(f"{type(made).__name__} is not a list of queries: {LIST_FORM}")
    return list(made)


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    return True


def _check(client: Neon, query: object, place: int) -> None:
    if not isinstance(query, Query):
        what = type(query).__name__
        article = "an" if what[0] in "aeiouAEIOU" else "a"
        raise TypeError(
            f"element {place} is {article} {what}, not a query; write sql(…) without await, .one() or .value()"
        )
    if query.client is not client:
        raise ValueError(f"element {place} belongs to another client; a transaction is one request to one database")
    if query.claimed:
        raise RuntimeError(f"element {place} was already sent or given to a transaction: {query!r}")
    said = _said(query.options)
    if said:
        raise ValueError(
            f"element {place} says {said}, which holds for a whole request only; say it to transaction([…], {said})"
        )
    command = control_command(query.statement.text)
    if command:
        raise ValueError(
            f"element {place} is {command}, which would end the transaction early; "
            "the list itself is the transaction, leave it out"
        )


def _said(options: TransactionOptions) -> str:
    """Return what was said about one statement, as it was written; a list would drop it without a word."""
    given = [name for name in ("read_only", "idempotent", "timeout") if getattr(options, name)]
    return ", ".join(f"{name}={getattr(options, name)!r}" for name in given)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
