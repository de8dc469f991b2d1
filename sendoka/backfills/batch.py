"""A batch of the Python form: a page of rows, and the ways in which a step says what to do with them."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, cast

from sendoka.backfills.dead_letters import LeftOut
from sendoka.backfills.each import Calls, Losses
from sendoka.backfills.keyset import key_of
from sendoka.backfills.models import modelled
from sendoka.backfills.page_text import write_back
from sendoka.backfills.target import nearest
from sendoka.courtesy import breathe, give_way
from sendoka.database.statement import Statement
from sendoka.database.transaction import control_command
from sendoka.errors import BackfillError
from sendoka.http.decode import decode_columns
from sendoka.http.encode import encode, encode_column
from sendoka.http.fast import uncollected
from sendoka.http.query import Query
from sendoka.http.row import row_type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from typing_extensions import TypeVar

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.statement import Cells, Field, Result
    from sendoka.http.row import Row

    M = TypeVar("M", default=Row)
    Column = list[str | None]
else:
    from typing import TypeVar

    M = TypeVar("M")

__all__ = ["Batch", "Page", "losses_of", "read_page", "statements_of"]

T = TypeVar("T")

_EXTRA = 3
"""A page's columns before those of the table: rows scanned, last key scanned, the row's version."""

_PART = 2048
"""Cells that are read at a stretch, less than half a millisecond: others wait no longer."""


@dataclass(slots=True)
class Page:
    """What one read of the walk gave: of `asked` rows at most so many were scanned.

    `cursor` is the last key scanned, a JSON array, None where nothing was left; `size` its bytes on the wire, nearly.
    `paged` is how many of its rows satisfied `where`: the batch's, and those that were left out of it. They are kept by
    columns, for a page has thousands of them and something done for each would take as long as all else.
    """

    asked: int
    scanned: int
    cursor: str | None
    size: int
    paged: int
    _fields: tuple[Field, ...]
    _versions: Column
    _columns: list[Column]
    _backfill: Backfill
    _target: Target
    _batch: Batch[Any] | None = None

    @property
    def batch(self) -> Batch[Any]:
        """Its rows, made of their cells when they are first asked for. Raises DecodeError for a cell that is no value.

        That takes as long as a step, and so does not belong where a page is only waited for.
        """
        for _ in self._making():
            pass
        assert self._batch is not None  # noqa: S101 - it was made just now
        return self._batch

    async def ready(self) -> Batch[Any]:
        """Return its batch, which is made with pauses in which other tasks go on."""
        for _ in self._making():
            await breathe()
        return self.batch

    @property
    def first_key(self) -> str:
        """The key of its first row, a JSON array of texts as Postgres has them."""
        return self._key_at(0)

    def key_of(self, key: Any) -> str:
        """Return the key of a row of its batch as a JSON array of texts as Postgres has them."""
        return self._key_at(self.batch._places[key])

    def _key_at(self, place: int) -> str:
        return json.dumps([column[place] for column in self.keys])

    @property
    def keys(self) -> list[Column]:
        """The keys of its rows as Postgres has them, a list a column."""
        return self._columns[: len(self._target.key)]

    def _making(self) -> Iterator[None]:
        """Make the batch, some thousands of cells at a time; what it is for has a time of its own."""
        if self._batch is not None:
            return
        target, row = self._target, row_type(tuple([field.name for field in self._fields]))
        identity = [target.key.index(column) for column in target.identity]
        rows: list[Any] = []
        keys: list[Any] = []
        for part in self._parts():
            if rows:
                yield
            with uncollected(_PART):
                values = decode_columns(self._fields, [column[part] for column in self._columns])
                rows.extend(map(row, zip(*values, strict=True)))
                by = [values[place] for place in identity]
                keys.extend(by[0] if len(by) == 1 else zip(*by, strict=True))
        places = self._places_of(keys)
        losses = Losses()
        if self._backfill.model is not None:
            made: dict[Any, Any] = {}
            for part in self._parts():
                yield
                named = dict(zip(keys[part], rows[part], strict=True))
                made.update(modelled(self._backfill.model, named, losses.errors))
            keys, rows = list(made), list(made.values())
        last_key = key_of(self.cursor) or _object(self.cursor).get("after") or ()
        known = (places, [*self.keys, self._versions], self._backfill, target, losses)
        if self._batch is None:  # nobody else made it in a pause
            self._batch = Batch(tuple(rows), tuple(keys), tuple(last_key), *known)
        yield

    def _places_of(self, keys: list[Any]) -> dict[Any, int]:
        places = dict(zip(keys, range(self.paged), strict=True))
        if len(places) < self.paged:
            raise BackfillError(
                f"two rows of {self._target.shown} have keys that are the same in Python, though not in the database",
                where=f"in a page of {self.paged} rows of the step {self._backfill.name}; nothing of it was changed",
                todo="write the change in SQL, sql=, or walk by other columns: key=[…]",
            )
        return places

    def _parts(self) -> Iterator[slice]:
        """Yield which rows make a part, one part after the other."""
        count = max(1, _PART // len(self._fields))
        return (slice(start, start + count) for start in range(0, self.paged, count))

    @property
    def last(self) -> bool:
        """Whether nothing is left of the walk behind it, in this pass."""
        return self.scanned < self.asked and "after" not in _object(self.cursor)


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """Consecutive rows by key that satisfy `where`, as the client decodes rows, or as the backfill's `model`.

    `keys` are theirs, in the same order: the value of the key column, or the tuple of them. `cursor` is the last key
    that was scanned, as JSON has it: texts and numbers.

    `_places` tells where the row of a key stands in `_fixed`, the columns that rows are known by, as Postgres has them:
    those of the key, and the version.
    """

    rows: tuple[M, ...]
    keys: tuple[Any, ...]
    cursor: tuple[Any, ...]
    _places: dict[Any, int]
    _fixed: list[Column]
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
        give_way()
        places = [*map(self._places.get, changes)]
        if None in places:
            self._of_this("update", next(key for key in changes if key not in self._places))
        known, values = cast("list[int]", places), [*changes.values()]
        alike = _alike(values)
        if alike is not None:
            self._check_columns(alike)
            return [self._statement(known, alike)]
        return [self._statement(*group) for group in self._groups(known, values)]

    def _groups(
        self, places: list[int], values: list[Mapping[str, Any]]
    ) -> Iterator[tuple[list[int], dict[str, list[Any]]]]:
        """Yield the places of the rows that set the same columns, and these."""
        groups: dict[tuple[str, ...], list[tuple[int, Mapping[str, Any]]]] = {}
        ordered: dict[tuple[str, ...], list[tuple[int, Mapping[str, Any]]]] = {}
        for place, each in zip(places, values, strict=True):
            rows = ordered.get(tuple(each))
            if rows is None:
                self._check_columns(each)
                rows = ordered[tuple(each)] = groups.setdefault(tuple(sorted(each)), [])
            rows.append((place, each))
        for names, rows in groups.items():
            if names:
                yield [place for place, _ in rows], {name: [each[name] for _, each in rows] for name in names}

    def _check_columns(self, columns: Iterable[str]) -> None:
        for column in columns:
            if column not in self._target.types:
                raise BackfillError(
                    f"the table {self._target.shown} has no column {column!r}",
                    where=f"in the step {self._backfill.name}",
                    todo=nearest(column, self._target.types),
                )

    def _of_this(self, method: str, key: Any) -> None:
        if key not in self._places:
            raise BackfillError(
                f"batch.{method}() was given the key {key!r}, which is no row of this batch",
                where=f"in the step {self._backfill.name}",
                todo="take the keys from batch.keys; a key of several columns is a tuple",
            )

    def _statement(self, places: list[int], columns: dict[str, list[Any]]) -> Statement:
        """Return the statement that sets these columns of the rows at `places`."""
        give_way()
        names, fixed = tuple(sorted(columns)), self._fixed
        if places != [*self._places.values()]:
            fixed = [[column[place] for place in places] for column in fixed]
        arrays = (*fixed, *(encode_column(columns[name]) for name in names))
        give_way()
        return Statement(write_back(self._backfill, self._target, names), tuple(map(encode, arrays)))


def read_page(result: Result[Cells], asked: int, backfill: Backfill, target: Target) -> Page:
    """Return the page that was read by the statement of `page_text.page`, having been asked for so many rows."""
    rows, width = result.rows, len(result.fields)
    scanned, cursor, version = rows[0][:_EXTRA]
    cells = [*chain.from_iterable(rows)]
    # The first row is none of the table's, unless the page is read in another way.
    columns = [cells[width * (version is None) + place :: width] for place in range(_EXTRA - 1, width)]
    size, paged = sum(map(_length, columns)), len(columns[0])
    page = (asked, int(scanned or 0), cursor, size + paged, paged)
    return Page(*page, result.fields[_EXTRA:], columns[0], columns[1:], backfill, target)


def _length(column: Column) -> int:
    """Return how long the texts of a column are together."""
    try:
        return len("".join(column))  # type: ignore[arg-type]  # a NULL among them is the error that is caught
    except TypeError:
        return sum(map(len, filter(None, column)))


def _alike(values: list[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
    """Return what is set as columns, where all rows set the same ones; None where they do not, or that is unknown."""
    if set(map(type, values)) != {dict}:  # what is none may invent what it does not have
        return None
    names = values[0].keys()
    if not names or set(map(len, values)) != {len(names)}:
        return None
    try:
        return {name: [*map(itemgetter(name), values)] for name in names}
    except KeyError:
        return None


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
