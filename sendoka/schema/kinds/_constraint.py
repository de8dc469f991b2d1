"""What all constraints share: how they are added, dropped, renamed and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.declared import checked_name
from sendoka.schema.model import Id, Member
from sendoka.schema.names import default_name
from sendoka.schema.spelling import mentions
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Constraint, Table

    from sendoka.schema.model import Expression, Model
    from sendoka.schema.step import Hazard

__all__ = [
    "UNMANAGED",
    "add",
    "alter_table",
    "built",
    "column_ids",
    "columns_list",
    "constraint_name",
    "deferring",
    "drop",
    "in_two",
    "is_partitioned",
    "label",
    "mentioned_ids",
    "rename",
]

UNMANAGED = """
        select 'constraint ' || k.namespace || '.' || k."table" || '.' || k.conname || ' ' || o.what
          from constraints k, lateral (values
               ('is about periods', coalesce((to_jsonb(k) ->> 'conperiod')::bool, false)),
               ('is not enforced', not coalesce((to_jsonb(k) ->> 'conenforced')::bool, true))) o(what, met)
         where o.met"""
"""The SELECT of what constraints have and no property covers, the same for all kinds of them."""


def alter_table(constraint: Member) -> str:
    """Return `ALTER TABLE …` for the table it stands in."""
    return f"ALTER TABLE {qualified(constraint.namespace, constraint.table)}"


def add(constraint: Member, clause: str) -> str:
    """Return the statement that adds the constraint."""
    return f"{alter_table(constraint)} ADD {clause}"


def drop(constraint: Member) -> str:
    """Return the statement that drops the constraint."""
    return f"{alter_table(constraint)} DROP CONSTRAINT {ident(constraint.name)}"


def label(constraint: Member) -> str:
    """Return CONSTRAINT and its name, as COMMENT ON wants it."""
    return f"CONSTRAINT {ident(constraint.name)} ON {qualified(constraint.namespace, constraint.table)}"


def rename(old: Member, new: Member) -> str:
    """Return the statement that renames the constraint."""
    return f"{alter_table(old)} RENAME CONSTRAINT {ident(old.name)} TO {ident(new.name)}"


def columns_list(names: Iterable[str]) -> str:
    """Return `("a", "b")`."""
    return f"({', '.join(map(ident, names))})"


def column_ids(namespace: str, table: str, names: Iterable[str], model: Model) -> Iterator[Id]:
    """Yield the ids of a table and of its columns, inherited ones too."""
    yield Id("table", namespace, "", table)
    wanted = set(names)
    yield from (each.id for each in model.columns(namespace, table) if each.name in wanted)


def mentioned_ids(constraint: Member, expression: Expression, model: Model) -> Iterator[Id]:
    """Yield the ids of a constraint's table and of the columns that its expression may speak of."""
    columns = model.columns(constraint.namespace, constraint.table)
    names = [each.name for each in columns if mentions(expression, each.name)]
    yield from column_ids(constraint.namespace, constraint.table, names, model)


def deferring(deferrable: bool, initially_deferred: bool) -> str:
    """Return the words for when the constraint is checked; none for at once."""
    if not deferrable:
        return ""
    return " DEFERRABLE INITIALLY DEFERRED" if initially_deferred else " DEFERRABLE"


def in_two(constraint: Member, clause: str, hazard: Hazard) -> list[Step]:
    """Return ADD … NOT VALID, which reads no row, and VALIDATE, which reads them all while they can be written."""
    text = f"{alter_table(constraint)} VALIDATE CONSTRAINT {ident(constraint.name)}"
    return [Step(f"{add(constraint, clause)} NOT VALID"), Step(text, (hazard,), apart=True)]


def built(namespace: str, index: str) -> str:
    """Return the query that tells whether an index is there, and whole."""
    name = literal(qualified(namespace, index))
    return f"select exists (select from pg_index where indexrelid = to_regclass({name}) and indisvalid)"


def is_partitioned(model: Model, namespace: str, table: str) -> bool:
    """Tell whether a table consists of partitions: Postgres has no ways around locks for those."""
    found = model.objects.get(Id("table", namespace, "", table))
    return getattr(found, "partition_by", None) is not None


def constraint_name(constraint: Constraint, table: Table, columns: Iterable[str], label: str) -> str:
    """Return the declared name, else the one Postgres would give."""
    if isinstance(constraint.name, str):
        return checked_name(constraint.name, f"a constraint of {table.fullname}")
    return default_name(table.name, "_".join(columns), label)
