"""Unique constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import UniqueConstraint

from sendoka.schema.declared import comment_of, namespace_of, options_of
from sendoka.schema.kinds._constraint import constraint_name
from sendoka.schema.kinds._key import Key, KeyKind, catalog_of, timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations

__all__ = ["Unique", "UniqueKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(Key):
    """A unique constraint. NULLs are distinct from each other unless `nulls_not_distinct`."""

    kind = "unique"
    nulls_not_distinct: bool = False


class UniqueKind(KeyKind[Unique]):
    """UNIQUE (…)."""

    name = "unique"
    rank = 40
    holds = Unique
    claims = ("constraint:u",)
    reads = (UniqueConstraint, Unique)
    catalog, inherited = catalog_of("u", more=", nulls_not_distinct")

    def declared(self, declarations: Declarations) -> Iterator[Unique]:
        """Read the unique constraints, those declared by themselves first, in order of their names."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            uniques = (each for each in table.constraints if isinstance(each, UniqueConstraint))
            yield from sorted((_declared(each, table) for each in uniques), key=lambda unique: unique.name)

    def words(self, key: Unique) -> str:
        """Return UNIQUE, with what it says of NULLs."""
        return "UNIQUE NULLS NOT DISTINCT" if key.nulls_not_distinct else "UNIQUE"


def _declared(unique: UniqueConstraint, table: Table) -> Unique:
    where = f"a unique constraint of {table.fullname}"
    given = options_of(unique, frozenset({"include", "nulls_not_distinct"}), where)
    columns = tuple(column.name for column in unique.columns)
    return Unique(
        name=constraint_name(unique, table, columns, "key"),
        namespace=namespace_of(table),
        table=table.name,
        columns=columns,
        include=tuple(str(name) for name in given.get("include", ())),
        nulls_not_distinct=bool(given.get("nulls_not_distinct")),
        comment=comment_of(unique.comment, where),
        **timing(unique),
    )


kind = UniqueKind()
