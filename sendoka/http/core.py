"""SQLAlchemy's statements as text and parameters; the one module of the client that imports SQLAlchemy.

A statement is compiled as SQLAlchemy's own dialect for asyncpg compiles it: `$1, $2, …`, each cast to its type. What a
type does to a value on the way in (JSON, Enum, a TypeDecorator) is done; on the way out cells are decoded by
their OIDs as for every other statement, so that a column has one Python type however its statement was written.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from sqlalchemy import Delete, FunctionElement, Insert, Select, TextClause, Update
from sqlalchemy.dialects.postgresql import BIT, Range, ranges
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import SelectBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Column
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler

__all__ = ["from_core", "is_core"]

_STATEMENTS = (SelectBase, Insert, Update, Delete, TextClause, FunctionElement, ExecutableDDLElement)


def is_core(value: object) -> TypeGuard[ClauseElement]:
    """Tell whether `value` is something of SQLAlchemy's expression language."""
    return isinstance(value, ClauseElement)


def from_core(statement: ClauseElement, params: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return the text and the parameters of a statement; `params` is empty or one dict, for its `bindparam`s.

    Raises TypeError for what is no statement, or for parameters of another kind; ValueError for what SQLAlchemy cannot
    compile, a `bindparam` without a value, or a value that its type refuses.
    """
    if not isinstance(statement, _STATEMENTS):
        raise TypeError(f"{type(statement).__name__} is a part of a statement; put it into select(), insert(), …")
    named = _named(params)
    try:
        return _compiled(statement, named)
    except SQLAlchemyError as error:
        raise ValueError(f"SQLAlchemy cannot compile this statement: {error}") from error


def _named(params: tuple[object, ...]) -> dict[str, object]:
    if not params:
        return {}
    if len(params) == 1 and isinstance(params[0], dict):
        return dict(params[0])
    raise TypeError(
        "a SQLAlchemy statement has its values in it; what may follow is one dict, the values of its bindparam()s. "
        "Many rows go into insert(…).values([…])"
    )


def _compiled(statement: Any, named: dict[str, object]) -> tuple[str, tuple[object, ...]]:
    if isinstance(statement, ExecutableDDLElement):
        return _ddl(statement, named), ()
    if isinstance(statement, FunctionElement):
        statement = statement.select()
    if isinstance(statement, Select) and any("entity" in column for column in statement.column_descriptions):
        statement = _without_joins(statement)
    if isinstance(statement, Insert | Update):
        # Otherwise an INSERT returns a generated key that nobody asked for, as SQLAlchemy's own engine needs it.
        statement = statement.inline()
    keys = list(named) if named and isinstance(statement, Insert | Update) else None
    compiled = statement.compile(dialect=_dialect(), column_keys=keys)
    _check_names(compiled.binds, named)
    state = compiled.construct_expanded_state({**_defaults(compiled), **named})
    return state.statement, _values(compiled, state)


def _without_joins(statement: Select[Any]) -> Select[Any]:
    """Return a SELECT of mapped classes without the joins that their relationships would add: rows stay rows."""
    from sqlalchemy.orm import lazyload

    return statement.options(lazyload("*"))


def _ddl(statement: ExecutableDDLElement, named: Mapping[str, object]) -> str:
    _check_names((), named)
    return str(statement.compile(dialect=_dialect())).strip()


def _check_names(bound: Iterable[str], named: Mapping[str, object]) -> None:
    unknown = set(named) - set(bound)
    if unknown:
        raise TypeError(f"the statement takes no value named {', '.join(map(repr, sorted(unknown)))}")


def _values(compiled: SQLCompiler, state: ExpandedState) -> tuple[object, ...]:
    processors: dict[str, Callable[[Any], Any] | None] = dict(state.processors)
    for bound, name in compiled.bind_names.items():
        if name not in state.parameter_expansion:
            processors[name] = bound.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
    return tuple(_sent(name, state.parameters[name], processors.get(name)) for name in state.positiontup or ())


def _sent(name: str, value: object, processor: Callable[[Any], Any] | None) -> object:
    """Return a value as its SQLAlchemy type wants it sent."""
    if processor is None:
        return value
    try:
        return processor(value)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ValueError(f"parameter {name!r}: {error}") from error


def _defaults(compiled: SQLCompiler) -> dict[str, object]:
    """Return the values of columns that are filled in by Python: `Column(default=…)`, `Column(onupdate=…)`."""
    found = {column.key: _default(column, column.default) for column in compiled.insert_prefetch}
    return found | {column.key: _default(column, column.onupdate) for column in compiled.update_prefetch}


def _default(column: Column[Any], default: Any) -> object:
    return default.arg(_NoContext(column.key)) if default.is_callable else default.arg


class _NoContext:
    """What a default's function is given where SQLAlchemy's engine gives its execution context; most ignore it."""

    def __init__(self, column: str) -> None:
        self._column = column

    def __getattr__(self, name: str) -> NoReturn:
        raise TypeError(f"the default of column {self._column!r} asks SQLAlchemy's engine for .{name}; give the value")


class _Ranges(ranges.AbstractSingleRangeImpl[Any]):
    """A range as Postgres writes it; SQLAlchemy's own makes objects of asyncpg of it."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: str(value) if isinstance(value, Range) else value


class _MultiRanges(ranges.AbstractMultiRangeImpl[Any]):
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: "{" + ",".join(map(str, value)) + "}" if isinstance(value, list) else value


class _Bits(BIT):
    render_bind_cast = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda value: None if value is None else str(value)


class _Text(PGDialect_asyncpg):
    """SQLAlchemy's dialect for asyncpg, for parameters that travel as text and without asyncpg."""

    supports_statement_cache = True
    colspecs = {  # noqa: RUF012 - SQLAlchemy's own name and form
        **PGDialect_asyncpg.colspecs,
        ranges.AbstractSingleRange: _Ranges,
        ranges.AbstractMultiRange: _MultiRanges,
        BIT: _Bits,
    }


@cache
def _dialect() -> Dialect:
    return _Text()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects have no types
