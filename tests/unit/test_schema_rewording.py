"""What texts read like after renames: what Postgres follows is exchanged, and nothing that may mean something else."""

from __future__ import annotations

import pytest

from sendoka.schema.model import Expression, Id
from sendoka.schema.renaming import Renaming
from sendoka.schema.rewording import renamed_in, renamed_query, renamed_statement


def _id(kind: str, name: str, namespace: str = "public", table: str = "") -> Id:
    return Id(kind, namespace, table, name)


RENAMING = Renaming(
    {
        _id("namespace", "ns", ""): "new ns",
        _id("table", "t"): "u",
        _id("table", "moved"): "gone",
        _id("enum", "mood"): "feeling",
        _id("enum-value", "sad", table="mood"): "it's",
        _id("column", "body", table="t"): "text",
    },
    {_id("table", "moved"): "other"},
    {("public", "f"): ("public", "g"), ("ns", "f"): ("new ns", "f")},
)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("(body <> 'body')", "(text <> 'body')"),
        ("t.body is null", "t.text is null"),
        ("f(body) > public.f(1)", "g(text) > public.g(1)"),
        ("ns.f(body)", '"new ns".f(text)'),
        ("f > 1", "f > 1"),
        ("m <> 'sad'::public.mood", "m <> 'it''s'::public.feeling"),
        (
            "m <> 'sad'::text and m = any ('{sad}'::public.mood[])",
            "m <> 'sad'::text and m = any ('{sad}'::public.feeling[])",
        ),
        ("extract(year from body) > 1", "extract(year from text) > 1"),
        ("exists (select from t where t.id = 1)", "exists (select from u where t.id = 1)"),
        ("nextval('ns.s'::regclass)", """nextval('"new ns".s'::regclass)"""),
        ("nextval('moved')", "nextval('other.gone')"),
        ("-- f(body)\n body = $$body$$", "-- f(body)\n text = $$body$$"),
    ],
)
def test_an_expression_of_a_table(text: str, after: str) -> None:
    found = renamed_in(Expression(canonical=text), RENAMING, "public", "t")
    assert found is not None
    # What stands before a column that is looked up in another table follows where that is told by FROM.
    assert found.canonical == after.replace("where t.id", "where u.id")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (" SELECT t.id FROM public.t", " SELECT u.id FROM public.u"),
        ("select t.* from t join ns.x on x.id = t.id", 'select u.* from u join "new ns".x on x.id = u.id'),
        ("select a.id from moved a", "select a.id from other.gone a"),
        ("select t.id from other t", "select t.id from other t"),
        ("with t as (select 1) select * from t", "with t as (select 1) select * from t"),
        ("select body from t", "select body from u"),
    ],
)
def test_a_query(text: str, after: str) -> None:
    for query in (Expression(declared=text), Expression(canonical=text)):
        found = renamed_query(query, RENAMING)
        assert found.text == after


@pytest.mark.parametrize("text", ["select f(1)", "select public.f(1)", "select 'a'::mood", "select null::public.mood"])
def test_what_names_a_column_of_a_view_stays_in_a_declared_text_alone(text: str) -> None:
    assert renamed_query(Expression(declared=text), RENAMING).declared == text
    assert renamed_query(Expression(canonical=text), RENAMING).canonical != text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            "create function f(m mood, x public.mood[]) returns setof mood language sql as 'f(m::mood)'",
            "create function g(m feeling, x public.feeling[]) returns setof feeling language sql as 'f(m::mood)'",
        ),
        ("create function f(mood mood default 'a')", "create function g(mood feeling default 'a')"),
        (
            "create trigger t before insert on t execute function f()",
            "create trigger t before insert on u execute function g()",
        ),
    ],
)
def test_a_statement(text: str, after: str) -> None:
    assert renamed_statement(Expression(declared=text), RENAMING, on=True).declared == after


def test_without_renames_a_text_is_left_alone() -> None:
    expression = Expression(declared="body")
    assert renamed_in(expression, Renaming(), "public", "t") is expression
