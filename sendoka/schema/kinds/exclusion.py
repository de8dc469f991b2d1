"""Exclusion constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.dialects.postgresql import ExcludeConstraint

from sendoka.quoting import ident
from sendoka.schema.declared import comment_of, constraint_text, namespace_of, options_of
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import _constraint as constraint
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import changes_family
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import Expression, Id, Member, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Exclusion", "ExclusionKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion(Member):
    """A constraint that no two rows meet. `definition` is all that comes behind its name: `EXCLUDE USING gist (…)`."""

    kind = "exclusion"
    definition: Expression


class ExclusionKind(Kind[Exclusion]):
    """EXCLUDE (…)."""

    name = "exclusion"
    rank = 55
    holds = Exclusion
    claims = ("constraint:x",)
    reads: ClassVar[tuple[type[Any], ...]] = (ExcludeConstraint, Exclusion)
    renames_freely = True
    renames_if_alterable = True
    unmanaged = constraint.UNMANAGED
    catalog = f"""
        select k.namespace, k."table", k.conname as name, z.description as comment,
               json_build_object('canonical', pg_get_constraintdef(k.oid)) as definition
          from constraints k {described("pg_constraint", "k.oid")}
         where k.contype = 'x' and k.conparentid = 0 order by k.namespace, k."table", k.conname"""

    def declared(self, declarations: Declarations) -> Iterator[Exclusion]:
        """Read the exclusion constraints, those declared by themselves first, in order of their names."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            found = (each for each in table.constraints if isinstance(each, ExcludeConstraint))
            yield from sorted((_declared(each, table) for each in found), key=lambda each: each.name)

    def part(self, new: Exclusion) -> str:
        """Return the constraint's clause."""
        return f"CONSTRAINT {ident(new.name)} {new.definition.text}"

    def merges(self, new: Exclusion) -> object:
        """Return the definition: of two equal ones Postgres makes the first alone."""
        return new.definition.text

    def create(self, new: Exclusion, parts: Sequence[str]) -> list[Step]:
        """Return ALTER TABLE … ADD CONSTRAINT."""
        return [Step(constraint.add(new, self.part(new)))]

    def drop(self, old: Exclusion) -> str:
        """Return ALTER TABLE … DROP CONSTRAINT."""
        return constraint.drop(old)

    def label(self, obj: Exclusion) -> str:
        """Return CONSTRAINT and its name."""
        return constraint.label(obj)

    def needs(self, obj: Exclusion, model: Model) -> Iterator[Id]:
        """Yield its table, the columns it may speak of, the functions it calls, and the extensions."""
        yield from constraint.mentioned_ids(obj, obj.definition, model)
        yield from routines_in(obj.definition.text, model)
        yield from model.extensions  # whose operators it may use

    def moved(self, obj: Exclusion, renaming: Renaming) -> Exclusion:
        """Return it with the new names of its table and columns."""
        definition = renamed_in(obj.definition, renaming, obj.namespace, obj.table) or obj.definition
        return replace(renaming.placed(obj), definition=definition)

    def rename(self, old: Exclusion, new: Exclusion) -> str:
        """Return ALTER TABLE … RENAME CONSTRAINT, which renames the index as well."""
        return constraint.rename(old, new)

    def survives(self, obj: Exclusion, old: Object, new: Object) -> bool:
        """Return false where a column's type becomes another: the text is then read anew."""
        return not changes_family(old, new)

    def risks(self, new: Exclusion, model: Model) -> tuple[Hazard, ...]:
        """Return the lock while the index is built."""
        why = f"{new.table} is locked, for reading too, while the index is built; it fails on rows that meet it"
        return (Hazard("add-exclusion", new.id.address, why),)

    def relation(self, obj: Exclusion) -> str:
        """Return the name of its index."""
        return obj.name


def _declared(exclusion: ExcludeConstraint, table: Table) -> Exclusion:
    where = f"an exclusion constraint of {table.fullname}"
    options_of(exclusion, frozenset(), where)
    columns = [column.name for column in exclusion.columns]
    return Exclusion(
        name=constraint.constraint_name(exclusion, table, columns, "excl"),
        namespace=namespace_of(table),
        table=table.name,
        definition=Expression(declared=constraint_text(exclusion, where)),
        comment=comment_of(exclusion.comment, where),
    )


kind = ExclusionKind()
