"""Names of types: Postgres' own spelling, the short one for reading, and what a change of type does to the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sendoka.quoting import ident, qualified

__all__ = [
    "Effect",
    "TypeName",
    "canonical_type",
    "effect_of",
    "parse_type",
    "short_type",
    "spelled_type",
    "user_type",
    "user_type_name",
]


class Effect(StrEnum):
    """What changing a column's type does to the rows that are there."""

    FREE = "free"
    """Nothing: only the catalog changes."""
    REWRITE = "rewrite"
    """Every row is written again under an exclusive lock; nothing is lost."""
    LOSSY = "lossy"
    """A value may be cut, rounded, read differently, or be refused."""


# Spellings of one type, and the one that format_type() gives. Source: "Data Types", chapter 8 of the documentation.
_ALIASES = {
    "bool": "boolean",
    "char": "character",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_SHORT = {
    "character varying": "varchar",
    "character": "char",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "bit varying": "varbit",
}
_BASES = frozenset(
    """bigint bit boolean box bytea character cidr circle date datemultirange daterange inet int4multirange int4range
    int8multirange int8range integer json jsonb jsonpath line lseg macaddr macaddr8 money name numeric nummultirange
    numrange oid path pg_lsn pg_snapshot point polygon real regclass regconfig regproc regprocedure regrole regtype
    smallint text tid tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector uuid xid xid8 xml""".split()  # noqa: SIM905 - fifty literals read worse
) | {
    "bit varying",
    "character varying",
    "double precision",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
}
_SHAPE = re.compile(
    r"(?P<base>[a-z_][a-z0-9_ ]*?)\s*(?:\((?P<modifiers>[\d\s,-]*)\))?(?P<zone> with(?:out)? time zone)?"
    r"(?P<array>(?:\[\d*\])*)"
)
_ONE = {"character": "1", "bit": "1"}
_FIELDS = re.compile(r"interval(?: [a-z ]+)?(?:\s*\(\d\))?(?:\[\d*\])*")


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type in parts: `numeric(10,2)[]` is `numeric`, (10, 2), array."""

    base: str
    modifiers: tuple[int, ...] = ()
    array: bool = False

    def __str__(self) -> str:
        return self._spelled(self.base)

    @property
    def short(self) -> str:
        """The spelling people write: `varchar(32)`, `timestamptz(3)`."""
        short = _SHORT.get(self.base, self.base)
        return short + self._brackets() + ("[]" if self.array else "")

    @property
    def unlimited(self) -> str:
        """The type without modifiers, as a cast to it neither cuts nor pads."""
        base = "bpchar" if self.base == "character" else self.base
        text = TypeName(base, self.modifiers if base == "bit" else (), self.array)
        return text.short

    def _brackets(self) -> str:
        return f"({','.join(map(str, self.modifiers))})" if self.modifiers else ""

    def _spelled(self, base: str) -> str:
        first, space, zone = base.partition(" ")
        inside = bool(space) and first in {"time", "timestamp"}
        name = first + self._brackets() + space + zone if inside else base + self._brackets()
        return name + ("[]" if self.array else "")


def parse_type(text: str) -> TypeName | None:
    """Return the type that any usual spelling names, or None for what is no built-in type."""
    text = " ".join(text.lower().split())
    if text.startswith("interval"):
        return _interval(text)
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    base = match["base"] + (match["zone"] or "")
    modifiers = match["modifiers"] or ""
    if base == "float":
        base, modifiers = ("real" if modifiers and int(modifiers) < 25 else "double precision"), ""
    base = _ALIASES.get(base, base)
    if base not in _BASES:
        return None
    numbers = tuple(int(number) for number in (modifiers or _ONE.get(base, "")).split(",") if number.strip())
    if base == "numeric" and len(numbers) == 1:
        numbers = (*numbers, 0)
    return TypeName(base, numbers, bool(match["array"]))


def _interval(text: str) -> TypeName | None:
    if not _FIELDS.fullmatch(text):
        return None
    base, bracket, _rest = text.partition("[")
    return TypeName(base.replace(" (", "("), array=bool(bracket))


def canonical_type(text: str) -> str | None:
    """Return Postgres' own spelling, as format_type() gives it, or None for what is no built-in type."""
    parsed = parse_type(text)
    return None if parsed is None else str(parsed)


_PART = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)'
_USER = re.compile(rf"(?P<namespace>{_PART})\.(?P<name>{_PART})(?P<rest>.*)", re.DOTALL)
_BARE = re.compile(r"[a-z_][a-z0-9_]*")


