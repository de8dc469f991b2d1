"""Primary keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import PrimaryKeyConstraint

from sendoka.schema.declared import comment_of, namespace_of, options_of
from sendoka.schema.kinds._constraint import constraint_name
from sendoka.schema.kinds._key import Key, KeyKind, catalog_of, timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.declarations import Declarations

__all__ = ["PrimaryKey", "PrimaryKeyKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryKey(Key):
    """A table's primary key."""

    kind = "primary-key"


class PrimaryKeyKind(KeyKind[PrimaryKey]):
    """PRIMARY KEY (…)."""

    name = "primary-key"
    rank = 30
    holds = PrimaryKey
    claims = ("constraint:p",)
    reads = (PrimaryKeyConstraint, PrimaryKey)
    catalog, inherited = catalog_of("p")

    def declared(self, declarations: Declarations) -> Iterator[PrimaryKey]:
        """Read the primary keys of the tables that have one, and those declared by themselves."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            key = table.primary_key
            if len(key.columns):
                given = options_of(key, frozenset({"include"}), f"the primary key of {table.fullname}")
                yield PrimaryKey(
                    name=constraint_name(key, table, (), "pkey"),
                    namespace=namespace_of(table),
                    table=table.name,
                    columns=tuple(column.name for column in key.columns),
                    include=tuple(str(name) for name in given.get("include", ())),
                    comment=comment_of(key.comment, f"the primary key of {table.fullname}"),
                    **timing(key),
                )

    def words(self, key: PrimaryKey) -> str:
        """Return PRIMARY KEY."""
        return "PRIMARY KEY"


kind = PrimaryKeyKind()
