"""What a backfill is: `backfill(…)` with SQL, or as a decorator of a step in Python."""

from __future__ import annotations

import codecs
import hashlib
import inspect
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from sendoka.backfills.declared import check_names, fragment, is_name, one_change, wrong
from sendoka.backfills.models import check_model
from sendoka.backfills.words import words
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from typing import TypeAlias

    from sendoka.backfills.batch import Batch

    Step = Callable[[Any, Batch[Any]], Awaitable[Any]]
    Keys: TypeAlias = "Iterable[Any] | Path | Callable[..., AsyncIterator[Any]] | None"
    After: TypeAlias = "str | Backfill | Sequence[str | Backfill]"

__all__ = ["ORDERS", "Backfill", "Undecorated", "backfill", "checksum_of", "script_name"]

DATED = re.compile(r"\d{4}_\d{2}_\d{2}_(?P<name>.+)")
"""A script's name: the day it was written, and the name of its backfill."""

ORDERS = ("key", "created", "strided")
"""By the key, in the order in which rows were made, or in strides over one of these."""


def script_name(stem: str) -> str:
    """Return the backfill's name that a file's name carries: `2026_04_22_message_tenants` gives `message_tenants`."""
    dated = DATED.fullmatch(stem)
    return dated["name"] if dated else stem


@dataclass(frozen=True, slots=True, eq=False)
class Backfill:
    """One declared change of the rows of a table. Made by `backfill()`.

    `key` and `columns` are empty where they are left to the table: its primary key, all its columns. Exactly one of
    `sql` and `step` is there. `verify` is a query that counts what is left to do; without it the rows that satisfy
    `where` are counted. `order` is None where it is left to the runner, `model` what a step's rows are made into, None
    for rows as they are. `after` are the backfills that must be done first. `module` is where it was declared.
    Only some rows of the table are walked where `source`, a SELECT of keys, or `keys` is there: a tuple, a path of a
    CSV file, or a function. `ahead` is whether a step is called while the batch before is still on its way.
    """

    table: str
    where: str | None
    key: tuple[str, ...]
    columns: tuple[str, ...]
    sql: str | None
    step: Step | None = field(repr=False)
    verify: str | None
    module: str
    given_name: str | None = None
    order: str | None = None
    model: Any = None
    after: tuple[str | Backfill, ...] = ()
    source: str | None = None
    keys: Any = None
    ahead: bool = True

    @property
    def name(self) -> str:
        """The name given, or that of the step, or of the variable that holds it. Raises InvalidBackfill for none."""
        if self.given_name:
            return self.given_name
        module = sys.modules.get(self.module)
        for name, value in vars(module).items() if module else ():
            if value is self:
                return name
        raise InvalidBackfill(
            f"this backfill of {self.table} has no name",
            todo="assign it to a variable of its module, or give backfill(…, name=…)",
        )

    @property
    def after_names(self) -> tuple[str, ...]:
        """The names of the backfills that must be done first."""
        return tuple(each.name if isinstance(each, Backfill) else each for each in self.after)

    @property
    def chosen(self) -> bool:
        """Whether only some rows of the table are walked, those of `source` or `keys`."""
        return self.source is not None or self.keys is not None

    @property
    def predicate(self) -> str:
        """`where`, or `true` for every row."""
        return self.where or "true"

    def __call__(self, *_arguments: object) -> object:
        """Raise InvalidBackfill: it was used as a decorator although it has its change in sql=."""
        raise wrong("it has both sql= and a step; a backfill has one of them", self.table)

    def checksum(self) -> str:
        """Return the sha256 of the file that declares it, line endings and BOM apart, or of the declaration."""
        file = getattr(sys.modules.get(self.module), "__file__", None)
        if file and Path(file).is_file():
            return checksum_of(Path(file))
        parts = (self.table, self.where, self.key, self.columns, self.sql, self.verify, _source(self.step))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def checksum_of(script: Path) -> str:
    """Return the checksum of a script: the same on every system, whatever its line endings."""
    text = script.read_bytes().removeprefix(codecs.BOM_UTF8)
    return hashlib.sha256(text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).hexdigest()


