"""How the catalog's name of a type is spelled as the model spells it."""

from __future__ import annotations

from sendoka.quoting import ident

__all__ = ["collation_in_catalog", "spelled_collation", "type_in_catalog"]


def collation_in_catalog(collation: str) -> str:
    """Return the SQL of a collation's text, from a row of pg_collation: its name, with a namespace if it has its own.

    Postgres' own have names with dots; those of a namespace end in a double quote: `public."de"`.
    """
    return f"""case when {collation}.collnamespace = 'pg_catalog'::regnamespace then {collation}.collname::text
                    else {collation}.collnamespace::regnamespace || '."'
                         || replace({collation}.collname::text, '"', '""') || '"' end"""


def spelled_collation(text: str) -> str:
    """Return what stands behind COLLATE."""
    return text if text.endswith('"') and '."' in text else ident(text)


def type_in_catalog(formatted: str) -> str:
    """Return the SQL of a type's text; `formatted` is a call of format_type(), and `y` the type's row of pg_type.

    Postgres puts keywords in quotes; what is not built in is spelled with quotes only where they must be.
    """
    return rf"""case when coalesce(nullif(y.typelem, 0), y.oid) < 16384 then {formatted}
                    else regexp_replace({formatted},
                         '(^|\.)"([a-z_][a-z0-9_]*)"(?=$|[.\[(])', '\1\2', 'g') end"""
