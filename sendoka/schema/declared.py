"""SQLAlchemy's side of reading a schema: texts, types and names, and a loud refusal of what no kind manages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import DefaultClause, Enum, exc, text
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import next_value

from sendoka.errors import SchemaError
from sendoka.quoting import literal
from sendoka.schema.model import PUBLIC, Expression
from sendoka.schema.names import MAX_NAME, default_name
from sendoka.schema.sqltype import SqlType, named_type
from sendoka.schema.typenames import user_type_name

if TYPE_CHECKING:
    from sqlalchemy import Column, Constraint, Index, Table
    from sqlalchemy.types import TypeEngine

__all__ = [
    "checked_name",
    "comment_of",
    "constraint_text",
    "default_of",
    "domain_of",
    "expression_of",
    "is_created",
    "is_named",
    "namespace_of",
    "native_enum",
    "next_of",
    "options_of",
    "query_of",
    "refuse",
    "serial_column",
    "text_of",
    "type_of",
]

T = TypeVar("T")

# `named` is the paramstyle that leaves percent signs alone.
_DIALECT = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
_COMPILER = _DIALECT.ddl_compiler(_DIALECT, None)  # type: ignore[arg-type]  # no statement: it writes expressions
_COLLATE = re.compile(r' COLLATE (?P<name>"(?:[^"]|"")+"|\S+)$')


def refuse(what: str, where: str, todo: str = "") -> SchemaError:
    """Return the error for something that SQLAlchemy can declare and no kind manages."""
    return SchemaError(f"{what} is not managed yet", where=f"in {where}", todo=todo)


def namespace_of(table: Table) -> str:
    """Return the namespace of a table."""
    return checked_name(table.schema or PUBLIC, "the namespace of a table")


def checked_name(name: str, what: str) -> str:
    """Return `name` as plain text. Raises SchemaError for one that Postgres would cut or cannot hold."""
    if not name or "\0" in name:
        raise SchemaError(f"{name!r} cannot be the name of {what}")
    length = len(name.encode())
    if length > MAX_NAME:
        raise SchemaError(
            f"the name of {what} has {length} bytes, and Postgres would cut it at {MAX_NAME}",
            where=name,
            todo="give it a shorter name",
        )
    return str(name)


def text_of(element: Any, where: str) -> str:
    """Return the SQL of a column expression, values in place. Raises SchemaError where Postgres' dialect has none."""
    try:
        written: str = _COMPILER.sql_compiler.process(element, include_table=False, literal_binds=True)
    except (exc.CompileError, exc.ArgumentError, NotImplementedError) as error:
        raise SchemaError(f"an expression cannot be written as SQL: {error}", where=f"in {where}") from error
    if not written.strip():
        raise SchemaError("an expression is empty", where=f"in {where}")
    return written.strip()


def comment_of(text: object, where: str) -> str | None:
    """Return a declared comment; None for an empty one, which Postgres does not keep. Raises SchemaError."""
    if text is None or text == "":
        return None
    if not isinstance(text, str) or "\0" in text:
        raise SchemaError(f"{text!r} cannot be a comment", where=f"in {where}")
    return text


def expression_of(element: Any, where: str) -> Expression | None:
    """Return the expression that `element` (text, or one of SQLAlchemy's) declares; None for None."""
    if element is None:
        return None
    return Expression(declared=text_of(text(element) if isinstance(element, str) else element, where))


def constraint_text(constraint: Constraint, where: str) -> str:
    """Return what SQLAlchemy writes for a constraint, without its name. Raises SchemaError."""
    try:
        written = str(_COMPILER.process(constraint))
    except (exc.SQLAlchemyError, NotImplementedError) as error:
        raise SchemaError(f"a constraint cannot be written as SQL: {error}", where=f"in {where}") from error
    return re.sub(r'^CONSTRAINT (?:"(?:[^"]|"")+"|\S+) ', "", written.strip())


def query_of(query: Any, where: str) -> Expression:
    """Return a query, text or one of SQLAlchemy's, with its values in place. Raises SchemaError."""
    if isinstance(query, str):
        written = query
    else:
        try:
            written = str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
        except (AttributeError, exc.SQLAlchemyError, NotImplementedError) as error:
            raise SchemaError(f"a query cannot be written as SQL: {error}", where=f"in {where}") from error
    written = written.strip().rstrip("; \t\r\n")
    if not written:
        raise SchemaError("a query is empty", where=f"in {where}")
    return Expression(declared=written)


