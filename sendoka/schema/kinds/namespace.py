"""Namespaces: what Postgres calls schemas. `public` is always there and is never created or dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.database.home import NAMESPACE
from sendoka.errors import SchemaError
from sendoka.quoting import ident
from sendoka.schema.declared import checked_name, namespace_of
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.model import PUBLIC, Object
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Id, Model

__all__ = ["Namespace", "NamespaceKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace(Object):
    """A namespace. Its own `namespace` is empty: it stands in none."""

    kind = "namespace"
    namespace: str = ""


class NamespaceKind(Kind[Namespace]):
    """CREATE SCHEMA and its kin."""

    name = "namespace"
    rank = 0
    holds = Namespace
    renames_on_answer = True
    reads: ClassVar[tuple[type[Any], ...]] = (Namespace,)
    catalog = f"""
        select n.nspname as name, z.description as comment
          from namespaces n {described("pg_namespace", "n.oid")} where n.nspname <> 'public' order by n.nspname"""
    unmanaged = """
        select 'namespace public has a comment'
          from pg_description d
         where d.classoid = 'pg_namespace'::regclass and d.objoid = to_regnamespace('public')
           and d.description <> 'standard public schema'
        union all select 'namespace drizzle is where drizzle keeps its history'
          from pg_namespace n join pg_class c on c.relnamespace = n.oid
         where n.nspname = 'drizzle' and c.relname = '__drizzle_migrations'
        union all select 'namespace public is not there' where to_regnamespace('public') is null"""

    def declared(self, declarations: Declarations) -> Iterator[Namespace]:
        """Read the namespaces that the tables stand in, and those declared by themselves."""
        declared = list(declarations.of_class(Namespace))
        known = {each.name for each in declared}
        stood_in = sorted({namespace_of(table) for table in declarations.tables} - known - {PUBLIC})
        found = [*declared, *(Namespace(name=name) for name in stood_in)]
        for each in found:
            _check(each, declarations.tables)
        return iter(sorted(found, key=lambda each: each.name))

    def create(self, new: Namespace, parts: Sequence[str]) -> list[Step]:
        """Return CREATE SCHEMA."""
        return [Step(f"CREATE SCHEMA {ident(new.name)}")]

    def label(self, obj: Namespace) -> str:
        """Return SCHEMA and its name."""
        return f"SCHEMA {ident(obj.name)}"

    def needs(self, obj: Namespace, model: Model) -> Iterator[Id]:
        """Yield nothing."""
        return iter(())

    def moved(self, obj: Namespace, renaming: Renaming) -> Namespace:
        """Return it under its new name."""
        return replace(obj, name=renaming.name(obj.id))


def _check(namespace: Namespace, tables: Sequence[Table]) -> None:
    name = checked_name(namespace.name, "a namespace")
    if name == PUBLIC:
        raise SchemaError("the namespace public is always there, and not declared", todo="take it out of declare()")
    if name == NAMESPACE or name.startswith("pg_") or name == "information_schema":
        raise SchemaError(
            f"the namespace {name} is not yours", where=_tables_in(name, tables), todo="choose another schema="
        )


def _tables_in(name: str, tables: Sequence[Table]) -> str:
    return "in " + (", ".join(table.name for table in tables if table.schema == name) or "declare()")


kind = NamespaceKind()
