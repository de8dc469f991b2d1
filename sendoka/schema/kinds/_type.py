"""How the catalog's name of a type is spelled as the model spells it."""

from __future__ import annotations

__all__ = ["type_in_catalog"]


def type_in_catalog(formatted: str) -> str:
    """Return the SQL of a type's text; `formatted` is a call of format_type(), and `y` the type's row of pg_type.

    Postgres puts keywords in quotes; what is not built in is spelled with quotes only where they must be.
    """
    return rf"""case when coalesce(nullif(y.typelem, 0), y.oid) < 16384 then {formatted}
                    else regexp_replace({formatted},
                         '(^|\.)"([a-z_][a-z0-9_]*)"(?=$|[.\[(])', '\1\2', 'g') end"""