def default_of(column: Column[Any], where: str) -> Expression | None:
    """Return the server's default of a column; None for a value that is generated otherwise. Raises SchemaError."""
    default = column.server_default
    if column is serial_column(column.table):
        return next_of(namespace_of(column.table), default_name(column.table.name, column.name, "seq"))
    if default is None or column.identity is not None or column.computed is not None:
        return None
    if not isinstance(default, DefaultClause):
        raise refuse(f"the default {type(default).__name__}", where)
    value: Any = default.arg
    if isinstance(value, next_value):
        return next_of(value.sequence.schema or PUBLIC, value.sequence.name)
    return Expression(declared=literal(value)) if isinstance(value, str) else expression_of(value, where)


def serial_column(table: Table) -> Column[Any] | None:
    """Return the column for which SQLAlchemy writes SERIAL: an integer primary key that says nothing else."""
    column = table.autoincrement_column
    plain = column is not None and column.server_default is None and column.identity is None
    return column if plain and getattr(column, "default", None) is None else None


def next_of(namespace: str, sequence: str) -> Expression:
    """Return the default that takes a sequence's next number, as Postgres spells it."""
    text = f"nextval({literal(user_type_name(namespace, sequence))}::regclass)"
    return Expression(declared=text, canonical=text)


def type_of(declared: TypeEngine[Any], where: str) -> tuple[str, str | None]:
    """Return a type as Postgres spells it, and its collation if it names one.

    What is neither built in nor an enum nor a domain is an extension's: `public.vector(3)`. Raises SchemaError for a
    type that Postgres' dialect cannot write.
    """
    try:
        written = declared.compile(dialect=_DIALECT)
    except (exc.CompileError, exc.UnsupportedCompilationError) as error:
        raise SchemaError(f"the type {declared!r} cannot be written for Postgres", where=f"in {where}") from error
    collate = _COLLATE.search(written)
    named = native_enum(declared) or domain_of(declared)
    if named is not None:
        array = "[]" if written.endswith("]") else ""
        return user_type_name(named.schema or PUBLIC, str(named.name), array), None
    canonical = named_type(written[: collate.start()] if collate else written)
    if canonical is None:
        raise refuse(f"the type {written}", where, 'write it as SQL names it: sql_type("vector(3)")')
    return canonical, getattr(declared, "collation", None) or _inner_collation(declared)


def native_enum(declared: TypeEngine[Any]) -> Enum | None:
    """Return the enum that a type is, holds or is made of, where it is one of Postgres' own; else None."""
    seen = _inner(declared, Enum)
    return seen if seen is not None and seen.native_enum else None


def domain_of(declared: TypeEngine[Any]) -> DOMAIN | None:
    """Return the domain that a type is, holds or is made of; else None."""
    return _inner(declared, DOMAIN)


def is_named(declared: TypeEngine[Any]) -> bool:
    """Tell whether a type is, holds or is made of a `sql_type`."""
    return _inner(declared, SqlType) is not None


def _inner(declared: TypeEngine[Any], wanted: type[T]) -> T | None:
    seen: Any = declared
    while seen is not None and not isinstance(seen, wanted):
        seen = getattr(seen, "item_type", None) or getattr(seen, "impl", None)
    return seen


def _inner_collation(declared: TypeEngine[Any]) -> str | None:
    inner = getattr(declared, "item_type", None) or getattr(declared, "impl", None)
    collation = getattr(inner, "collation", None)
    return collation if isinstance(collation, str) else None


def is_created(item: Any) -> bool:
    """Tell whether SQLAlchemy would create the constraint on Postgres; a type's own check may be for others only."""
    rule = getattr(item, "_create_rule", None)
    return rule is None or bool(rule(_COMPILER))


def _is_given(value: Any) -> bool:
    """Tell whether an option is set; an expression has no truth of its own."""
    return isinstance(value, ClauseElement) or bool(value)


def options_of(item: Constraint | Index | Table, managed: frozenset[str], where: str) -> dict[str, Any]:
    """Return the `postgresql_*` options of an item that are set. Raises SchemaError for one not in `managed`."""
    values = item.dialect_options["postgresql"]
    given = {name: values[name] for name in values if _is_given(values[name])}
    for name in given:
        if name not in managed:
            raise refuse(f"postgresql_{name}", where)
    return given
