"""The types of columns as SQLAlchemy writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.schema.model import PUBLIC
from sendoka.schema.to_python.code import Code, Name, Text, call
from sendoka.schema.typenames import canonical_type, parse_type, short_type, user_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.schema.model import Id, Model
    from sendoka.schema.to_python.imports import Imports
    from sendoka.schema.typenames import TypeName

__all__ = ["Types", "is_numeric"]

CORE = "sqlalchemy"
DIALECT = "sqlalchemy.dialects.postgresql"

_PLAIN = {
    "bigint": (CORE, "BigInteger"),
    "boolean": (CORE, "Boolean"),
    "bytea": (CORE, "LargeBinary"),
    "date": (CORE, "Date"),
    "double precision": (CORE, "Double"),
    "integer": (CORE, "Integer"),
    "json": (CORE, "JSON"),
    "real": (CORE, "REAL"),
    "smallint": (CORE, "SmallInteger"),
    "text": (CORE, "Text"),
    "uuid": (CORE, "Uuid"),
}
_OF_DIALECT = frozenset(
    """cidr datemultirange daterange inet int4multirange int4range int8multirange int8range jsonb jsonpath macaddr
    macaddr8 money nummultirange numrange oid regclass regconfig tsmultirange tsquery tsrange tstzmultirange tstzrange
    tsvector""".split()  # noqa: SIM905 - thirty literals read worse
)
_SIZED = {"character varying": "String", "character": "CHAR", "numeric": "Numeric"}
_TEMPORAL = {"timestamp": ("DateTime", "TIMESTAMP"), "time": ("Time", "TIME")}
_INTERVAL = re.compile(r"interval(?: (?P<fields>[a-z ]+))?(?:\((?P<precision>\d)\))?")
_OF_EXTENSIONS = {"citext": "CITEXT", "hstore": "HSTORE"}


def is_numeric(text: str) -> bool:
    """Tell whether SQLAlchemy would number the rows of a primary key of this type by itself."""
    parsed = parse_type(text)
    numbers = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
    return parsed is not None and parsed.base in numbers and not parsed.array


class Types:
    """Writes types; `shared` are the enums and domains that stand in a file of their own, as (file, variable)."""

    def __init__(self, model: Model, shared: Mapping[Id, tuple[str, str]]) -> None:
        self._model = model
        self._shared = shared
        self._extensions = {(key.name, model.objects[key].namespace) for key in model.extensions}

    def code(self, text: str, collation: str | None, imports: Imports) -> Code:
        """Return the code of a type in Postgres' spelling."""
        base = text.removesuffix("[]")
        if base != text and collation is None:
            return call(imports.use(DIALECT, "ARRAY"), self.code(base, None, imports))
        parsed = parse_type(text)
        found = self._collated(parsed, collation, imports) if collation else self._found(text, parsed, imports)
        if found is not None:
            return found
        named = Text(collation) if collation else None
        return call(imports.use("sendoka.schema", "sql_type"), Text(_shortest(text)), collation=named)

    def _collated(self, parsed: TypeName | None, collation: str, imports: Imports) -> Code | None:
        if parsed is None or parsed.array or parsed.base not in {"text", "character varying", "character"}:
            return None
        name = imports.use(CORE, _SIZED.get(parsed.base, "Text"))
        return call(name, *(Name(str(each)) for each in parsed.modifiers), collation=Text(collation))

    def _found(self, text: str, parsed: TypeName | None, imports: Imports) -> Code | None:
        if parsed is None:
            return self._users(text, imports)
        plain = (DIALECT, text.upper()) if text in _OF_DIALECT else _PLAIN.get(text)
        if plain is not None:
            return Name(imports.use(*plain))
        if parsed.base in _SIZED:
            return _with(imports.use(CORE, _SIZED[parsed.base]), parsed.modifiers)
        return _temporal(parsed, imports) or _bits(parsed, imports) or _interval(text, imports)

    def _users(self, text: str, imports: Imports) -> Code | None:
        """Return an enum, a domain or one of the extensions' types that SQLAlchemy knows."""
        namespace, name, rest = user_type(text) or ("", "", "")
        key = self._model.type_id(text)
        if key is None:
            of_extension = _OF_EXTENSIONS.get(name) if namespace == PUBLIC and not rest else None
            known = of_extension is not None and (name, PUBLIC) in self._extensions
            return Name(imports.use(DIALECT, of_extension)) if known and of_extension else None
        shared = self._shared.get(key)
        return None if shared is None else Name(imports.use(f".{shared[0]}", shared[1]))


def _with(name: str, modifiers: tuple[int, ...]) -> Code:
    return call(name, *(Name(str(each)) for each in modifiers)) if modifiers else Name(name)


def _temporal(parsed: TypeName, imports: Imports) -> Code | None:
    first, _, zone = parsed.base.partition(" ")
    if first not in _TEMPORAL:
        return None
    zoned = Name("True") if zone == "with time zone" else None
    usual, precise = _TEMPORAL[first]
    if parsed.modifiers:
        return call(imports.use(DIALECT, precise), timezone=zoned, precision=Name(str(parsed.modifiers[0])))
    name = imports.use(CORE, usual)
    return call(name, timezone=zoned) if zoned else Name(name)


def _bits(parsed: TypeName, imports: Imports) -> Code | None:
    if parsed.base not in {"bit", "bit varying"}:
        return None
    length = [Name(str(each)) for each in parsed.modifiers]
    varying = Name("True") if parsed.base == "bit varying" else None
    return call(imports.use(DIALECT, "BIT"), *length, varying=varying)


def _interval(text: str, imports: Imports) -> Code | None:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        return None
    if text == "interval":
        return Name(imports.use(CORE, "Interval"))
    fields = Text(match["fields"]) if match["fields"] else None
    precision = Name(match["precision"]) if match["precision"] else None
    return call(imports.use(DIALECT, "INTERVAL"), fields=fields, precision=precision)


def _shortest(text: str) -> str:
    """Return a type's name as people write it, without `public` where that is not needed."""
    named = user_type(text)
    if named is None:
        return short_type(text)
    bare = text.removeprefix(f"{PUBLIC}.")
    return text if named[0] != PUBLIC or canonical_type(bare) is not None else bare
