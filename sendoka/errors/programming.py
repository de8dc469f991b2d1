"""Postgres judged the statement: it cannot be right here, against this database or in this transaction."""

from __future__ import annotations

from typing import ClassVar

from sendoka.errors.base import Outcome
from sendoka.errors.reported import JUDGED, DatabaseError

__all__ = [
    "ActiveSqlTransaction",
    "AmbiguousColumn",
    "DatatypeMismatch",
    "DependentObjectsStillExist",
    "DuplicateColumn",
    "DuplicateObject",
    "DuplicateTable",
    "FeatureNotSupported",
    "IndeterminateDatatype",
    "InsufficientPrivilege",
    "InvalidColumnReference",
    "InvalidSchemaName",
    "InvalidTransactionState",
    "NoActiveSqlTransaction",
    "PostgresSyntaxError",
    "ProgrammingError",
    "RaiseException",
    "ReadOnlyTransaction",
    "TransactionTimeout",
    "UndefinedColumn",
    "UndefinedFunction",
    "UndefinedObject",
    "UndefinedParameter",
    "UndefinedTable",
]


class ProgrammingError(DatabaseError):
    """The statement cannot be right against this database, or (08P01) got more or fewer parameters than it has `$n`.

    What to do: mend the statement, or migrate the database; sending it again changes nothing.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = JUDGED
    sqlstates: ClassVar[tuple[str, ...]] = ("42",)


class PostgresSyntaxError(ProgrammingError):
    """The statement is not SQL as Postgres reads it. `.position` counts characters from 1.

    What to do: mend the text. Names that come from data go in by `ident()`, values by parameters.
    """

    sqlstates = ("42601",)


class UndefinedTable(ProgrammingError):
    """The table, view or sequence does not exist, or not in the `search_path`.

    What to do: check the name and its namespace; migrate if it is new.
    """

    sqlstates = ("42P01",)


class UndefinedColumn(ProgrammingError):
    """The column does not exist.

    What to do: check the name; migrate if it is new.
    """

    sqlstates = ("42703",)


class UndefinedFunction(ProgrammingError):
    """No function or operator takes arguments of these types.

    What to do: check the name, and cast the parameters whose type Postgres cannot guess: `$1::int`.
    """

    sqlstates = ("42883",)


class UndefinedObject(ProgrammingError):
    """A type, role, index, constraint or setting does not exist.

    What to do: check the name; a type may need its extension.
    """

    sqlstates = ("42704",)


class UndefinedParameter(ProgrammingError):
    """The statement uses a `$n` in a place that takes no parameters, as in DDL.

    What to do: write the value into the text, by `literal()`.
    """

    sqlstates = ("42P02",)


class IndeterminateDatatype(ProgrammingError):
    """Postgres cannot tell which type a parameter is to have.

    What to do: cast it: `$1::text`.
    """

    sqlstates = ("42P18",)


class DatatypeMismatch(ProgrammingError):
    """An expression has another type than its place needs: text for an integer column, branches of a CASE that differ.

    What to do: cast the expression.
    """

    sqlstates = ("42804",)


class AmbiguousColumn(ProgrammingError):
    """More than one table of the statement has a column of this name.

    What to do: write it with its table: `orgs.id`.
    """

    sqlstates = ("42702",)


class InvalidColumnReference(ProgrammingError):
    """ON CONFLICT names columns that no unique index has, or ORDER BY what the select list does not allow.

    What to do: name exactly the columns of a unique index, and its WHERE where it has one.
    """

    sqlstates = ("42P10",)


class InvalidSchemaName(ProgrammingError):
    """The namespace (`CREATE SCHEMA`) does not exist.

    What to do: check the name; migrate if it is new.
    """

    sqlstates = ("3F000",)


class DuplicateTable(ProgrammingError):
    """A relation (table, view, index, sequence) of this name is there already.

    What to do: choose another name, or write `if not exists`.
    """

    sqlstates = ("42P07",)


class DuplicateColumn(ProgrammingError):
    """The table has a column of this name already, or the statement names one twice.

    What to do: leave it out, or write `add column if not exists`.
    """

    sqlstates = ("42701",)


class DuplicateObject(ProgrammingError):
    """A type, role, constraint, trigger or policy of this name is there already.

    What to do: choose another name, or drop the old one first.
    """

    sqlstates = ("42710",)


class InsufficientPrivilege(ProgrammingError):
    """The role lacks a grant, or a row-level security policy refuses the row.

    What to do: grant it, or connect as another role; for row-level security check the claims that were set.
    """

    sqlstates = ("42501",)


class InvalidTransactionState(DatabaseError):
    """The statement does not go with the transaction it stands in.

    What to do: see the kinds below.
    """

    outcomes: ClassVar[tuple[Outcome, ...]] = JUDGED
    sqlstates: ClassVar[tuple[str, ...]] = ("25",)


class ActiveSqlTransaction(InvalidTransactionState):
    """A command that manages its own transactions (CREATE INDEX CONCURRENTLY, VACUUM) stood in a list.

    What to do: send it by itself: `await sql("create index concurrently …")`.
    """

    sqlstates = ("25001",)


class NoActiveSqlTransaction(InvalidTransactionState):
    """A command that needs a transaction (SAVEPOINT, LOCK TABLE, DECLARE) was sent by itself.

    What to do: put it into a list, together with what it is for.
    """

    sqlstates = ("25P01",)


class ReadOnlyTransaction(InvalidTransactionState):
    """A write met a read-only transaction, or a replica.

    What to do: leave `read_only=True` out, or connect to the endpoint that takes writes.
    """

    sqlstates = ("25006",)


class TransactionTimeout(InvalidTransactionState):
    """`transaction_timeout` passed; the server ended the connection with it.

    What to do: make the transaction shorter, or the time longer.
    """

    outcomes = (Outcome.UNKNOWN,)
    sqlstates = ("25P04",)


class FeatureNotSupported(DatabaseError):
    """Postgres cannot do this, or not in this place or version.

    What to do: write it another way.
    """

    outcomes = JUDGED
    sqlstates = ("0A",)


class DependentObjectsStillExist(DatabaseError):
    """Something that others depend on was to be dropped. `.detail` lists them.

    What to do: drop those first; `cascade` drops them all.
    """

    outcomes = JUDGED
    sqlstates = ("2BP01",)


class RaiseException(DatabaseError):
    """A function of the database said RAISE EXCEPTION, without a code of its own.

    What to do: what its own message says.
    """

    outcomes = JUDGED
    sqlstates = ("P0001",)
