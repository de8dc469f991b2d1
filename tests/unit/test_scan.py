"""What stands in quotes and comments is told apart from what does not; no value in a text gets into a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendoka.http.scan import masked, operation, tokens
from sendoka.quoting import ident, literal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select $1, $23", [("word", "select"), ("parameter", "$1"), ("parameter", "$23")]),
        ("'$1'", [("string", "'$1'")]),
        ("'it''s $1'$2", [("string", "'it''s $1'"), ("parameter", "$2")]),
        ("'a\\'$1", [("string", "'a\\'"), ("parameter", "$1")]),
        ("E'a\\'$1'", [("string", "E'a\\'$1'")]),
        ("e'\\\\'$1", [("string", "e'\\\\'"), ("parameter", "$1")]),
        ("x'1f' U&'\\0061' n'x'", [("string", "x'1f'"), ("string", "U&'\\0061'"), ("string", "n'x'")]),
        ('"a""$1"', [("name", '"a""$1"')]),
        ("$$ $1 ' $$", [("string", "$$ $1 ' $$")]),
        ("$f$ $$ $1 $f$ $2", [("string", "$f$ $$ $1 $f$"), ("parameter", "$2")]),
        ("$1$2", [("parameter", "$1"), ("parameter", "$2")]),
        ("a$1 größe$1", [("word", "a$1"), ("word", "größe$1")]),
        ("-- $1 '\n$2", [("comment", "-- $1 '"), ("parameter", "$2")]),
        ("/* /* $1 */ ' */ $2", [("comment", "/* /* $1 */ ' */"), ("parameter", "$2")]),
        ("1e5 .5 a1", [("number", "1e5"), ("number", "5"), ("word", "a1")]),
        ("'open $1", [("string", "'open $1")]),
        ('"open $1', [("name", '"open $1')]),
        ("$x$ open $1", [("string", "$x$ open $1")]),
        ("/* open $1", [("comment", "/* open $1")]),
        ("", []),
    ],
)
def test_a_text_is_read_as_postgres_reads_it(text: str, found: list[tuple[str, str]]) -> None:
    assert [(token.kind, token.text) for token in tokens(text)] == found


@given(st.text())
def test_tokens_are_pieces_of_the_text_in_order(text: str) -> None:
    at = 0
    for token in tokens(text):
        assert at <= token.start < token.end <= len(text)
        assert text[token.start : token.end] == token.text
        at = token.end


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("select *\n  from t\n where id = $1", "select * from t where id = $1"),
        ("alter role app password 'hunter2'", "alter role app password ?"),
        ("alter role app password E'hun\\'ter2'", "alter role app password ?"),
        ("do $$ begin perform 'hunter2'; end $$", "do ?"),
        ("select 1 -- hunter2\n, 2 /* hunter2 */ from t", "select ? , ? from t"),
        ('select "Name" from t1', 'select "Name" from t1'),
        ("select 'hunter2", "select ?"),
    ],
)
def test_a_value_that_is_written_into_a_text_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert "hunter2" not in masked(text)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_no_literal_of_ours_comes_through_a_mask(value: str) -> None:
    assert masked(f"select {literal(value)} from t") == "select ? from t"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_name_is_one_token(name: str) -> None:
    assert [token.kind for token in tokens(f"select {ident(name)} from")] == ["word", "name", "word"]


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("select 1", "SELECT"),
        ("  -- first\n /* and */ (Select 1) union select 2", "SELECT"),
        ("create index concurrently i on t (a)", "CREATE"),
        ("with a as (select 1), b as materialized (update t set x = ')' returning *) insert into t select 1", "INSERT"),
        ("with recursive a(n) as (values (1) union select n from a) select * from a", "SELECT"),
        ("with a as (select 1) merge into t using a on true when matched then delete", "MERGE"),
        ("with a as (select 1)", "WITH"),
        ("", ""),
        ("'x'", ""),
    ],
)
def test_the_command_of_a_statement_is_found(text: str, verb: str) -> None:
    assert operation(text) == verb
