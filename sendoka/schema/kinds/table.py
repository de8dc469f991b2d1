"""Tables: what stands inside one (columns, constraints, indexes) are kinds of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.errors import SchemaError
from sendoka.quoting import qualified
from sendoka.schema.declared import checked_name, comment_of, expression_of, namespace_of, options_of, refuse
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._options import changed_options, listed_options, options_in_catalog
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import PUBLIC, Expression, Id, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import same
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table as Declared

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Table", "TableKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Object):
    """A table. With `row_security` its policies count, for all but its owner unless that is forced too.

    `partition_by` is `LIST (a)` and the like; a partition is `partition_of` another table, by (namespace, name), for
    what `bound` says, and has no columns of its own. `inherits` are the tables whose columns it has too.
    `options` are its storage parameters, `name=value`, in order; rows of one that is `unlogged` do not outlive a crash.
    `replica_identity` is how a subscriber is told which row is meant: by the primary key where it is None, by `full`
    rows, by `nothing`, or by an `index` that says so itself.
    """

    kind = "table"
    is_relation = True
    partition_by: Expression | None = None
    partition_of: tuple[str, str] | None = None
    bound: Expression | None = None
    inherits: tuple[tuple[str, str], ...] = ()
    unlogged: bool = False
    options: tuple[str, ...] = ()
    row_security: bool = False
    forced_row_security: bool = False
    replica_identity: str | None = None

    @property
    def above(self) -> tuple[tuple[str, str], ...]:
        """(namespace, name) of the tables whose columns it has too."""
        return (*self.inherits, *((self.partition_of,) if self.partition_of else ()))


class TableKind(Kind[Table]):
    """CREATE TABLE and its kin."""

    name = "table"
    rank = 10
    holds = Table
    claims = ("relation:r", "relation:p")
    reads: ClassVar[tuple[type[Any], ...]] = (Table,)
    has_parts = True
    renames_on_answer = True
    catalog = f"""
        select c.nspname as namespace, c.relname as name, z.description as comment,
               case when c.relkind = 'p' then
                    json_build_object('canonical', pg_get_partkeydef(c.oid)) end as partition_by,
               case when c.relispartition then json_build_object('canonical',
                    pg_get_expr(c.relpartbound, c.oid)) end as bound,
               case when c.relispartition then o.parents -> 0 end as partition_of,
               case when c.relispartition then '[]' else coalesce(o.parents, '[]') end as inherits,
               c.relpersistence = 'u' as unlogged,
               {options_in_catalog("c")} as options,
               c.relrowsecurity as row_security, c.relforcerowsecurity as forced_row_security,
               case c.relreplident when 'f' then 'full' when 'n' then 'nothing' when 'i' then 'index' end
                    as replica_identity
          from relations c {described("pg_class", "c.oid")}
               cross join lateral (
                    select json_agg(json_build_array(n.nspname, p.relname) order by i.inhseqno) as parents
                      from pg_inherits i join pg_class p on p.oid = i.inhparent
                           join pg_namespace n on n.oid = p.relnamespace
                     where i.inhrelid = c.oid) o
         where c.relkind in ('r', 'p') order by c.nspname, c.relname"""
    unmanaged = """
        select 'table ' || c.nspname || '.' || c.relname || ' ' || o.what
          from relations c, lateral (values
               ('has a tablespace', c.reltablespace <> 0),
               ('is of a type', c.reloftype <> 0),
               ('has an access method', c.relam not in (0, (select oid from pg_am where amname = 'heap')))) o(what, met)
         where c.relkind in ('r', 'p') and o.met"""

    def declared(self, declarations: Declarations) -> Iterator[Table]:
        """Read the tables themselves, and those that are declared as objects, as partitions are."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            where = f"table {table.fullname}"
            given = options_of(table, frozenset({"ignore_search_path", "with", "partition_by", "inherits"}), where)
            prefixes = [str(each).upper() for each in table._prefixes]  # it has no public name
            if prefixes not in ([], ["UNLOGGED"]):
                raise refuse("the prefix " + " ".join(prefixes), where)
            yield Table(
                name=checked_name(table.name, "a table"),
                namespace=namespace_of(table),
                comment=comment_of(table.comment, where),
                partition_by=expression_of(given.get("partition_by"), where),
                inherits=_parents(given.get("inherits")),
                unlogged=bool(prefixes),
                options=listed_options(given.get("with") or {}),
                row_security=bool(_row_security(table)),
                forced_row_security=_row_security(table) == "forced",
                replica_identity=_replica_identity(table),
            )

    def create(self, new: Table, parts: Sequence[str]) -> list[Step]:
        """Return CREATE TABLE with its columns and constraints."""
        body = "".join(f"\n    {part}," for part in parts).removesuffix(",")
        kind = "UNLOGGED TABLE" if new.unlogged else "TABLE"
        options = f" WITH ({', '.join(new.options)})" if new.options else ""
        body = f"({body}\n)" if parts else "()"
        if new.partition_of is not None:
            bound = new.bound.text if new.bound else "DEFAULT"
            body = f"PARTITION OF {qualified(*new.partition_of)} {body if parts else ''}{' ' if parts else ''}{bound}"
        inherits = f" INHERITS ({', '.join(qualified(*each) for each in new.inherits)})" if new.inherits else ""
        by = f" PARTITION BY {new.partition_by.text}" if new.partition_by else ""
        made = Step(f"CREATE {kind} {qualified(new.namespace, new.name)} {body}{inherits}{by}{options}")
        identity = [_identified(new)] if new.replica_identity in {"full", "nothing"} else []
        return [made, *_secured(new, new.row_security, new.forced_row_security), *identity]

    def label(self, obj: Table) -> str:
        """Return TABLE and its name."""
        return f"TABLE {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: Table, model: Model) -> Iterator[Id]:
        """Yield its namespace, and the tables that it is a part of or has columns of."""
        yield Id("namespace", "", "", obj.namespace)
        yield from (Id("table", namespace, "", name) for namespace, name in obj.above)
        for expression in (obj.partition_by, obj.bound):
            if expression is not None:
                yield from routines_in(expression.text, model)

    def moved(self, obj: Table, renaming: Renaming) -> Table:
        """Return it under its new name, and those of the tables it is a part of and has columns of."""
        return replace(
            renaming.placed(obj),
            partition_by=renamed_in(obj.partition_by, renaming, obj.namespace, obj.name),
            partition_of=None if obj.partition_of is None else renaming.place(*obj.partition_of),
            inherits=tuple(renaming.place(*each) for each in obj.inherits),
            bound=renamed_in(obj.bound, renaming, obj.namespace, obj.name),
        )

    def freeing(self, old: Table, model: Model) -> list[Step]:
        """Return DETACH PARTITION where foreign keys point at the table that it is a part of: they hold it."""
        above, place = set(), old.partition_of
        while place is not None:
            above.add(place)
            parent = model.objects.get(Id("table", place[0], "", place[1]))
            place = parent.partition_of if isinstance(parent, Table) else None
        keys = (each for each in model if each.kind == "foreign-key") if above else ()
        if old.partition_of is None or not any((key.target_namespace, key.target) in above for key in keys):  # type: ignore[attr-defined]
            return []
        parent_name, name = qualified(*old.partition_of), qualified(old.namespace, old.name)
        return [Step(f"ALTER TABLE {parent_name} DETACH PARTITION {name}")]

    def holds_data(self, obj: Table) -> bool:
        """Return true."""
        return True

    def alter(self, old: Table, new: Table, changed: frozenset[str]) -> list[Step] | None:
        """Return SET LOGGED and its kin, storage parameters, and what counts for whom of row level security.

        A partition is let go and taken in again for another bound; how rows are told apart cannot change.
        """
        if changed & {"partition_by", "partition_of", "inherits"}:
            return None
        table = f"ALTER TABLE {qualified(new.namespace, new.name)}"
        steps = []
        if "bound" in changed and new.partition_of is not None and new.bound is not None:
            parent, name = f"ALTER TABLE {qualified(*new.partition_of)}", qualified(new.namespace, new.name)
            why = f"{new.id.address} is no part of its table for a moment, and all its rows are read under a lock"
            hazard = Hazard("attach", new.id.address, why)
            steps.append(Step(f"{parent} ATTACH PARTITION {name} {new.bound.text}", (hazard,)))
        if "unlogged" in changed:
            why = f"every row of {new.id.address} is written again under an exclusive lock"
            hazard = Hazard("rewrite", new.id.address, why)
            steps.append(Step(f"{table} SET {'UNLOGGED' if new.unlogged else 'LOGGED'}", (hazard,)))
        if "options" in changed:
            steps += [Step(text) for text in changed_options(table, old.options, new.options)]
        if "replica_identity" in changed and new.replica_identity != "index":
            steps.append(_identified(new))
        return steps + _secured(new, "row_security" in changed, "forced_row_security" in changed)

    def opening(self, old: Table, new: Table) -> list[Step]:
        """Return DETACH PARTITION where the bound changes: another may take its place first."""
        if new.partition_of is None or old.partition_of != new.partition_of or same(old.bound, new.bound):
            return []
        parent, name = f"ALTER TABLE {qualified(*new.partition_of)}", qualified(new.namespace, new.name)
        return [Step(f"{parent} DETACH PARTITION {name}")]

    def loss(self, old: Table) -> Hazard:
        """Return the loss of all its rows."""
        address = old.id.address
        return Hazard("drop-table", address, f"the table {address} is dropped with all its rows", asks=True)

    def relation(self, obj: Table) -> str:
        """Return its name."""
        return obj.name