def _source(step: Step | None) -> str:
    return step.__code__.co_code.hex() if inspect.isfunction(step) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Undecorated:
    """A backfill without `sql=` that still waits for its step: what `@backfill(…)` stands on."""

    table: str
    where: str | None
    key: tuple[str, ...]
    columns: tuple[str, ...]
    verify: str | None
    name: str | None
    order: str | None = None
    model: Any = None
    after: tuple[str | Backfill, ...] = ()
    source: str | None = None
    keys: Any = None
    ahead: bool = True

    def __call__(self, step: Step) -> Backfill:
        """Return the backfill whose change is `step`. Raises InvalidBackfill for what is no step."""
        self._check(step)
        fixed = (self.table, self.where, self.key, self.columns, None, step, self.verify)
        return Backfill(
            *fixed,
            step.__module__,
            self.name or step.__name__,
            self.order,
            self.model,
            self.after,
            self.source,
            self.keys,
            self.ahead,
        )

    def _check(self, step: Step) -> None:
        if not callable(step):
            raise wrong("a backfill has either sql= or a step: backfill(…, sql='update …') or @backfill(…)", self.table)
        shown = getattr(step, "__name__", repr(step))
        if not inspect.iscoroutinefunction(step):
            raise wrong(f"the step {shown} must be an async function", self.table)
        try:
            inspect.signature(step).bind(None, None)
        except TypeError:
            raise wrong(f"the step {shown} must take two arguments, (sql, batch)", self.table) from None


@overload
def backfill(
    *,
    table: str,
    sql: str,
    source: str | None = None,
    keys: Keys = None,
    where: str | None = None,
    key: str | Sequence[str] = (),
    columns: Sequence[str] = (),
    verify: str | None = None,
    order: str | None = None,
    after: After = (),
    name: str | None = None,
) -> Backfill: ...


@overload
def backfill(
    *,
    table: str,
    source: str | None = None,
    keys: Keys = None,
    where: str | None = None,
    key: str | Sequence[str] = (),
    columns: Sequence[str] = (),
    verify: str | None = None,
    order: str | None = None,
    model: Any = None,
    after: After = (),
    ahead: bool = True,
    name: str | None = None,
) -> Undecorated: ...


def backfill(
    *,
    table: str,
    sql: str | None = None,
    source: str | None = None,
    keys: Keys = None,
    where: str | None = None,
    key: str | Sequence[str] = (),
    columns: Sequence[str] = (),
    verify: str | None = None,
    order: str | None = None,
    model: Any = None,
    after: After = (),
    ahead: bool = True,
    name: str | None = None,
) -> Backfill | Undecorated:
    """Declare a backfill: with `sql=`, or as a decorator of `async def step(sql, batch)`.

    table: the table whose rows are walked, `messages` or `app.messages`; names as Postgres stores them.
    sql: one INSERT, UPDATE or DELETE, without RETURNING, that reads the relation `page`: the batch's rows, locked.
    source: a SELECT that returns the columns of the key: only those rows of the table are walked, each once.
    keys: the keys of the rows to be walked, stored once when a run begins: a list of values (tuples for a key of
        several columns), the Path of a CSV file whose first line names the columns of the key, or an async generator
        function, called with the client where it takes an argument.
    where: which rows are still to be changed. The change must make it false.
    key: the columns to walk by, by default the primary key; together unique and never null.
    columns: what `page`, or a batch's rows, hold beside the key; by default all columns.
    verify: a query that counts what is left to do, where counting the rows of `where` does not say it.
    order: `key`, `created` or `strided`, where the one that the runner chooses by table and cache is not wanted.
    model: what the rows of a step's batch are made into: a dataclass, TypedDict, NamedTuple, pydantic model or msgspec
        Struct, or a function of a row. A row that it refuses becomes a dead letter.
    after: backfills that must be done before this one begins: their names, or what `backfill()` returned for them.
    ahead: whether the step may be called for a page while the batch before it is still on its way. False for one that
        reads what the batch before wrote, as a number that goes on.
    name: where the variable, or the step, is not called as the backfill should be.

    A step returns `batch.update({…})`, queries made by `sql(…)`, a list of them, or None. Raises InvalidBackfill at
    once for what cannot be right.
    """
    module = sys._getframe(1).f_globals.get("__name__", "")  # the only way to learn who declares
    by = (key,) if isinstance(key, str) else tuple(key)
    if isinstance(columns, str):
        raise wrong(f"columns= is a list of names, not the text {columns!r}", table)
    _check_order(order, by, table)
    declared = _checked(table, where, by, tuple(columns), verify)
    _check_model(model, sql, table)
    _check_ahead(ahead, sql, table)
    before = _checked_after(after, table)
    chosen = _checked_choice(source, keys, order, table)
    if sql is None:
        return Undecorated(*declared, name, order, model, before, *chosen, ahead)
    table, where, by, names, verify = declared
    return Backfill(
        table, where, by, names, one_change(sql, table), None, verify, module, name, order, None, before, *chosen
    )


