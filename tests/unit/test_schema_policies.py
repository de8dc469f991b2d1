"""Row level security and extensions, as Python declares them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import declare, extension, function, policy
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.model import Model
from sendoka.schema.plan import plan


def _read(*declared: Any, row_security: Any = False) -> Model:
    metadata = sa.MetaData()
    declare(metadata, *declared)
    table = sa.Table("t", metadata, sa.Column("a", sa.Text), info={"row_security": row_security})
    model = model_from_tables([table])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _texts(old: Model, new: Model) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in plan(diff(old, new)).steps]


def test_policies_come_last_and_count_where_the_table_says_so() -> None:
    mine = policy("mine", "t", command="SELECT", to=["web", "current_user"], using="a = me()", comment="own rows")
    me = function("create function me() returns text language sql as $$ select current_user $$")
    assert _texts(_read(), _read(mine, me, row_security="forced")) == [
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        me.definition.text,
        "CREATE POLICY mine ON t FOR SELECT TO CURRENT_USER, web USING (a = me())",
        "COMMENT ON POLICY mine ON t IS 'own rows'",
    ]


def test_a_policy_is_changed_in_place_where_postgres_can() -> None:
    def one(**options: Any) -> Model:
        return _read(policy("p", "t", using="a > ''", **options))

    assert _texts(one(), one(check=sa.column("a") == "x")) == ["ALTER POLICY p ON t WITH CHECK (a = 'x')"]
    assert _texts(one(), one(to=["web"])) == ["ALTER POLICY p ON t TO web"]
    assert [text.partition(" ON")[0] for text in _texts(one(), one(restrictive=True))] == [
        "DROP POLICY p",
        "CREATE POLICY p",
    ]


@pytest.mark.parametrize("said", ["yes", 2, None, "force"])
def test_row_security_that_says_nothing_is_refused(said: Any) -> None:
    with pytest.raises(SchemaError, match=r"row_security=.* says nothing"):
        _read(row_security=said)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"command": "truncate"}, "all, select, insert, update, delete"), ({"using": " "}, "an expression is empty")],
)
def test_a_policy_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        policy("p", "t", **options)


def test_an_extension_comes_first() -> None:
    assert _texts(Model(), _read(extension("citext")))[0] == "CREATE EXTENSION citext SCHEMA public"


def test_an_extension_moves_to_another_namespace() -> None:
    moved = _texts(_read(extension("citext")), _read(extension("citext", namespace="tools")))
    assert moved == ["ALTER EXTENSION citext SET SCHEMA tools"]


@pytest.mark.parametrize("name", ["", "a" * 64, "a\0b"])
def test_an_extension_without_a_proper_name_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match="an extension"):
        _read(extension(name))


def test_a_policy_of_a_table_that_is_not_declared_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"policy tt\.p stands on public\.tt, .*\ndid you mean t\?"):
        _read(policy("p", "tt", using="true"))
