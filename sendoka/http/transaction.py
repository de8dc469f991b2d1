"""What `sql.transaction([…])` returns: a list of queries that are one request and one transaction."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sendoka.database.ledger import moment
from sendoka.database.local_settings import digested, set_locally
from sendoka.database.once import Once, digest_of, run_once
from sendoka.database.transaction import TransactionOptions, control_command
from sendoka.http.query import Lazy, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from datetime import datetime

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.http.client import Neon

__all__ = ["LIST_FORM", "Committed", "Transaction", "abandon", "once_of", "queries_of"]

T = TypeVar("T")

LIST_FORM = """a transaction over HTTP is one request, so it takes a list:

    orders, lines = await sql.transaction([
        sql("insert into orders (id) values ($1) returning *", order_id),
        sql("insert into lines (order_id, sku) values ($1, $2) returning *", order_id, sku),
    ])"""


class Committed(list["list[T]"]):
    """What a transaction answered: the rows of each statement, in order. `.results` has their commands and counts.

    With `once=` it may be a replay: `replayed` is true where an earlier send had done it, `at` is when that was, and
    what is in the list are the rows of the queries in `Once(key, then=[…])`; without those it is empty.
    """

    def __init__(self, results: list[Result[T]], *, replayed: bool = False, at: datetime | None = None) -> None:
        super().__init__(result.rows for result in results)
        self.results = results
        self.replayed = replayed
        self.at = at


@dataclass(frozen=True, slots=True)
class _Plan(Generic[T]):
    """A transaction's queries and all that was said about it; `meaning` is what its settings add to its digest."""

    queries: list[Query[T]]
    options: TransactionOptions
    settings: list[Statement]
    meaning: list[Statement]
    once: Once[Query[T]] | None

    @property
    def statements(self) -> list[Statement]:
        return [*self.settings, *(query.statement for query in self.queries)]

    @property
    def digest(self) -> str:
        return digest_of([*self.meaning, *(query.statement for query in self.queries)])


class Transaction(Lazy, Generic[T]):
    """A list of queries that run as one transaction, in one request, when awaited."""

    __slots__ = ("_client", "_plan")

    def __init__(
        self,
        client: Neon,
        queries: list[Query[T]],
        options: TransactionOptions,
        settings: Mapping[str, Any] | None,
        once: Once[Query[T]] | None,
    ) -> None:
        self.drop()  # until it is made, nothing is to be awaited
        self._client = client
        self._plan = _Plan(queries, options, set_locally(settings), digested(settings), once)
        super().__init__()

    def __await__(self) -> Generator[Any, None, Committed[T]]:
        self.claim()
        return self._run().__await__()

    async def _run(self) -> Committed[T]:
        plan = self._plan
        if plan.once is not None:
            return await self._run_once(plan, plan.once)
        if not plan.queries:
            return Committed([])
        return Committed(_read(plan.queries, await self._client.run_all(plan.statements, plan.options)))

    async def _run_once(self, plan: _Plan[T], once: Once[Query[T]]) -> Committed[T]:
        then = list(once.then)
        found = await run_once(
            self._client,
            once.key,
            plan.statements,
            plan.options._replace(timeout=plan.options.timeout or self._client.timeout),
            digest=plan.digest,
            # Read as it was written: by the same role, under the same claims.
            then=[*plan.settings, *(query.statement for query in then)] if then else [],
        )
        at = None if found.at is None else moment(found.at)
        results = _read(then if found.replayed else plan.queries, found.results)
        return Committed(results, replayed=found.replayed, at=at)

    async def __aenter__(self) -> None:
        self.claim()
        raise TypeError(f"`async with` cannot hold a transaction open: {LIST_FORM}")

    async def __aexit__(self, *details: object) -> None:
        """Never reached: entering raises."""

    def __repr__(self) -> str:
        return f"<transaction of {len(self._plan.queries)} statements>"


def _read(queries: list[Query[T]], results: list[Result[Cells]]) -> list[Result[T]]:
    """Read each query's result; what stands before them in the list is ours."""
    own = results[len(results) - len(queries) :]
    return [query.reading.result(result) for query, result in zip(queries, own, strict=True)]


# ------------------------------------------------------------------ what may be in the list


def once_of(client: Neon, once: str | Once[Any] | None, options: TransactionOptions) -> Once[Any] | None:
    """Return what `once=` means, the queries in it taken. Raises ValueError or TypeError for what makes no sense."""
    if once is None:
        return None
    if options.read_only:
        raise ValueError("once= is for what writes; a read_only transaction may be sent again as it is")
    made = once if isinstance(once, Once) else Once(once)
    return replace(made, then=queries_of(client, made.then))


def queries_of(client: Neon, queries: Any) -> list[Query[Any]]:
    """Return the queries of a transaction's list, taken for sending.

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
    return found


def abandon(found: Iterable[object]) -> None:
    """Take everything in a list that is refused, lists in it too, and close the coroutines."""
    for element in found:
        if isinstance(element, Lazy):
            element.drop()
        elif inspect.iscoroutine(element):
            element.close()
        elif isinstance(element, list | tuple):
            abandon(element)


def _listed(client: Neon, queries: Any) -> list[Query[Any]]:
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
