"""How the catalog's name of a type is spelled as the model spells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.quoting import ident
from sendoka.schema.model import Id
from sendoka.schema.typenames import user_type

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collate", "collation_ids", "collation_in_catalog", "type_in_catalog"]


def type_in_catalog(formatted: str) -> str:
    """Return the SQL of a type's text; `formatted` is a call of format_type(), and `y` the type's row of pg_type.

    Postgres puts keywords in quotes; what is not built in is spelled with quotes only where they must be.
    """
    return rf"""case when coalesce(nullif(y.typelem, 0), y.oid) < 16384 then {formatted}
                    else regexp_replace({formatted},
                         '(^|\.)"([a-z_][a-z0-9_]*)"(?=$|[.\[(])', '\1\2', 'g') end"""


def collation_in_catalog(row: str) -> str:
    """Return the SQL of a collation's text; `row` is the alias of its pg_collation.

    One of a namespace of your own has both parts in quotes, as no name of Postgres' own begins.
    """
    return f"""case when {row}.collnamespace = 'pg_catalog'::regnamespace then {row}.collname::text
                         else (select format('"%s"."%s"', replace(w.nspname, '"', '""'),
                                             replace({row}.collname, '"', '""'))
                                 from pg_namespace w where w.oid = {row}.collnamespace) end"""


def collate(collation: str | None) -> str:
    """Return the words of a collation behind a type, none for None."""
    if collation is None:
        return ""
    return " COLLATE " + (collation if collation.startswith('"') else ident(collation))


def collation_ids(*collations: str | None) -> Iterator[Id]:
    """Yield the ids of those collations that are not Postgres' own."""
    for text in collations:
        named = user_type(text) if text is not None and text.startswith('"') else None
        if named is not None:
            yield Id("collation", named[0], "", named[1])