def user_type(text: str) -> tuple[str, str, str] | None:
    """Return (namespace, name, rest) of a type that is not built in, `public.mood[]`; None for every other text.

    The rest is what stands behind the name: modifiers, brackets.
    """
    match = _USER.fullmatch(text)
    return None if match is None else (_unquoted(match["namespace"]), _unquoted(match["name"]), match["rest"])


def user_type_name(namespace: str, name: str, rest: str = "") -> str:
    """Return the text that `user_type` reads: each part quoted where it must be, and only there."""
    return f"{_quoted(namespace)}.{_quoted(name)}{rest}"


def _quoted(name: str) -> str:
    return name if _BARE.fullmatch(name) else ident(name)


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def spelled_type(text: str) -> str:
    """Return a type as it stands in a statement: short where it is built in, its names in quotes where it is not."""
    named = user_type(text)
    return short_type(text) if named is None else qualified(*named[:2]) + named[2]


def short_type(text: str) -> str:
    """Return the spelling people write; a type that is not built in stays as it is."""
    parsed = parse_type(text)
    return text if parsed is None else parsed.short


_TEXTS = frozenset({"text", "character varying"})
# What every value of the left type is exactly in each of the right ones.
_WIDER = {
    "smallint": {"integer", "bigint", "numeric", "real", "double precision"},
    "integer": {"bigint", "numeric", "double precision"},
    "bigint": {"numeric"},
    "real": {"double precision"},
    "date": {"timestamp without time zone"},
    "jsonb": {"json"},
}
_PRECISION = frozenset(base for base in _BASES if base.startswith(("time ", "timestamp ")))


def effect_of(old: str, new: str) -> Effect:
    """Return what changing a column from the type `old` to `new` does. What is not known to be harmless is lossy."""
    before, after = parse_type(old), parse_type(new)
    if before is None or after is None or before.array != after.array:
        return Effect.LOSSY
    if before == after:
        return Effect.FREE
    if before.base == after.base:
        return _modified(before, after)
    if before.base in _TEXTS and after.base in _TEXTS:
        return Effect.LOSSY if _cuts(before.modifiers, after.modifiers) else Effect.FREE
    if (before.base, after.base) == ("cidr", "inet"):
        return Effect.FREE
    readable = after.base in _TEXTS and not after.modifiers and before.base != "character"
    wider = after.base in _WIDER.get(before.base, ()) and not after.modifiers
    return Effect.REWRITE if readable or wider else Effect.LOSSY


def _cuts(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    return bool(after) and (not before or after[0] < before[0])


def _modified(before: TypeName, after: TypeName) -> Effect:
    base = before.base
    if base in {"character varying", "bit varying"}:
        return Effect.LOSSY if _cuts(before.modifiers, after.modifiers) else Effect.FREE
    if base in _PRECISION:
        return Effect.LOSSY if (after.modifiers or (6,)) < (before.modifiers or (6,)) else Effect.FREE
    if base == "character":
        return Effect.LOSSY if after.modifiers < before.modifiers else Effect.REWRITE
    if base == "numeric":
        return _numeric(before.modifiers, after.modifiers)
    return Effect.LOSSY


def _numeric(before: tuple[int, ...], after: tuple[int, ...]) -> Effect:
    if not after:
        return Effect.FREE
    if not before or after[1] < before[1] or after[0] - after[1] < before[0] - before[1]:
        return Effect.LOSSY
    return Effect.FREE if after[1] == before[1] else Effect.REWRITE
