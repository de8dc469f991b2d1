"""What primary keys and uniques share: columns kept distinct by an index of the same name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sendoka.quoting import ident, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import _constraint as constraint
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._inherited import own_and_passed_on
from sendoka.schema.kinds._marks import MARKS, declared_marks, marks, marks_changed, unmarked
from sendoka.schema.model import Id, Member
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

    from sendoka.schema.model import Model, Object

__all__ = ["Key", "KeyKind", "catalog_of", "timing"]

# Whether nulls are distinct is read through JSON, for Postgres 14 has no such column.
_KEYS = f"""keys as (
    select k.contype, k.conparentid <> 0 as passed_on, k.namespace, k."table", k.conname as name,
           (select json_agg(a.attname order by c.place) from unnest(k.conkey) with ordinality c(number, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number) as columns,
           coalesce((select json_agg(a.attname order by c.place)
              from unnest(i.indkey::int2[]) with ordinality c(number, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number
             where c.place > i.indnkeyatts), '[]') as include,
           k.condeferrable as "deferrable", k.condeferred as initially_deferred,
           {MARKS}, z.description as comment, case when k.contype = 'u' then coalesce(
                (to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) end as nulls_not_distinct
      from constraints k join pg_index i on i.indexrelid = k.conindid {described("pg_constraint", "k.oid")}
     where k.contype in ('p', 'u') order by k.namespace, k."table", k.conname)"""
_COLUMNS = """namespace, "table", name, columns, include, "deferrable", initially_deferred, clustered,
           replica_identity, comment"""


def catalog_of(contype: str, *, more: str = "") -> tuple[str, str]:
    """Return the SELECTs of the keys of one type, by `pg_constraint.contype`, with `more` columns.

    The first is of those that tables have by themselves, the second of what partitions have from their tables.
    """
    return own_and_passed_on("keys", _COLUMNS + more, f"contype = '{contype}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Member):
    """Columns that are distinct together, and columns that ride along in the index.

    CLUSTER orders rows by one that is `clustered`; a `replica_identity` tells subscribers which row is meant.
    """

    columns: tuple[str, ...]
    include: tuple[str, ...] = ()
    deferrable: bool = False
    initially_deferred: bool = False
    clustered: bool = False
    replica_identity: bool = False


K = TypeVar("K", bound=Key)


def timing(declared: PrimaryKeyConstraint | UniqueConstraint) -> dict[str, Any]:
    """Return when SQLAlchemy says the constraint is checked, and what its index is used for."""
    deferred = str(declared.initially or "").upper() == "DEFERRED"
    when = {"deferrable": bool(declared.deferrable) or deferred, "initially_deferred": deferred}
    return {**when, **declared_marks(declared.info)}


class KeyKind(Kind[K]):
    """ADD CONSTRAINT … PRIMARY KEY or UNIQUE, and their kin. `words` come before the columns."""

    renames_freely = True
    renames_if_alterable = True
    ground = _KEYS
    unmanaged = constraint.UNMANAGED

    def words(self, key: K) -> str:
        """Return PRIMARY KEY or UNIQUE."""
        raise NotImplementedError

    def part(self, new: K) -> str:
        """Return the constraint's clause."""
        include = f" INCLUDE {constraint.columns_list(new.include)}" if new.include else ""
        when = constraint.deferring(new.deferrable, new.initially_deferred)
        columns = constraint.columns_list(new.columns)
        return f"CONSTRAINT {ident(new.name)} {self.words(new)} {columns}{include}{when}"

    def merges(self, new: K) -> object:
        """Return the columns: of two keys of the same ones Postgres makes the first alone."""
        return new.columns

    def create(self, new: K, parts: Sequence[str]) -> list[Step]:
        """Return ALTER TABLE … ADD CONSTRAINT."""
        return [Step(constraint.add(new, self.part(new)))]

    def afterwards(self, new: K) -> list[Step]:
        """Return what its index is used for."""
        return marks(new)

    def alter(self, old: K, new: K, changed: frozenset[str]) -> list[Step] | None:
        """Return what its index is used for, where only that changes."""
        return marks_changed(new, changed) if changed <= {"clustered", "replica_identity"} else None

    def opening(self, old: K, new: K) -> list[Step]:
        """Return SET WITHOUT CLUSTER."""
        return unmarked(old, new)

    def drop(self, old: K) -> str:
        """Return ALTER TABLE … DROP CONSTRAINT."""
        return constraint.drop(old)

    def label(self, obj: K) -> str:
        """Return CONSTRAINT and its name."""
        return constraint.label(obj)

    def needs(self, obj: K, model: Model) -> Iterator[Id]:
        """Yield its table and its columns."""
        return constraint.column_ids(obj.namespace, obj.table, (*obj.columns, *obj.include), model)

    def moved(self, obj: K, renaming: Renaming) -> K:
        """Return it with the new names of its table and columns."""
        place = (obj.namespace, obj.table)
        return replace(
            renaming.placed(obj),
            columns=renaming.columns_of(*place, obj.columns),
            include=renaming.columns_of(*place, obj.include),
        )

    def rename(self, old: K, new: K) -> str:
        """Return ALTER TABLE … RENAME CONSTRAINT, which renames the index as well."""
        return constraint.rename(old, new)

    def risks(self, new: K, model: Model) -> tuple[Hazard, ...]:
        """Return the lock while the index is built."""
        why = f"{new.table} is locked, for reading too, while the index is built; it fails on equal values"
        return (Hazard(f"add-{self.name}", new.id.address, why),)

    def online(self, new: K, model: Model) -> list[Step] | None:
        """Return the index by itself, and the constraint that takes it; not for a partitioned table."""
        if constraint.is_partitioned(model, new.namespace, new.table):
            return None
        name, columns = ident(new.name), constraint.columns_list(new.columns)
        include = f" INCLUDE {constraint.columns_list(new.include)}" if new.include else ""
        nulls = " NULLS NOT DISTINCT" if "NULLS NOT DISTINCT" in self.words(new) else ""
        index = f"{name} ON {qualified(new.namespace, new.table)} {columns}{include}{nulls}"
        kind = self.words(new).removesuffix(nulls)
        clause = f"CONSTRAINT {name} {kind} USING INDEX {name}"
        when = constraint.deferring(new.deferrable, new.initially_deferred)
        made = f"CREATE UNIQUE INDEX CONCURRENTLY {index}"
        built = constraint.built(new.namespace, new.name)
        return [Step(made, done_when=built), Step(f"{constraint.add(new, clause)}{when}")]

    def relation(self, obj: K) -> str:
        """Return the name of its index."""
        return obj.name

    def survives(self, obj: K, old: Object, new: Object) -> bool:
        """Return true: Postgres builds the index again by itself."""
        return True
