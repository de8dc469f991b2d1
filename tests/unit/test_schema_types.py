"""Names of types, and what changing one into another does to the rows."""

from __future__ import annotations

import pytest

from sendoka.schema.casts import can_cast
from sendoka.schema.typenames import Effect, canonical_type, effect_of, parse_type, short_type


@pytest.mark.parametrize(
    ("written", "canonical", "short"),
    [
        ("INT", "integer", "integer"),
        ("int4[]", "integer[]", "integer[]"),
        ("int[][3]", "integer[]", "integer[]"),
        ("VARCHAR ( 32 )", "character varying(32)", "varchar(32)"),
        ("varchar(5)[]", "character varying(5)[]", "varchar(5)[]"),
        ("char", "character(1)", "char(1)"),
        ("decimal(10)", "numeric(10,0)", "numeric(10,0)"),
        ("numeric(6, -2)", "numeric(6,-2)", "numeric(6,-2)"),
        ("timestamptz", "timestamp with time zone", "timestamptz"),
        ("timestamp(3)  with time zone", "timestamp(3) with time zone", "timestamptz(3)"),
        ("TIMESTAMP", "timestamp without time zone", "timestamp"),
        ("time(0)", "time(0) without time zone", "time(0)"),
        ("time with time zone[]", "time with time zone[]", "timetz[]"),
        ("float", "double precision", "double precision"),
        ("float(10)", "real", "real"),
        ("bit varying(4)", "bit varying(4)", "varbit(4)"),
        ("interval day to second(3)", "interval day to second(3)", "interval day to second(3)"),
        ("interval(3)[]", "interval(3)[]", "interval(3)[]"),
        ("citext", None, "citext"),
        ("vector(3)", None, "vector(3)"),
        ("serial", None, "serial"),
        ("public.mood", None, "public.mood"),
        ("", None, ""),
    ],
)
def test_a_type_has_one_canonical_and_one_short_spelling(written: str, canonical: str | None, short: str) -> None:
    assert canonical_type(written) == canonical
    assert short_type(written) == short
    if canonical is not None:
        assert canonical_type(canonical) == canonical
        assert canonical_type(short) == canonical


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("varchar(32)", "varchar(64)", Effect.FREE),
        ("varchar(32)", "varchar", Effect.FREE),
        ("varchar(32)", "text", Effect.FREE),
        ("text", "varchar", Effect.FREE),
        ("varchar(64)", "varchar(32)", Effect.LOSSY),
        ("text", "varchar(32)", Effect.LOSSY),
        ("varchar", "varchar(32)", Effect.LOSSY),
        ("text[]", "text", Effect.LOSSY),
        ("varchar(3)[]", "text[]", Effect.FREE),
        ("integer", "bigint", Effect.REWRITE),
        ("bigint", "integer", Effect.LOSSY),
        ("integer", "numeric", Effect.REWRITE),
        ("integer", "numeric(5,2)", Effect.LOSSY),
        ("integer", "text", Effect.REWRITE),
        ("integer", "varchar(3)", Effect.LOSSY),
        ("text", "integer", Effect.LOSSY),
        ("char(3)", "char(5)", Effect.REWRITE),
        ("char(5)", "char(3)", Effect.LOSSY),
        ("char(5)", "text", Effect.LOSSY),
        ("numeric(10,2)", "numeric(12,2)", Effect.FREE),
        ("numeric(10,2)", "numeric", Effect.FREE),
        ("numeric(10,2)", "numeric(12,4)", Effect.REWRITE),
        ("numeric(10,2)", "numeric(10,4)", Effect.LOSSY),
        ("numeric(10,2)", "numeric(10,1)", Effect.LOSSY),
        ("numeric", "numeric(10,2)", Effect.LOSSY),
        ("timestamptz(3)", "timestamptz", Effect.FREE),
        ("timestamptz", "timestamptz(3)", Effect.LOSSY),
        ("timestamp", "timestamptz", Effect.LOSSY),
        ("date", "timestamp", Effect.REWRITE),
        ("json", "jsonb", Effect.LOSSY),
        ("jsonb", "json", Effect.REWRITE),
        ("cidr", "inet", Effect.FREE),
        ("inet", "cidr", Effect.LOSSY),
        ("real", "double precision", Effect.REWRITE),
        ("double precision", "real", Effect.LOSSY),
        ("interval", "interval(3)", Effect.LOSSY),
        ("uuid", "uuid", Effect.FREE),
        ("public.mood", "text", Effect.LOSSY),
    ],
)
def test_only_what_is_known_to_be_harmless_is_called_so(old: str, new: str, effect: Effect) -> None:
    assert effect_of(old, new) is effect


@pytest.mark.parametrize(
    ("written", "unlimited"),
    [
        ("varchar(5)", "varchar"),
        ("char(5)", "bpchar"),
        ("numeric(5,2)[]", "numeric[]"),
        ("bit(5)", "bit(5)"),
        ("timestamptz(3)", "timestamptz"),
    ],
)
def test_a_cast_without_a_length_neither_cuts_nor_pads(written: str, unlimited: str) -> None:
    parsed = parse_type(written)
    assert parsed is not None
    assert parsed.unlimited == unlimited


@pytest.mark.parametrize(
    ("old", "new", "possible"),
    [
        ("integer", "bigint", True),
        ("integer", "timestamp with time zone", False),
        ("integer", "text", True),
        ("character varying(9)", "integer", True),
        ("integer[]", "text", True),
        ("text", "integer[]", True),
        ("integer", "integer[]", False),
        ("integer[]", "bigint[]", True),
        ("integer[]", "jsonb[]", False),
        ("bigint", "boolean", False),
        ("boolean", "integer", True),
        ("interval", "interval(3)", True),
        ("interval(3)", "time without time zone", True),
        ("interval year to month", "integer", False),
        ("public.mood", "public.other", True),
        ("public.mood", "integer", True),
        ("public.mood[]", "public.mood", False),
        ("text[]", "public.mood[]", True),
        ("jsonb", "numeric(5,2)", True),
    ],
)
def test_a_cast_is_known_to_be_possible(old: str, new: str, possible: bool) -> None:
    assert can_cast(old, new) == possible