def _checked(
    table: str, where: str | None, key: tuple[str, ...], columns: tuple[str, ...], verify: str | None
) -> tuple[str, str | None, tuple[str, ...], tuple[str, ...], str | None]:
    if not is_name(table) or not all(table.split(".")) or table.count(".") > 1:
        raise InvalidBackfill(f"table= is the name of a table, or namespace.table, not {table!r}")
    check_names("key", key, table)
    check_names("columns", columns, table)
    where, verify = fragment("where", where, table), fragment("verify", verify, table)
    _check_end(where, verify, table)
    return table, where, key, columns, verify


def _check_order(order: object, key: tuple[str, ...], table: str) -> None:
    if order is not None and order not in ORDERS:
        raise wrong(f"order= is one of {', '.join(ORDERS)}, not {order!r}", table)
    if order == "created" and key:
        raise wrong("key= is an order by itself, so order='created' says another one", table, "give one of them")


def _check_ahead(ahead: object, sql: str | None, table: str) -> None:
    if not isinstance(ahead, bool):
        raise wrong(f"ahead= is True or False, not {ahead!r}", table)
    if sql is not None and not ahead:
        raise wrong("ahead= is for a step, and sql= has none: its batches are never ahead of each other", table)


def _checked_choice(source: str | None, keys: Keys, order: str | None, table: str) -> tuple[str | None, Any]:
    """Return `source` without its end, and `keys` as they are kept."""
    if source is not None and keys is not None:
        raise wrong("it has both source= and keys=; give one of them", table)
    if order not in {None, "key"} and (source, keys) != (None, None):
        raise wrong(f"rows that source= or keys= choose are walked by their key, not by order={order!r}", table)
    source = fragment("source", source, table)
    if source is not None and next(words(source)) not in {"select", "with", "values", "("}:
        raise wrong("source= is a SELECT that returns the columns of the key: select id from …", table)
    if keys is None or isinstance(keys, Path) or callable(keys):
        return source, keys
    if isinstance(keys, str | bytes) or not hasattr(keys, "__iter__"):
        raise wrong(
            f"keys= is a list, a Path of a CSV file or an async generator function, not {keys!r}",
            table,
            "a SELECT of keys is source=; a generator that was called already can be read only once: give its function",
        )
    return source, tuple(keys)


def _checked_after(after: After, table: str) -> tuple[str | Backfill, ...]:
    found: tuple[Any, ...] = (after,) if isinstance(after, str | Backfill) else tuple(after)
    if not all(isinstance(each, Backfill) or is_name(each) for each in found):
        raise wrong(f"after= holds names of backfills, or backfills, not {found!r}", table)
    return found


def _check_model(model: object, sql: str | None, table: str) -> None:
    if model is None:
        return
    if sql is not None:
        raise wrong("model= is for the rows of a step, and sql= has none", table)
    try:
        check_model(model)
    except TypeError as error:
        raise wrong(f"model={error}", table) from None


def _check_end(where: str | None, verify: str | None, table: str) -> None:
    """Refuse what would not say when it is done."""
    if where is None and verify is None:
        raise wrong(
            "nothing says when it is done",
            table,
            "give where= (the rows still to be changed), or verify= (a query that counts what is left)",
        )
    if verify is not None and next(words(verify)) not in {"select", "with"}:
        raise wrong("verify= is a query that returns one number: select count(*) from …", table)
