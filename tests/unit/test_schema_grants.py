"""Grants as Python declares them, and what it means that a schema says nothing of them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import Enum, Namespace, declare, function, grant, view
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds.grant import Grant
from sendoka.schema.model import Id, Model
from sendoka.schema.plan import plan

TOUCH = function("create function touch(a int) returns int language sql as 'select 1'")
MOOD = Enum(name="mood", values=("a", "b"))


def _read(*declared: Any, name: str = "t", query: str = "select a from t") -> Model:
    metadata = sa.MetaData()
    number = sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)
    table = sa.Table(name, metadata, number, sa.Column("a", sa.Text))
    declare(metadata, TOUCH, MOOD, view("v", query), Namespace(name="billing"), *declared)
    model = model_from_tables([table])
    again = model_from_snapshot(snapshot_of(model), "snapshot")
    assert (again, again.silent) == (model, model.silent)
    return model


def _texts(old: Model, new: Model, renaming: Renaming | None = None) -> list[str]:
    steps = plan(diff(old, new, renaming)).steps
    return [step.text.replace('"public".', "").replace('"', "") for step in steps]


def _grants(*declared: Any) -> list[str]:
    """Return the statements that the declared grants make, the schema being there."""
    return [text for text in _texts(Model(), _read(*declared)) if text.startswith(("GRANT", "REVOKE", "DO"))]


def test_what_several_grants_give_to_one_role_adds_up() -> None:
    one = grant("SELECT", "insert", on="t", to=["app", "jobs"])
    other = grant("update", on=sa.Table("t", sa.MetaData()), to="app", grantable=True)
    assert _grants(one, other) == [
        "GRANT SELECT, INSERT ON TABLE t TO app",
        "GRANT UPDATE ON TABLE t TO app WITH GRANT OPTION",
        "GRANT SELECT, INSERT ON TABLE t TO jobs",
    ]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (grant("all", on="v", to="app"), "GRANT ALL ON TABLE v TO app"),
        (
            grant("select", "references", on="t", columns=["a"], to="app"),
            "GRANT SELECT (a), REFERENCES (a) ON TABLE t TO app",
        ),
        (grant("execute", on="touch(integer)", to="app"), "GRANT EXECUTE ON FUNCTION touch(integer) TO app"),
        (grant("all", on=TOUCH, to="app"), "GRANT EXECUTE ON FUNCTION touch(integer) TO app"),
        (grant(on="touch", to="PUBLIC"), "REVOKE EXECUTE ON FUNCTION touch(integer) FROM PUBLIC"),
        (grant(on=MOOD, to="public"), "REVOKE USAGE ON TYPE mood FROM PUBLIC"),
        (grant("usage", "create", on=Namespace(name="billing"), to="app"), "GRANT ALL ON SCHEMA billing TO app"),
        (grant("usage", on=Namespace(name="public"), to="app"), "GRANT USAGE ON SCHEMA public TO app"),
        (grant("select", on="t", to="current_user"), "REVOKE ALL ON TABLE t FROM CURRENT_USER"),
        (Grant(name="app", on="table", target="t", privileges=("delete",)), "GRANT DELETE ON TABLE t TO app"),
        (
            Grant(name="app", on="identity", target="t", column="id", privileges=("usage",)),
            "DO $$BEGIN EXECUTE format('GRANT USAGE ON SEQUENCE %s TO app', pg_get_serial_sequence('t', 'id')); END$$",
        ),
    ],
)
def test_each_sort_of_object_has_its_own_words(declared: Any, text: str) -> None:
    assert _grants(declared)[0] == text


def test_what_a_role_has_by_itself_is_no_grant() -> None:
    assert (
        _grants(
            grant("execute", on="touch", to="public"),
            grant("all", on="t", to="current_user"),
            grant("usage", on=Namespace(name="public"), to="public"),
            grant(on="t", to="app"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"on": "tt"}, "a grant is on tt, which is not declared"),
        ({"on": Namespace(name="bill")}, "a grant is on bill, which is not declared"),
        ({"on": "touch(text)"}, r"a grant is on touch\(text\), which is not declared"),
        ({"on": "t", "columns": ["b"]}, "a grant is on t.b, which is not declared"),
        ({"on": "touch"}, "'select' is no privilege on a function"),
        ({"on": "t", "to": "public", "grantable": True}, "PUBLIC cannot grant to others"),
        ({"on": "t", "to": "a" * 64}, "the name of a role has 64 bytes"),
    ],
)
def test_a_grant_that_cannot_be_is_refused(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        _read(grant("select", **{"to": "app", **declared}))


def test_a_grant_to_nobody_is_refused() -> None:
    with pytest.raises(SchemaError, match="names no role"):
        grant("select", on="t", to=[])


def test_a_name_that_several_functions_have_is_refused() -> None:
    other = function("create function touch(a text) returns int language sql as 'select 1'")
    with pytest.raises(SchemaError, match="several are called touch") as raised:
        _read(other, grant("execute", on="touch", to="app"))
    assert "touch(integer), touch(text)" in str(raised.value)


# ------------------------------------------------------------------ renames


def test_grants_follow_what_is_renamed() -> None:
    def schema(table: str, mood: str, *more: Any) -> Model:
        metadata = sa.MetaData()
        number = sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)
        owned = sa.Table(table, metadata, number, sa.Column("a", sa.Text))
        numbers = Grant(name="app", on="identity", target=table, column="id", privileges=("usage",))
        one, other = grant("select", on=table, to="app"), grant("update", on=table, columns="a", to="app")
        declare(metadata, Enum(name=mood, values=("a",)), grant(on=mood, to="public"), one, other, numbers, *more)
        return model_from_tables([owned])

    answers = Renaming({Id("table", "public", "", "t"): "u", Id("enum", "public", "", "mood"): "feeling"})
    new = schema("u", "feeling", grant("delete", on="u", to="app"))
    texts = _texts(schema("t", "mood"), new, answers)
    assert texts[-1] == "GRANT DELETE ON TABLE u TO app"
    assert not [text for text in texts[:-1] if text.startswith(("GRANT", "REVOKE", "DO"))]


# ------------------------------------------------------------------ silence

SELECTS = grant("select", on="v", to="app")


def test_python_without_a_grant_says_nothing_of_privileges_and_a_snapshot_keeps_that() -> None:
    assert _read().silent == {"grant"}
    assert "speaks_of" not in snapshot_of(_read())
    assert _read(SELECTS).silent == frozenset()
    assert _read(grant(on="t", to="app")).silent == frozenset()  # it grants nothing, and says so
    assert '"speaks_of": ["grant"]' in snapshot_of(_read(SELECTS))


def test_a_snapshot_whose_silence_was_edited_is_refused() -> None:
    text = snapshot_of(_read(SELECTS))
    for edited in ('"speaks_of": [],', '"speaks_of": 1,', ""):
        with pytest.raises(SchemaError, match="was edited"):
            model_from_snapshot(text.replace('"speaks_of": ["grant"],', edited), "snapshot")


def test_a_silent_schema_revokes_nothing_and_the_plan_names_what_it_left() -> None:
    changes = diff(_read(SELECTS, grant(on="touch", to="public")), _read())
    assert not changes
    (note,) = plan(changes).notes
    assert note.endswith('left as they are: "function touch(integer)".public, v.app')
    assert [each.name for each in changes.new.all(Grant)] == ["public", "app"]  # so that a snapshot of it knows them
    assert changes.new.silent == frozenset()


def test_what_is_made_anew_gets_its_grants_again_though_the_new_schema_is_silent() -> None:
    steps = plan(diff(_read(SELECTS), _read(query="select a, id from t"))).steps
    assert [step.text.partition(" ")[0] for step in steps] == ["DROP", "CREATE", "GRANT"]
    assert [hazard.name for step in steps for hazard in step.hazards] == []


def test_where_grants_are_not_known_what_is_made_anew_says_that_they_are_lost() -> None:
    steps = plan(diff(_read(), _read(query="select a, id from t"))).steps
    assert [hazard.flag for step in steps for hazard in step.hazards] == ["made-anew:v"]


def test_a_column_of_a_view_with_another_query_may_be_gone_and_so_are_its_grants() -> None:
    some = [grant("update", on="v", columns=["a"], to="app"), grant("update", on="t", columns=["a"], to="app"), SELECTS]
    steps = plan(diff(_read(*some), _read(query="select id from t"))).steps
    assert [step.text.partition(" ")[0] for step in steps] == ["DROP", "CREATE", "GRANT"]
    assert "GRANT SELECT ON" in steps[2].text
    assert [hazard.flag for step in steps for hazard in step.hazards] == ["made-anew:v"]


def test_an_old_schema_that_is_silent_is_not_given_what_only_the_new_one_speaks_of() -> None:
    changes = diff(_read(), _read(SELECTS))
    assert not changes
    assert plan(changes).notes[0].endswith("left as they are: v.app")
    assert changes.new.silent == {"grant"}


def test_what_no_migration_spoke_of_is_granted_once_it_is_declared() -> None:
    old, new = _read(), _read(SELECTS)
    assert _texts(old.attentive(new), new) == ["GRANT SELECT ON TABLE v TO app"]
    assert old.attentive(_read()).silent == {"grant"}


def test_a_revoke_is_a_hazard_that_does_not_ask() -> None:
    old, new = _read(SELECTS), _read(grant("insert", on="v", to="app"))
    (revoked, granted) = plan(diff(old, new)).steps
    assert [(each.flag, each.asks) for each in revoked.hazards] == [("revoke:v.app", False)]
    assert "app loses SELECT on view v" in revoked.hazards[0].why
    assert granted.hazards == ()


def test_two_objects_never_share_an_id() -> None:
    some = [
        Grant(name="app", on="sequence", target="x"),
        Grant(name="app", on="enum", target="x"),
        Grant(name="app", on="namespace", target="x", namespace=""),
        Grant(name="app", on="table", target="x.a"),
        Grant(name="app", on="table", target="y", column="a"),
        Grant(name="a.app", on="table", target="y"),
        Grant(name="app", on="identity", target="y", column="a"),
    ]
    assert len({each.id for each in some}) == len(some)
    assert len({each.id.address for each in some}) == len(some)
