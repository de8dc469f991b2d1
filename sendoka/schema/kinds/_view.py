"""What views and materialized views share: a query under a name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sendoka.quoting import qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._options import changed_options, options_in_catalog
from sendoka.schema.kinds.column import Column
from sendoka.schema.mentioned import ids_in
from sendoka.schema.model import Expression, Id, Object
from sendoka.schema.rewording import renamed_query
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["Queried", "QueriedKind", "queried_catalog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queried(Object):
    """A query under a name. `options` are its storage parameters, `name=value`, in order."""

    is_relation = True
    definition: Expression
    options: tuple[str, ...] = ()


V = TypeVar("V", bound=Queried)


def queried_catalog(relkind: str, more: str = "") -> str:
    """Return the SELECT of the relations of one kind, by `pg_class.relkind`, with their queries."""
    return f"""
        select n.nspname as namespace, c.relname as name, z.description as comment,
               json_build_object('canonical', rtrim(btrim(pg_get_viewdef(c.oid)), ';')) as definition,
               {options_in_catalog("c")} as options {more}
          from pg_class c join namespaces n on n.oid = c.relnamespace {described("pg_class", "c.oid")}
         where c.relkind = '{relkind}' and not exists (
               select from of_extensions x where x.classid = 'pg_class'::regclass and x.objid = c.oid)
         order by n.nspname, c.relname"""


class QueriedKind(Kind[V]):
    """CREATE … AS and its kin. `words` is what stands in front of the name."""

    words: ClassVar[str]
    rank = 80
    has_parts = True
    renames_on_answer = True
    has_privileges = True

    def create(self, new: V, parts: Sequence[str]) -> list[Step]:
        """Return CREATE … AS its query."""
        options = f" WITH ({', '.join(new.options)})" if new.options else ""
        return [Step(f"CREATE {self.label(new)}{options} AS\n{new.definition.text}")]

    def alter(self, old: V, new: V, changed: frozenset[str]) -> list[Step] | None:
        """Return SET and RESET where only options change."""
        if changed != {"options"}:
            return None
        return [Step(text) for text in changed_options(f"ALTER {self.label(new)}", old.options, new.options)]

    def label(self, obj: V) -> str:
        """Return VIEW or MATERIALIZED VIEW and its name."""
        return f"{self.words} {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: V, model: Model) -> Iterator[Id]:
        """Yield its namespace and what its query speaks of."""
        yield Id("namespace", "", "", obj.namespace)
        yield from (key for key in ids_in(obj.definition.text, model) if key != obj.id)

    def moved(self, obj: V, renaming: Renaming) -> V:
        """Return it under its new name, what it reads from under theirs."""
        return replace(renaming.placed(obj), definition=renamed_query(obj.definition, renaming))

    def survives(self, obj: V, old: Object, new: Object) -> bool:
        """Return false where a column's type changes: Postgres refuses that under a view."""
        return not isinstance(old, Column) or not isinstance(new, Column) or old.type == new.type

    def relation(self, obj: V) -> str:
        """Return its name."""
        return obj.name
