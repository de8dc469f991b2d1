"""What types share: how the catalog's name of one is spelled, who holds its values, what an old one is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.quoting import ident
from sendoka.schema.model import Id
from sendoka.schema.names import MAX_NAME
from sendoka.schema.typenames import parse_type, user_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model, Object

__all__ = [
    "changes_family",
    "collate",
    "collation_ids",
    "collation_in_catalog",
    "demands",
    "givers",
    "is_held",
    "keeps_type",
    "meanwhile",
    "type_in_catalog",
]


def meanwhile(name: str) -> str:
    """Return what a type is called while another one of its name is made beside it."""
    return name.encode()[: MAX_NAME - len("_old")].decode(errors="ignore") + "_old"


def is_held(key: Id, model: Model, *, inside: bool) -> bool:
    """Tell whether a column of a table holds values of a type; `inside`: inside of an array or a composite type."""
    return any(is_inside or not inside for is_inside in _holdings(key, model))


def keeps_type(old: Object, new: Object) -> bool:
    """Tell whether a change leaves type and collation alone; Postgres refuses it under much that uses a column."""
    return all(getattr(old, name, None) == getattr(new, name, None) for name in ("type", "collation"))


def changes_family(old: Object, new: Object) -> bool:
    """Tell whether a column's type becomes another one, not only shorter or longer."""
    one, other = getattr(old, "type", None), getattr(new, "type", None)
    if old.kind != "column" or one is None or other is None or one == other:
        return False
    before, after = parse_type(one), parse_type(other)
    return before is None or after is None or (before.base, before.array) != (after.base, after.array)


def givers(of: str, model: Model) -> Iterator[Id]:
    """Yield what a type comes from: the object that it is, or the extensions, one of which brings it."""
    key = model.type_id(of)
    if key is not None:
        yield key
    elif user_type(of) is not None:
        yield from model.extensions


def demands(of: str, model: Model) -> tuple[bool, bool]:
    """Tell of a column's type, where it is a domain, whether it takes no NULL, and whether it gives a default."""
    needed, given = False, False
    key = model.type_id(of)
    while key is not None and key.kind == "domain" and not of.endswith("]"):
        domain: Any = model.objects[key]
        needed, given = needed or domain.not_null, given or domain.default is not None
        of, key = domain.type, model.type_id(domain.type)
    return needed, given


def _holdings(key: Id, model: Model) -> Iterator[bool]:
    """Yield for each column that holds values of the type whether they are inside of others."""
    for each in model:
        for of in _types_of(each):
            if model.type_id(of) == key:
                wrapped = (user_type(of) or ("", "", ""))[2].endswith("]") or each.kind == "composite-type"
                if each.is_type:
                    yield from (wrapped or is_inside for is_inside in _holdings(each.id, model))
                else:
                    yield wrapped


def _types_of(each: Object) -> list[str]:
    if each.kind in {"column", "domain"}:
        return [each.type]  # type: ignore[attr-defined]
    return [one.type for one in getattr(each, "attributes", ())]


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
