"""Foreign keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKeyConstraint

from sendoka.errors import SchemaError
from sendoka.quoting import ident, qualified
from sendoka.schema.declared import comment_of, namespace_of, options_of
from sendoka.schema.hazards import located
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import _constraint as constraint
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._inherited import own_and_passed_on
from sendoka.schema.kinds._key import Key
from sendoka.schema.kinds._type import changes_family
from sendoka.schema.kinds.index import Index
from sendoka.schema.model import PUBLIC, Id, Member, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model
    from sendoka.schema.step import Place

__all__ = ["ForeignKey", "ForeignKeyKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey(Member):
    """Columns that point at a key of another table.

    Actions are Postgres' words; `set_columns` are those that SET NULL and SET DEFAULT on delete touch, all if empty.
    """

    kind = "foreign-key"
    columns: tuple[str, ...]
    target_namespace: str = PUBLIC
    target: str
    target_columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    set_columns: tuple[str, ...] = ()
    match: str = "SIMPLE"
    deferrable: bool = False
    initially_deferred: bool = False
    not_valid: bool = False


# What a key to a partitioned table has to each partition stands in one table with it, and is left out.
_KEYS = f"""foreign_keys as (
    select p.oid is not null as passed_on, k.namespace, k."table", k.conname as name,
           (select json_agg(a.attname order by c.place) from unnest(k.conkey) with ordinality c(number, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number) as columns,
           n.nspname as target_namespace, f.relname as target,
           (select json_agg(a.attname order by c.place) from unnest(k.confkey) with ordinality c(number, place)
              join pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.number) as target_columns,
           w.action[strpos('arcnd', k.confupdtype::text)] as on_update,
           w.action[strpos('arcnd', k.confdeltype::text)] as on_delete,
           coalesce((select json_agg(a.attname order by c.place)
              from jsonb_array_elements_text(nullif(to_jsonb(k) -> 'confdelsetcols', 'null'))
                   with ordinality c(number, place)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number::int2), '[]') as set_columns,
           case k.confmatchtype when 'f' then 'FULL' when 'p' then 'PARTIAL' else 'SIMPLE' end as match,
           k.condeferrable as "deferrable", k.condeferred as initially_deferred, not k.convalidated as not_valid,
           z.description as comment
      from constraints k join pg_class f on f.oid = k.confrelid join pg_namespace n on n.oid = f.relnamespace
           left join pg_constraint p on p.oid = k.conparentid {described("pg_constraint", "k.oid")},
           (values (array['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'])) w(action)
     where k.contype = 'f' and p.conrelid is distinct from k.conrelid
     order by k.namespace, k."table", k.conname)"""
_COLUMNS = """namespace, "table", name, columns, target_namespace, target, target_columns, on_update, on_delete,
           set_columns, match, "deferrable", initially_deferred, not_valid, comment"""


class ForeignKeyKind(Kind[ForeignKey]):
    """FOREIGN KEY (…) REFERENCES …: always a statement of its own, so tables may point at each other."""

    name = "foreign-key"
    rank = 70
    holds = ForeignKey
    claims = ("constraint:f",)
    reads = (ForeignKeyConstraint, ForeignKey)
    renames_freely = True
    renames_if_alterable = True
    ground = _KEYS
    catalog, inherited = own_and_passed_on("foreign_keys", _COLUMNS)
    unmanaged = constraint.UNMANAGED

    def declared(self, declarations: Declarations) -> Iterator[ForeignKey]:
        """Read the foreign keys, those declared by themselves first, in order of their names."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            keys = (_declared(each, table) for each in table.foreign_key_constraints)
            yield from sorted(keys, key=lambda key: key.name)

    def create(self, new: ForeignKey, parts: Sequence[str]) -> list[Step]:
        """Return ALTER TABLE … ADD CONSTRAINT."""
        return [Step(constraint.add(new, _clause(new)))]

    def drop(self, old: ForeignKey) -> str:
        """Return ALTER TABLE … DROP CONSTRAINT."""
        return constraint.drop(old)

    def label(self, obj: ForeignKey) -> str:
        """Return CONSTRAINT and its name."""
        return constraint.label(obj)

    def needs(self, obj: ForeignKey, model: Model) -> Iterator[Id]:
        """Yield both tables, both sides' columns, and the key it points at."""
        yield from constraint.column_ids(obj.namespace, obj.table, obj.columns, model)
        yield from constraint.column_ids(obj.target_namespace, obj.target, obj.target_columns, model)
        target = Id("table", obj.target_namespace, "", obj.target)
        wanted = set(obj.target_columns)
        yield from (key.id for key in model.members(target, Key) if set(key.columns) == wanted)
        yield from (
            index.id for index in model.members(target, Index) if index.unique and set(index.plain_columns) == wanted
        )

    def moved(self, obj: ForeignKey, renaming: Renaming) -> ForeignKey:
        """Return it with the new names on both sides."""
        own, other = (obj.namespace, obj.table), (obj.target_namespace, obj.target)
        target_namespace, target = renaming.place(*other)
        return replace(
            renaming.placed(obj),
            columns=renaming.columns_of(*own, obj.columns),
            set_columns=renaming.columns_of(*own, obj.set_columns),
            target_namespace=target_namespace,
            target=target,
            target_columns=renaming.columns_of(*other, obj.target_columns),
        )

    def rename(self, old: ForeignKey, new: ForeignKey) -> str:
        """Return ALTER TABLE … RENAME CONSTRAINT."""
        return constraint.rename(old, new)

    def alter(self, old: ForeignKey, new: ForeignKey, changed: frozenset[str]) -> list[Step] | None:
        """Return ALTER CONSTRAINT and VALIDATE CONSTRAINT where they are enough."""
        if not changed <= {"deferrable", "initially_deferred", "not_valid"} or (new.not_valid and not old.not_valid):
            return None
        steps = []
        if changed & {"deferrable", "initially_deferred"}:
            when = constraint.deferring(new.deferrable, new.initially_deferred) or " NOT DEFERRABLE"
            when += " INITIALLY IMMEDIATE" if new.deferrable and not new.initially_deferred else ""
            steps.append(Step(f"{constraint.alter_table(new)} ALTER CONSTRAINT {ident(new.name)}{when}"))
        if "not_valid" in changed:
            text = f"{constraint.alter_table(new)} VALIDATE CONSTRAINT {ident(new.name)}"
            steps.append(Step(text, (_validated(new),)))
        return steps

    def online(self, new: ForeignKey, model: Model) -> list[Step] | None:
        """Return ADD CONSTRAINT … NOT VALID, which older servers have not for a partitioned table, and VALIDATE."""
        if constraint.is_partitioned(model, new.namespace, new.table):
            return None
        return constraint.in_two(new, _clause(new), _validated(new))

    def locks(self, obj: ForeignKey, model: Model) -> tuple[Place, ...]:
        """Return its table and the one that it points at."""
        return tuple(dict.fromkeys([(obj.namespace, obj.table), (obj.target_namespace, obj.target)]))

    def survives(self, obj: ForeignKey, old: Object, new: Object) -> bool:
        """Return false where a column's type becomes another, on either side."""
        return not changes_family(old, new)

    def risks(self, new: ForeignKey, model: Model) -> tuple[Hazard, ...]:
        """Return the look-up of all rows under a lock on both tables, which NOT VALID spares."""
        if new.not_valid:
            return ()
        why = f"{new.table} and {new.target} cannot be written while all rows are looked up"
        instead = "--online, or postgresql_not_valid=True now and without it in the next migration, which validates"
        return (Hazard("add-foreign-key", new.id.address, why, instead=instead),)


def _validated(new: ForeignKey) -> Hazard:
    why = f"all rows of {new.table} are looked up in {new.target}; both can be written meanwhile"
    # Of the table that it points at, it keeps nothing but another change of its columns.
    return located(Hazard("validate", new.id.address, why), ((new.namespace, new.table),))


def _clause(key: ForeignKey) -> str:
    target = f"{qualified(key.target_namespace, key.target)} {constraint.columns_list(key.target_columns)}"
    match = f" MATCH {key.match}" if key.match != "SIMPLE" else ""
    update = f" ON UPDATE {key.on_update}" if key.on_update != "NO ACTION" else ""
    delete = f" ON DELETE {key.on_delete}" if key.on_delete != "NO ACTION" else ""
    delete += f" {constraint.columns_list(key.set_columns)}" if key.set_columns else ""
    when = constraint.deferring(key.deferrable, key.initially_deferred)
    valid = " NOT VALID" if key.not_valid else ""
    columns = constraint.columns_list(key.columns)
    return f"CONSTRAINT {ident(key.name)} FOREIGN KEY {columns} REFERENCES {target}{match}{update}{delete}{when}{valid}"


_ACTION = re.compile(r"(?P<action>NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)(?:\s*\((?P<columns>[^)]+)\))?", re.I)


def _action(text: str | None, where: str) -> tuple[str, tuple[str, ...]]:
    match = _ACTION.fullmatch((text or "NO ACTION").strip())
    if match is None:
        raise SchemaError(f"{text!r} is no action of a foreign key", where=f"in {where}")
    columns = (name.strip() for name in (match["columns"] or "").split(","))
    return match["action"].upper(), tuple(name.strip('"') for name in columns if name)


def _declared(key: ForeignKeyConstraint, table: Table) -> ForeignKey:
    where = f"a foreign key of {table.fullname}"
    given = options_of(key, frozenset({"not_valid"}), where)
    columns = tuple(column.name for column in key.columns)
    target = key.referred_table
    deferred = str(key.initially or "").upper() == "DEFERRED"
    on_delete, set_columns = _action(key.ondelete, where)
    return ForeignKey(
        name=constraint.constraint_name(key, table, columns, "fkey"),
        namespace=namespace_of(table),
        table=table.name,
        columns=columns,
        target_namespace=namespace_of(target),
        target=target.name,
        target_columns=tuple(element.column.name for element in key.elements),
        on_update=_action(key.onupdate, where)[0],
        on_delete=on_delete,
        set_columns=set_columns,
        match=(key.match or "SIMPLE").upper(),
        deferrable=bool(key.deferrable) or deferred,
        initially_deferred=deferred,
        not_valid=bool(given.get("not_valid")),
        comment=comment_of(key.comment, where),
    )


kind = ForeignKeyKind()
