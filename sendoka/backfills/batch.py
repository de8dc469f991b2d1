"""A batch of the Python form: a page of rows, and the ways in which a step says what to do with them."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic

from sendoka.backfills.dead_letters import LeftOut
from sendoka.backfills.each import Calls, Losses
from sendoka.backfills.keyset import key_of
from sendoka.backfills.models import modelled
from sendoka.backfills.page_text import write_back
from sendoka.backfills.target import nearest
from sendoka.database.statement import Result, Statement
from sendoka.database.transaction import control_command
from sendoka.errors import BackfillError
from sendoka.http.decode import decode_rows
from sendoka.http.encode import encode
from sendoka.http.query import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from typing_extensions import TypeVar

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.statement import Cells, Field
    from sendoka.http.row import Row

    M = TypeVar("M", default=Row)
else:
    from typing import TypeVar

    M = TypeVar("M")

__all__ = ["Batch", "Page", "losses_of", "read_page", "statements_of"]

T = TypeVar("T")

_Fixed = tuple["str | None", ...]
"""What a row is known by, as Postgres has it: the columns of its key, and its version."""

_EXTRA = 3
"""A page's columns before those of the table: rows scanned, last key scanned, the row's version."""


@dataclass(slots=True)
class Page:
    """What one read of the walk gave: of `asked` rows at most so many were scanned.

    `cursor` is the last key scanned, a JSON array, None where nothing was left; `size` its bytes on the wire, nearly.
    """

    asked: int
    scanned: int
    cursor: str | None
    size: int
    _fields: tuple[Field, ...]
    _found: list[Cells]
    _backfill: Backfill
    _target: Target
    _batch: Batch[Any] | None = None

    @property
    def batch(self) -> Batch[Any]:
        """Its rows, made of their cells when they are first asked for. Raises DecodeError for a cell that is no value.

        That takes as long as a step, and so does not belong where a page is only waited for.
        """
        if self._batch is None:
            self._batch = self._made()
        return self._batch

    @property
    def first_key(self) -> str:
        """The key of its first row, a JSON array of texts as Postgres has them."""
        return json.dumps(self._key(self._found[0]))

    def key_of(self, key: Any) -> str:
        """Return the key of a row of its batch as a JSON array of texts as Postgres has them."""
        return json.dumps(self.batch._cells[key][:-1])

    @property
    def paged(self) -> int:
        """How many of its rows satisfied `where`: the batch's, and those that were left out of it."""
        return len(self._found)

    @property
    def keys(self) -> list[list[str | None]]:
        """The keys of its rows as Postgres has them, a list a column."""
        return [list(column) for column in zip(*map(self._key, self._found), strict=True)]

    def _key(self, cells: Cells) -> Cells:
        return cells[_EXTRA : _EXTRA + len(self._target.key)]

    def _made(self) -> Batch[Any]:
        target, backfill, found = self._target, self._backfill, self._found
        cut = [cells[_EXTRA:] for cells in found]
        rows = decode_rows(Result(self._fields[_EXTRA:], cut, "SELECT", len(found)))
        # By columns, for a page has thousands of rows and a call for each would take as long as all else.
        texts, values = list(zip(*found, strict=True)), list(zip(*rows, strict=True))
        by = [values[target.key.index(column)] for column in target.identity] if rows else [()]
        keys = by[0] if len(by) == 1 else list(zip(*by, strict=True))
        fixed = zip(*texts[_EXTRA : _EXTRA + len(target.key)], texts[_EXTRA - 1], strict=True) if rows else ()
        known: dict[Any, _Fixed] = dict(zip(keys, fixed, strict=True))
        if len(known) < len(found):
            raise BackfillError(
                f"two rows of {target.shown} have keys that are the same in Python, though not in the database",
                where=f"in a page of {len(found)} rows of the step {backfill.name}; nothing of it was changed",
                todo="write the change in SQL, sql=, or walk by other columns: key=[…]",
            )
        last_key = key_of(self.cursor) or _object(self.cursor).get("after") or ()
        losses = Losses()
        made: dict[Any, Any] = dict(zip(known, rows, strict=True))
        if backfill.model is not None:
            made = modelled(backfill.model, made, losses.errors)
        return Batch(tuple(made.values()), tuple(made), tuple(last_key), known, backfill, target, losses)

    @property
    def last(self) -> bool:
        """Whether nothing is left of the walk behind it, in this pass."""
        return self.scanned < self.asked and "after" not in _object(self.cursor)


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """Consecutive rows by key that satisfy `where`, as the client decodes rows, or as the backfill's `model`.

    `keys` are theirs, in the same order: the value of the key column, or the tuple of them. `cursor` is the last key
    that was scanned, as JSON has it: texts and numbers.
    """

    rows: tuple[M, ...]
    keys: tuple[Any, ...]
    cursor: tuple[Any, ...]
    _cells: dict[Any, _Fixed]
    _backfill: Backfill
    _target: Target
    _losses: Losses = field(default_factory=Losses)

    async def each(
        self,
        function: Callable[[M], Awaitable[T | None]],
        *,
        limit: int = 10,
        timeout: float | None = None,
        attempts: int = 1,
        per_second: float | None = None,
    ) -> dict[Any, T]:
        """Await `function(row)` for every row; return what it returned by key, without None: it fits `update()`.

        limit: calls at once.
        timeout: seconds for one call.
        attempts: calls for one row where its failure may pass: no answer, a time-out, the statuses 408, 425, 429 and
            from 500 on of an error that has one. Between them it waits, as long as a `Retry-After` asks for.
        per_second: calls begun in a second, for a service that counts them.

        A row whose call fails becomes a dead letter with this error; all others go on. What no row is at fault for, a
        name that does not exist, ends all calls and is raised.
        """
        calls = Calls(function, limit, timeout, attempts, per_second)
        rows = zip(self.keys, self.rows, strict=True)
        return await calls.over(((key, row) for key, row in rows if key not in self._losses.errors), self._losses)

    def fail(self, key: Any, error: Exception | str) -> None:
        """Leave out the row of `key`: it becomes a dead letter that says `error`, and everything else goes on.

        Raises BackfillError for a row that is not of this batch.
        """
        self._of_this("fail", key)
        self._losses.errors[key] = error if isinstance(error, Exception) else LeftOut(error)

    def update(self, changes: Mapping[Any, Mapping[str, Any]]) -> list[Statement]:
        """Return statements that set columns of rows of this batch: `{key: {"column": value, …}, …}`.

        A key is the value of the key column (the primary key's, or that of `key=`), or the tuple of them. A row that
        somebody changed since it was read is left as it is; if it still satisfies `where`, another pass comes by.
        Raises BackfillError for a row that is not of this batch and for a column that the table does not have,
        TypeError for a value that has no Postgres text.
        """
        groups: dict[tuple[str, ...], list[tuple[_Fixed, Mapping[str, Any]]]] = {}
        ordered: dict[tuple[str, ...], list[tuple[_Fixed, Mapping[str, Any]]]] = {}
        known = self._cells
        for key, values in changes.items():
            cells = known.get(key) or self._of_this("update", key)
            rows = ordered.get(tuple(values))
            if rows is None:
                self._check_columns(values)
                rows = ordered[tuple(values)] = groups.setdefault(tuple(sorted(values)), [])
            rows.append((cells, values))
        return [self._statement(columns, rows) for columns, rows in groups.items() if columns]

    def _check_columns(self, columns: Iterable[str]) -> None:
        for column in columns:
            if column not in self._target.types:
                raise BackfillError(
                    f"the table {self._target.shown} has no column {column!r}",
                    where=f"in the step {self._backfill.name}",
                    todo=nearest(column, self._target.types),
                )

    def _of_this(self, method: str, key: Any) -> _Fixed:
        cells = self._cells.get(key)
        if cells is None:
            raise BackfillError(
                f"batch.{method}() was given the key {key!r}, which is no row of this batch",
                where=f"in the step {self._backfill.name}",
                todo="take the keys from batch.keys; a key of several columns is a tuple",
            )
        return cells

    def _statement(self, columns: tuple[str, ...], rows: list[tuple[_Fixed, Mapping[str, Any]]]) -> Statement:
        fixed = zip(*(cells for cells, _ in rows), strict=True)
        set_to = (_texts([values[column] for _, values in rows]) for column in columns)
        arrays = tuple(encode(list(column)) for column in (*fixed, *set_to))
        return Statement(write_back(self._backfill, self._target, columns), arrays)


