"""What views and materialized views share: a query under a name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._options import changed_options, options_in_catalog
from sendoka.schema.kinds._type import collation_in_catalog, keeps_type, type_in_catalog
from sendoka.schema.kinds.column import Column
from sendoka.schema.mentioned import ids_in, routines_in
from sendoka.schema.model import STRICT, Expression, Id, Object
from sendoka.schema.rewording import renamed_query
from sendoka.schema.spelling import same, sequences_in
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sendoka.schema.model import Model

__all__ = ["Queried", "QueriedColumn", "QueriedKind", "queried_catalog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriedColumn:
    """A column of a query about which something is said: a comment, or what an INSERT into a view puts there."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    name: str
    comment: str | None = None
    default: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queried(Object):
    """A query under a name. `options` are its storage parameters, `name=value`, in order.

    `columns` are those about which something is said. `shape` are all, by (name, type, collation), where a Postgres has
    told them, and `stands_on` the primary keys, by (namespace, table, name), that it groups by to read other columns as
    well; both follow from the query, and are neither compared nor kept.
    """

    is_relation = True
    definition: Expression
    options: tuple[str, ...] = ()
    columns: tuple[QueriedColumn, ...] = ()
    shape: tuple[tuple[str, str, str | None], ...] = field(default=(), compare=False)
    stands_on: tuple[tuple[str, str, str], ...] = field(default=(), compare=False)


V = TypeVar("V", bound=Queried)


_QUERIED = f"""queried as (
    select c.relkind, c.nspname as namespace, c.relname as name, z.description as comment,
           json_build_object('canonical', rtrim(btrim(pg_get_viewdef(c.oid)), ';')) as definition,
           {options_in_catalog("c")} as options,
           (select json_agg(json_build_array(a.attname, {type_in_catalog("format_type(a.atttypid, a.atttypmod)")},
                                             {collation_in_catalog("k")}) order by a.attnum)
              from pg_attribute a join pg_type y on y.oid = a.atttypid
                   left join pg_collation k on k.oid = a.attcollation
             where a.attrelid = c.oid and a.attnum > 0) as shape,
           coalesce((select json_agg(distinct jsonb_build_array(w.nspname, r.relname, k.conname))
              from pg_rewrite u join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = u.oid
                   join pg_constraint k on d.refclassid = 'pg_constraint'::regclass and k.oid = d.refobjid
                   join pg_class r on r.oid = k.conrelid join pg_namespace w on w.oid = r.relnamespace
             where u.ev_class = c.oid and k.contype = 'p'), '[]') as stands_on,
           coalesce((select json_agg(json_build_object('name', a.attname, 'comment', o.description, 'default',
                          case when d.oid is not null then
                               json_build_object('canonical', pg_get_expr(d.adbin, d.adrelid)) end)
                          order by a.attname)
              from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                   left join pg_description o on o.objoid = c.oid and o.objsubid = a.attnum
                        and o.classoid = 'pg_catalog.pg_class'::regclass
             where a.attrelid = c.oid and a.attnum > 0 and (d.oid is not null or o.description is not null)), '[]')
                as columns
      from relations c {described("pg_class", "c.oid")}
     where c.relkind in ('v', 'm') order by c.nspname, c.relname)"""


def queried_catalog(relkind: str) -> str:
    """Return the SELECT of the relations of one kind, by `pg_class.relkind`, with their queries."""
    columns = "namespace, name, comment, definition, options, shape, stands_on, columns"
    return f"select {columns} from queried where relkind = '{relkind}'"


class QueriedKind(Kind[V]):
    """CREATE … AS and its kin. `words` is what stands in front of the name."""

    words: ClassVar[str]
    ground = _QUERIED
    rank = 80
    has_parts = True
    renames_on_answer = True
    has_privileges = True

    def create(self, new: V, parts: Sequence[str]) -> list[Step]:
        """Return CREATE … AS its query."""
        options = f" WITH ({', '.join(new.options)})" if new.options else ""
        return [Step(f"CREATE {self.label(new)}{options} AS\n{new.definition.text}")]

    def alter(self, old: V, new: V, changed: frozenset[str]) -> list[Step] | None:
        """Return SET and RESET of options and what is said of columns, where the query stays."""
        if "definition" in changed:
            return None
        texts = changed_options(f"ALTER {self.label(new)}", old.options, new.options) if "options" in changed else []
        return [*map(Step, texts), *self._said(old.columns, new)]

    def afterwards(self, new: V) -> list[Step]:
        """Return what is said of its columns."""
        return self._said((), new)

    def _said(self, old: Sequence[QueriedColumn], new: V) -> list[Step]:
        """Return what is said of columns now, where `old` was said before."""
        before, after = ({each.name: each for each in columns} for columns in (old, new.columns))
        steps = []
        for name in sorted({*before, *after}):
            was, comes = before.get(name, QueriedColumn(name=name)), after.get(name, QueriedColumn(name=name))
            column = f"{qualified(new.namespace, new.name)}.{ident(name)}"
            if not same(was.default, comes.default):
                value = f"SET DEFAULT {comes.default.text}" if comes.default else "DROP DEFAULT"
                steps.append(Step(f"ALTER {self.label(new)} ALTER COLUMN {ident(name)} {value}"))
            if was.comment != comes.comment:
                said = "NULL" if comes.comment is None else literal(comes.comment)
                steps.append(Step(f"COMMENT ON COLUMN {column} IS {said}"))
        return steps

    def label(self, obj: V) -> str:
        """Return VIEW or MATERIALIZED VIEW and its name."""
        return f"{self.words} {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: V, model: Model) -> Iterator[Id]:
        """Yield its namespace and what its query speaks of."""
        yield Id("namespace", "", "", obj.namespace)
        yield from (key for key in ids_in(obj.definition.text, model) if key != obj.id)
        yield from (Id("primary-key", *each) for each in obj.stands_on)
        for each in obj.columns:
            if each.default is not None:
                yield from sequences_in(each.default)
                yield from routines_in(each.default.text, model)

    def moved(self, obj: V, renaming: Renaming) -> V:
        """Return it under its new name, what it reads from under theirs."""
        shape = tuple((name, renaming.type(of), renaming.collation(order)) for name, of, order in obj.shape)
        keys = (Id("primary-key", *each) for each in obj.stands_on)
        return replace(
            renaming.placed(obj),
            definition=renamed_query(obj.definition, renaming),
            shape=shape,
            stands_on=tuple((*renaming.place(key.namespace, key.table), renaming.name(key)) for key in keys),
        )

    def survives(self, obj: V, old: Object, new: Object) -> bool:
        """Return false where a column's type changes: Postgres refuses that under a view."""
        return not isinstance(old, Column) or keeps_type(old, new)

    def relation(self, obj: V) -> str:
        """Return its name."""
        return obj.name
