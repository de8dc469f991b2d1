"""Names and values are quoted in one place; what Postgres reads back is what went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendoka.quoting import ident, literal, qualified

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("orgs", '"orgs"'),
        ("Orgs", '"Orgs"'),
        ('it"s', '"it""s"'),
        ('"', '""""'),
        ("select", '"select"'),
        ("two words; drop table x", '"two words; drop table x"'),
        ("größe", '"größe"'),
        ("back\\slash", '"back\\slash"'),
        ("line\nbreak", '"line\nbreak"'),
    ],
)
def test_a_name_is_quoted(name: str, quoted: str) -> None:
    assert ident(name) == quoted


@pytest.mark.parametrize("name", ["", "\0", "a\0b"])
def test_a_name_that_postgres_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        ident(name)


def test_a_name_in_a_namespace_is_quoted_in_both_parts() -> None:
    assert qualified("my app", 'a"b') == '"my app"."a""b"'


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", "''"),
        ("x", "'x'"),
        ("it's", "'it''s'"),
        ("'", "''''"),
        ("a\\b", "E'a\\\\b'"),
        ("\\'", "E'\\\\'''"),
        ("$1 $$ -- /* */", "'$1 $$ -- /* */'"),
        ("line\nbreak", "'line\nbreak'"),
        ("naïve – 🦜", "'naïve – 🦜'"),
    ],
)
def test_a_value_is_quoted(text: str, quoted: str) -> None:
    assert literal(text) == quoted


def test_a_value_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal("a\0b")


def read_literal(quoted: str) -> str:
    """Read a literal by Postgres' lexical rules (documentation, 4.1.2), whatever standard_conforming_strings says."""
    escapes = quoted.startswith("E")
    body = quoted.removeprefix("E")[1:-1]
    out = []
    at = 0
    while at < len(body):
        sign = body[at]
        if sign == "'" or (sign == "\\" and escapes):
            at += 1
            assert body[at] == sign, "a quote or backslash must stand twice"
        else:
            assert sign != "\\", "a backslash outside E'' reads differently by setting"
        out.append(sign)
        at += 1
    return "".join(out)


@given(TEXT)
def test_a_literal_reads_back_as_the_text_it_was(text: str) -> None:
    assert read_literal(literal(text)) == text


@given(TEXT.filter(bool))
def test_an_identifier_reads_back_as_the_name_it_was(name: str) -> None:
    assert ident(name)[1:-1].replace('""', '"') == name
    assert ident(name)[1:-1].replace('""', "").count('"') == 0
