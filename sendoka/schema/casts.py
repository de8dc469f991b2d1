"""Which values can be made into another type at all, by a cast that Postgres has."""

from __future__ import annotations

from sendoka.schema.typenames import parse_type, user_type

__all__ = ["can_cast"]

# Source: pg_cast of PostgreSQL 15, types for whole texts (text, varchar, char, name) and their own kin left out.
_NUMBERS = {"bigint", "double precision", "integer", "numeric", "real", "smallint"}
_CASTS = {
    "bigint": {*_NUMBERS, "bit", "money", "oid"},
    "bit": {"bigint", "bit varying", "integer"},
    "bit varying": {"bit"},
    "boolean": {"integer"},
    "box": {"circle", "lseg", "point", "polygon"},
    "cidr": {"inet"},
    "circle": {"box", "point", "polygon"},
    "date": {"timestamp with time zone", "timestamp without time zone"},
    "daterange": {"datemultirange"},
    "double precision": _NUMBERS,
    "inet": {"cidr"},
    "int4range": {"int4multirange"},
    "int8range": {"int8multirange"},
    "integer": {*_NUMBERS, "bit", "boolean", "money", "oid"},
    "interval": {"time without time zone"},
    "json": {"jsonb"},
    "jsonb": {*_NUMBERS, "boolean", "json"},
    "lseg": {"point"},
    "macaddr": {"macaddr8"},
    "macaddr8": {"macaddr"},
    "money": {"numeric"},
    "numeric": {*_NUMBERS, "money"},
    "numrange": {"nummultirange"},
    "oid": {"bigint", "integer"},
    "path": {"polygon"},
    "point": {"box"},
    "polygon": {"box", "circle", "path", "point"},
    "real": _NUMBERS,
    "smallint": {*_NUMBERS, "oid"},
    "time with time zone": {"time without time zone"},
    "time without time zone": {"interval", "time with time zone"},
    "timestamp with time zone": {
        "date",
        "time with time zone",
        "time without time zone",
        "timestamp without time zone",
    },
    "timestamp without time zone": {"date", "time without time zone", "timestamp with time zone"},
    "tsrange": {"tsmultirange"},
    "tstzrange": {"tstzmultirange"},
    "xid8": {"xid"},
}
_TEXTS = {"text", "character varying", "character", "name"}


def can_cast(old: str, new: str) -> bool:
    """Tell whether `old` can be cast to `new`; every type can be written as text, and be read from it.

    Of types that are not built in everything is believed, but that one is an array and the other is none.
    """
    before, after = parse_type(old), parse_type(new)
    arrays = [_is_array(old), _is_array(new)]
    if any(each is not None and each.base in _TEXTS and not each.array for each in (before, after)):
        return True
    if arrays[0] != arrays[1]:
        return False
    if before is None or after is None or before.base == after.base or {before.base, after.base} & _TEXTS:
        return True
    kin = before.base.startswith("interval") and after.base.startswith("interval")
    return kin or after.base in _CASTS.get(before.base.partition("(")[0], ())


def _is_array(text: str) -> bool:
    parsed, named = parse_type(text), user_type(text)
    return parsed.array if parsed is not None else named is not None and named[2].endswith("]")
