"""Tables: what stands inside one (columns, constraints, indexes) are kinds of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import SchemaError
from sendoka.quoting import ident, qualified
from sendoka.schema.declared import checked_name, comment_of, namespace_of, options_of, refuse
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._options import changed_options, listed_options
from sendoka.schema.model import Id, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table as Declared

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Table", "TableKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Object):
    """An ordinary table. With `row_security` its policies count, for all but its owner unless that is forced too.

    `options` are its storage parameters, `name=value`, in order; rows of one that is `unlogged` do not outlive a crash.
    """

    kind = "table"
    is_relation = True
    unlogged: bool = False
    options: tuple[str, ...] = ()
    row_security: bool = False
    forced_row_security: bool = False


class TableKind(Kind[Table]):
    """CREATE TABLE and its kin."""

    name = "table"
    rank = 10
    holds = Table
    claims = ("relation:r",)
    has_parts = True
    renames_on_answer = True
    catalog = f"""
        select t.namespace, t.name, z.description as comment,
               c.relpersistence = 'u' as unlogged,
               coalesce((select json_agg(o order by o) from unnest(c.reloptions) o), '[]') as options,
               c.relrowsecurity as row_security, c.relforcerowsecurity as forced_row_security
          from tables t join pg_class c on c.oid = t.oid {described("pg_class", "t.oid")}
         order by t.namespace, t.name"""
    unmanaged = """
        select 'table ' || t.namespace || '.' || t.name || ' ' || o.what
          from tables t join pg_class c on c.oid = t.oid, lateral (values
               ('has a tablespace', c.reltablespace <> 0),
               ('has storage options of its TOAST table', exists (
                    select from pg_class o where o.oid = c.reltoastrelid and o.reloptions is not null)),
               ('has a replica identity', c.relreplident <> 'd'), ('is of a type', c.reloftype <> 0),
               ('has an access method', c.relam <> (select oid from pg_am where amname = 'heap')),
               ('inherits', exists (select from pg_inherits i where i.inhrelid = c.oid))) o(what, met)
         where o.met"""

    def declared(self, declarations: Declarations) -> Iterator[Table]:
        """Read the tables themselves."""
        for table in declarations.tables:
            where = f"table {table.fullname}"
            given = options_of(table, frozenset({"ignore_search_path", "with"}), where)
            prefixes = [str(each).upper() for each in table._prefixes]  # it has no public name
            if prefixes not in ([], ["UNLOGGED"]):
                raise refuse("the prefix " + " ".join(prefixes), where)
            yield Table(
                name=checked_name(table.name, "a table"),
                namespace=namespace_of(table),
                comment=comment_of(table.comment, where),
                unlogged=bool(prefixes),
                options=listed_options(given.get("with") or {}),
                **_row_security(table),
            )

    def create(self, new: Table, parts: Sequence[str]) -> list[Step]:
        """Return CREATE TABLE with its columns and constraints."""
        body = "".join(f"\n    {part}," for part in parts).removesuffix(",")
        kind = "UNLOGGED TABLE" if new.unlogged else "TABLE"
        options = f" WITH ({', '.join(new.options)})" if new.options else ""
        body = f"{body}\n" if parts else ""
        made = Step(f"CREATE {kind} {qualified(new.namespace, new.name)} ({body}){options}")
        return [made, *_secured(new, new.row_security, new.forced_row_security)]

    def drop(self, old: Table) -> str:
        """Return DROP TABLE."""
        return f"DROP TABLE {qualified(old.namespace, old.name)}"

    def label(self, obj: Table) -> str:
        """Return TABLE and its name."""
        return f"TABLE {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: Table, model: Model) -> Iterator[Id]:
        """Yield its namespace."""
        yield Id("namespace", "", "", obj.namespace)

    def moved(self, obj: Table, renaming: Renaming) -> Table:
        """Return it under its new name."""
        return renaming.placed(obj)

    def rename(self, old: Table, new: Table) -> str:
        """Return ALTER TABLE … RENAME."""
        return f"ALTER TABLE {qualified(old.namespace, old.name)} RENAME TO {ident(new.name)}"

    def holds_data(self, obj: Table) -> bool:
        """Return true."""
        return True

    def alter(self, old: Table, new: Table, changed: frozenset[str]) -> list[Step]:
        """Return SET LOGGED and its kin, storage parameters, and what counts for whom of row level security."""
        table = f"ALTER TABLE {qualified(new.namespace, new.name)}"
        steps = []
        if "unlogged" in changed:
            why = f"every row of {new.id.address} is written again under an exclusive lock"
            hazard = Hazard("rewrite", new.id.address, why)
            steps.append(Step(f"{table} SET {'UNLOGGED' if new.unlogged else 'LOGGED'}", (hazard,)))
        if "options" in changed:
            steps += [Step(text) for text in changed_options(table, old.options, new.options)]
        return steps + _secured(new, "row_security" in changed, "forced_row_security" in changed)

    def loss(self, old: Table) -> Hazard:
        """Return the loss of all its rows."""
        address = old.id.address
        return Hazard("drop-table", address, f"the table {address} is dropped with all its rows", asks=True)

    def relation(self, obj: Table) -> str:
        """Return its name."""
        return obj.name


def _secured(table: Table, row_security: bool, forced: bool) -> list[Step]:
    """Return the steps that say again what of the two changed."""
    words = []
    if row_security:
        words.append("ENABLE" if table.row_security else "DISABLE")
    if forced:
        words.append("FORCE" if table.forced_row_security else "NO FORCE")
    name = qualified(table.namespace, table.name)
    return [Step(f"ALTER TABLE {name} {each} ROW LEVEL SECURITY") for each in words]


def _row_security(table: Declared) -> dict[str, bool]:
    """Return what `info={"row_security": True}`, or `"forced"`, says."""
    said = table.info.get("row_security", False)
    if said not in {True, False, "forced"}:
        todo = 'write info={"row_security": True}, or "forced" for the owner too'
        raise SchemaError(f"row_security={said!r} says nothing", where=f"in table {table.fullname}", todo=todo)
    return {"row_security": bool(said), "forced_row_security": said == "forced"}


kind = TableKind()