def read_page(result: Result[Cells], asked: int, backfill: Backfill, target: Target) -> Page:
    """Return the page that was read by the statement of `page_text.page`, having been asked for so many rows."""
    scanned, cursor = result.rows[0][:2]
    found = [cells for cells in result.rows if cells[_EXTRA - 1] is not None]
    size = sum(map(len, filter(None, chain.from_iterable(found)))) + len(found)
    return Page(asked, int(scanned or 0), cursor, size, result.fields, found, backfill, target)


def _texts(values: list[Any]) -> list[str | None]:
    """Return the values of a column as Postgres text; texts, which are most of them, are what they are."""
    return values if set(map(type, values)) <= {str} else [encode(value) for value in values]


def losses_of(batch: Batch[Any]) -> Losses:
    """Return the rows of `batch` that are left out: their model refused them, or the step did."""
    return batch._losses


def _object(cursor: str | None) -> dict[str, Any]:
    """Return a cursor of strides, `{"stride": 3, "key": […]}`; the last page of one has `after` for `key`."""
    found = None if cursor is None else json.loads(cursor)
    return found if isinstance(found, dict) else {}


def statements_of(answer: object, backfill: Backfill, client: object) -> list[Statement]:
    """Return what a step returned as statements; queries are taken for sending.

    Raises BackfillError for anything else: a statement that would end the transaction, a query that was awaited or is
    of another client, a value of another shape.
    """
    if answer is None:
        return []
    if isinstance(answer, Statement | Query):
        return [_statement(answer, backfill, client)]
    if isinstance(answer, list | tuple):
        return [statement for item in answer for statement in statements_of(item, backfill, client)]
    if isinstance(answer, Coroutine):
        answer.close()
        raise _wrong("it returned a coroutine that nobody awaited", backfill)
    raise _wrong(f"it returned {type(answer).__name__}", backfill)


def _statement(answer: Statement | Query[Any], backfill: Backfill, client: object) -> Statement:
    if isinstance(answer, Query):
        if answer.client is not client:
            raise _wrong("it returned a query of another client than its own `sql`", backfill)
        if answer.claimed:
            raise _wrong("it returned a query that was already sent", backfill)
        answer.claim()
        answer = answer.statement
    command = control_command(answer.text)
    if command:
        raise _wrong(f"it returned {command}; a batch is one transaction by itself", backfill)
    return answer


def _wrong(what: str, backfill: Backfill) -> BackfillError:
    return BackfillError(
        f"the step {backfill.name} cannot go on: {what}",
        where="nothing of this batch was changed",
        todo="a step returns batch.update({…}), queries made by sql(…) and not awaited, a list of them, or None",
    )
