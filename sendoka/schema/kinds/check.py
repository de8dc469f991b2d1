"""Check constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint

from sendoka.errors import SchemaError
from sendoka.quoting import ident
from sendoka.schema.declared import comment_of, is_created, namespace_of, options_of, text_of
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import _constraint as constraint
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import changes_family
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import Expression, Id, Member, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import mentions
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Check", "CheckKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Member):
    """A condition that every row meets; with `not_valid`, every row written from now on."""

    kind = "check"
    expression: Expression
    not_valid: bool = False
    no_inherit: bool = False


class CheckKind(Kind[Check]):
    """CHECK (…)."""

    name = "check"
    rank = 50
    holds = Check
    claims = ("constraint:c",)
    reads = (CheckConstraint, Check)
    renames_freely = True
    renames_if_alterable = True
    unmanaged = constraint.UNMANAGED
    catalog = f"""
        select k.namespace, k."table", k.conname as name,
               json_build_object('canonical', pg_get_expr(k.conbin, k.conrelid)) as expression,
               not k.convalidated as not_valid, k.connoinherit as no_inherit, z.description as comment
          from constraints k {described("pg_constraint", "k.oid")}
         where k.contype = 'c' and k.coninhcount = 0 order by k.namespace, k."table", k.conname"""

    def declared(self, declarations: Declarations) -> Iterator[Check]:
        """Read the checks, in order of their names. A nameless one gets the name Postgres would give it.

        Those declared by themselves come first.
        """
        yield from super().declared(declarations)
        for table in declarations.tables:
            checks = (each for each in table.constraints if isinstance(each, CheckConstraint) and is_created(each))
            yield from sorted((_declared(each, table) for each in checks), key=lambda check: check.name)

    def part(self, new: Check) -> str | None:
        """Return the clause; None with NOT VALID, which Postgres passes over inside CREATE TABLE."""
        return None if new.not_valid else self._clause(new)

    def _clause(self, new: Check) -> str:
        more = (" NO INHERIT" if new.no_inherit else "") + (" NOT VALID" if new.not_valid else "")
        return f"CONSTRAINT {ident(new.name)} CHECK ({new.expression.text}){more}"

    def create(self, new: Check, parts: Sequence[str]) -> list[Step]:
        """Return ALTER TABLE … ADD CONSTRAINT."""
        return [Step(constraint.add(new, self._clause(new)))]

    def drop(self, old: Check) -> str:
        """Return ALTER TABLE … DROP CONSTRAINT."""
        return constraint.drop(old)

    def label(self, obj: Check) -> str:
        """Return CONSTRAINT and its name."""
        return constraint.label(obj)

    def needs(self, obj: Check, model: Model) -> Iterator[Id]:
        """Yield its table and the columns it may speak of."""
        yield from constraint.mentioned_ids(obj, obj.expression, model)
        yield from routines_in(obj.expression.text, model)

    def moved(self, obj: Check, renaming: Renaming) -> Check:
        """Return it with the new names of its table and columns."""
        expression = renamed_in(obj.expression, renaming, obj.namespace, obj.table) or obj.expression
        return replace(renaming.placed(obj), expression=expression)

    def rename(self, old: Check, new: Check) -> str:
        """Return ALTER TABLE … RENAME CONSTRAINT."""
        return constraint.rename(old, new)

    def alter(self, old: Check, new: Check, changed: frozenset[str]) -> list[Step] | None:
        """Return VALIDATE CONSTRAINT where that is all; a check cannot be changed in place otherwise."""
        if changed == {"not_valid"} and not new.not_valid:
            text = f"{constraint.alter_table(new)} VALIDATE CONSTRAINT {ident(new.name)}"
            return [Step(text, (_validated(new),))]
        return None

    def online(self, new: Check, model: Model) -> list[Step]:
        """Return ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT."""
        return constraint.in_two(new, self._clause(new), _validated(new))

    def survives(self, obj: Check, old: Object, new: Object) -> bool:
        """Return false where a column's type becomes another: the text is then read anew."""
        return not changes_family(old, new)

    def risks(self, new: Check, model: Model) -> tuple[Hazard, ...]:
        """Return the scan under an exclusive lock, which NOT VALID spares."""
        if new.not_valid:
            return ()
        why = f"{new.table} is locked while all its rows are read; it fails on a row that breaks the check"
        instead = "--online, or postgresql_not_valid=True now and without it in the next migration, which validates"
        return (Hazard("add-check", new.id.address, why, instead=instead),)


def _validated(new: Check) -> Hazard:
    why = f"all rows of {new.table} are read; it can be written meanwhile"
    return Hazard("validate", new.id.address, why)


def _declared(check: CheckConstraint, table: Table) -> Check:
    where = f"a check of {table.fullname}"
    given = options_of(check, frozenset({"not_valid"}), where)
    if check.deferrable or check.initially:
        raise SchemaError("a check cannot be deferred", where=f"in {where}")
    expression = Expression(declared=text_of(check.sqltext, where))
    columns = [column.name for column in table.columns if mentions(expression, column.name)]
    return Check(
        name=constraint.constraint_name(check, table, columns if len(columns) == 1 else (), "check"),
        namespace=namespace_of(table),
        table=table.name,
        expression=expression,
        not_valid=bool(given.get("not_valid")),
        comment=comment_of(check.comment, where),
    )


kind = CheckKind()