def _parents(inherits: object) -> tuple[tuple[str, str], ...]:
    """Return what `postgresql_inherits` names: one table or several."""
    if not inherits:
        return ()
    names = inherits if isinstance(inherits, list | tuple) else (inherits,)
    parts = [str(name).rpartition(".") for name in names]
    return tuple((namespace or PUBLIC, name) for namespace, _, name in parts)


def _identified(table: Table) -> Step:
    words = (table.replica_identity or "default").upper()
    return Step(f"ALTER TABLE {qualified(table.namespace, table.name)} REPLICA IDENTITY {words}")


def _secured(table: Table, row_security: bool, forced: bool) -> list[Step]:
    """Return the steps that say again what of the two changed."""
    words = []
    if row_security:
        words.append("ENABLE" if table.row_security else "DISABLE")
    if forced:
        words.append("FORCE" if table.forced_row_security else "NO FORCE")
    name = qualified(table.namespace, table.name)
    return [Step(f"ALTER TABLE {name} {each} ROW LEVEL SECURITY") for each in words]


def _row_security(table: Declared) -> object:
    """Return what `info={"row_security": True}`, or `"forced"`, says."""
    said = table.info.get("row_security", False)
    if said not in {True, False, "forced"}:
        todo = 'write info={"row_security": True}, or "forced" for the owner too'
        raise SchemaError(f"row_security={said!r} says nothing", where=f"in table {table.fullname}", todo=todo)
    return said


def _replica_identity(table: Declared) -> str | None:
    """Return what `info={"replica_identity": "full"}` says, of the table or of an index or key of it."""
    said = table.info.get("replica_identity")
    if said not in {None, "full", "nothing"}:
        todo = 'write "full" or "nothing", or info={"replica_identity": True} of an index'
        raise SchemaError(f"replica_identity={said!r} says nothing", where=f"in table {table.fullname}", todo=todo)
    by_index = any(each.info.get("replica_identity") for each in (*table.indexes, *table.constraints))
    return "index" if by_index else said


kind = TableKind()
