"""Views as Python declares them, and what a text of SQL is found to speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import declare, materialized_view, view
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds.view import View
from sendoka.schema.mentioned import mentioned
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from sendoka.schema.model import Model


def _read(*declared: Any) -> Model:
    metadata = sa.MetaData()
    declare(metadata, *declared)
    model = model_from_tables([sa.Table("t", metadata, sa.Column("id", sa.Text), sa.Column("a", sa.Integer))])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _texts(old: Model, new: Model) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in plan(diff(old, new)).steps]


def test_views_are_made_behind_what_they_read_and_in_their_own_order() -> None:
    declared = [
        view("a", "select id from z;\n"),
        materialized_view("z", "select id from t", options={"fillfactor": 70}),
        view("own", "select 1", options={"security_invoker": True, "security_barrier": False}, comment="mine"),
    ]
    assert _texts(_read(), _read(*declared)) == [
        "CREATE MATERIALIZED VIEW z WITH (fillfactor=70) AS\nselect id from t",
        "CREATE VIEW a AS\nselect id from z",
        "CREATE VIEW own WITH (security_barrier=false, security_invoker=true) AS\nselect 1",
        "COMMENT ON VIEW own IS 'mine'",
    ]


def test_a_view_of_sqlalchemy_s_has_its_values_in_the_text() -> None:
    t = sa.table("t", sa.column("id"), sa.column("a"))
    (made,) = _read(view("v", sa.select(t.c.id).where(t.c.a > 7, t.c.id != "it's"))).all(View)
    assert made.definition.declared == "SELECT t.id \nFROM t \nWHERE t.a > 7 AND t.id != 'it''s'"


@pytest.mark.parametrize("query", ["", " ;\n", None, 7])
def test_a_query_that_is_none_is_refused(query: Any) -> None:
    with pytest.raises(SchemaError, match="query"):
        view("v", query)


def test_two_views_of_one_name_are_refused() -> None:
    with pytest.raises(SchemaError, match="two of one name: view v"):
        _read(view("v", "select 1"), view("v", "select 2"))


def test_a_changed_query_takes_the_views_above_down_and_puts_them_back() -> None:
    above = view("above", "select * from v")
    old, new = _read(view("v", "select id from t"), above), _read(view("v", "select a from t"), above)
    assert [text.partition(" AS")[0] for text in _texts(old, new)] == [
        "DROP VIEW above",
        "DROP VIEW v",
        "CREATE VIEW v",
        "CREATE VIEW above",
    ]


@pytest.mark.parametrize(
    ("text", "relations", "functions"),
    [
        ("select a from t", {("public", "t")}, set()),
        ("select a from only t x, other.u y where a in (select b from v)", {"t", ("other", "u"), "v"}, set()),
        ('select * from "A b"."c""d" join e on true', {("A b", 'c"d'), "e"}, set()),
        ("select f(a), g.h (b) from k(1) join lateral m(2) on true", set(), {"f", ("g", "h"), "k", "m"}),
        ("select 'from x' -- from y\n from /* from z */ t", {"t"}, set()),
        ("insert into t (a, b) select 1; update u set a = 1; delete from v", {"t", "u", "v"}, set()),
        ("select a, b from t group by c, d", {"t"}, set()),
        ("select $$ from x $$ from T", {"t"}, set()),
    ],
)
def test_what_a_text_reads_and_calls_is_found(text: str, relations: set[Any], functions: set[Any]) -> None:
    found = mentioned(text)
    assert found.relations == {each if isinstance(each, tuple) else ("public", each) for each in relations}
    assert found.functions == {each if isinstance(each, tuple) else ("public", each) for each in functions}
